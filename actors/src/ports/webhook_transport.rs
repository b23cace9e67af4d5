//! Sending of webhooks.

use async_trait::async_trait;

use super::store_error::StoreError;
use super::webhook_body::WebhookBody;
use crate::domain::delivery::AttemptOutcome;
use crate::domain::webhook::Target;

/// One delivery attempt.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    /// `webhook-id`: the same at every attempt and replay.
    pub id: String,
    pub target: Target,
    pub body: WebhookBody,
}

/// Signs and posts webhooks, each within the configured timeout.
#[async_trait]
pub trait WebhookTransport: Send + Sync + 'static {
    /// # Errors
    /// The store failed while the body was read from it. The receiver is not the cause.
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError>;
}
