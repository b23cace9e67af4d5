//! What the operator says about webhooks on the wire.

use std::time::Duration;

use opilio_actors::domain::secret::Secret;

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// One attempt whole: connecting, redirects, the head of the answer.
    pub timeout: Duration,
    pub max_redirects: usize,
    /// Sent with every webhook, unless the job has its own of the same name.
    pub headers: Vec<(String, Secret)>,
    /// What webhooks are signed with: each gives one signature, so that a new one can be brought in before the old one
    /// goes. `whsec_` and base64 as Standard Webhooks has them, or any other text, taken as it is. None: not signed.
    pub secrets: Vec<Secret>,
    /// Where neither the operator's headers nor the job's have one.
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

/// Settings that would make every webhook fail. No value is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhookSettings {
    #[error("header {0:?} cannot be sent")]
    Header(String),
    /// Counted from 1.
    #[error("secret {0} is empty or, after `whsec_`, not base64")]
    Secret(usize),
}
