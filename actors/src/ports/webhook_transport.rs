//! The way to a receiver.

use async_trait::async_trait;

use super::{StoreError, WebhookBody};
use crate::domain::delivery::AttemptOutcome;
use crate::domain::webhook::Target;

/// One attempt at one webhook.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    /// `webhook-id`: the same at every attempt and replay.
    pub id: String,
    pub target: Target,
    pub body: WebhookBody,
}

/// Signs and posts. It ends within its configured time-out and never panics on an answer.
#[async_trait]
pub trait WebhookTransport: Send + Sync + 'static {
    /// # Errors
    /// Our own store broke the body off: the receiver has no part in it.
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError>;
}
