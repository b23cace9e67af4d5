//! Settings of the webhook transport.

use std::time::Duration;

use opilio_actors::domain::secret::Secret;

#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Time for one attempt: connecting, redirects, the response headers.
    pub timeout: Duration,
    pub max_redirects: usize,
    /// Sent with every webhook. Headers of the job take precedence.
    pub headers: Vec<(String, Secret)>,
    /// Signing secrets (Standard Webhooks), each for one signature, so that secrets can be rotated: `whsec_` and base64, or
    /// base64. Empty: unsigned.
    pub secrets: Vec<Secret>,
    /// Used if neither `headers` nor the job has one.
    pub user_agent: String,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_redirects: 5,
            headers: Vec::new(),
            secrets: Vec::new(),
            user_agent: concat!("Opilio-Webhook/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Settings with which every webhook would fail. Contains no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookSettings {
    #[error("invalid header {0:?}")]
    Header(String),
    /// Counted from 1.
    #[error("secret {0} must be `whsec_` and base64, or base64")]
    Secret(usize),
}
