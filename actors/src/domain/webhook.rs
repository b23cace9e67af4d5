//! Where a job's webhook is sent.

use serde::{Deserialize, Serialize};
use url::Url;

use super::secret::Secret;

/// The webhook of a job, with all defaults applied. It is stored with the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub url: Url,
    /// The job's own headers, in the submitted order. The transport adds the operator's headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Secret)>,
    pub data_in_payload: bool,
    /// The URL is the operator's `webhooks.default_url`, not a caller's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trusted: bool,
}

impl Target {
    pub fn receiver(&self) -> Receiver {
        Receiver(self.url.origin().ascii_serialization())
    }
}

/// The origin (scheme, host and port) of a webhook's URL. Deliveries to one receiver share its limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receiver(String);

impl Receiver {
    pub fn new(origin: impl Into<String>) -> Self {
        Self(origin.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
