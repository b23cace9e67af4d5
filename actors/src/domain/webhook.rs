//! Where a job's webhook is sent.

use std::hash::{DefaultHasher, Hash, Hasher};

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
        Receiver::of(&self.url)
    }
}

/// The URL of a webhook: its origin, a space and a digest of the whole. Deliveries to one receiver share its health, and
/// deliveries to one origin its connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receiver(String);

impl Receiver {
    pub fn of(url: &Url) -> Self {
        // Two receivers with one digest would share their health, which is harmless.
        let mut hasher = DefaultHasher::new();
        url.as_str().hash(&mut hasher);
        Self(format!("{} {:016x}", url.origin().ascii_serialization(), hasher.finish()))
    }

    /// A stored receiver.
    pub fn new(stored: impl Into<String>) -> Self {
        Self(stored.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        self.0.split_once(' ').map_or(&self.0, |(origin, _)| origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_of_one_origin_differ_by_url() {
        let receiver = |url: &str| Receiver::of(&url.parse().expect("a URL"));
        let [a, b] = ["https://a.example/x", "https://a.example/y"].map(receiver);
        assert_eq!((a.origin(), b.origin()), ("https://a.example", "https://a.example"));
        assert_ne!(a, b);
        assert_eq!(Receiver::new(a.as_str()), a);
    }
}
