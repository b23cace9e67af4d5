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

/// What is to be told cannot be read: later perhaps, or never.
impl From<StoreError> for AttemptOutcome {
    fn from(error: StoreError) -> Self {
        let reason = error.to_string();
        if error.is_transient() { Self::Unread { reason } } else { Self::Unsendable { reason } }
    }
}

/// Signs and posts. It ends within its configured time-out and never panics on an answer.
#[async_trait]
pub trait WebhookTransport: Send + Sync + 'static {
    async fn post(&self, request: WebhookRequest) -> AttemptOutcome;
}
