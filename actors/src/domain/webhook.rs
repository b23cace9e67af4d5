//! Whom to tell about a settled job, and in which words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::job::{Job, Status};
use super::secret::Secret;
use super::time::rfc3339;

/// A job's receiver, with every default already applied; stored with the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub url: Url,
    /// The job's own headers, in the order given. The operator's are added when the webhook is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, Secret)>,
    pub data_in_payload: bool,
    /// Whether the operator named the address (`webhooks.default_url`) and not the caller: then it is trusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trusted: bool,
}

impl Target {
    /// Deliveries to one receiver share its bound in flight: scheme, host and port.
    pub fn receiver(&self) -> Receiver {
        Receiver(self.url.origin().ascii_serialization())
    }
}

/// The server behind a webhook's address.
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

/// What every webhook says, whatever the kind of job. The same bytes each time it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope<'a> {
    pub task_id: &'a str,
    pub task_type: &'static str,
    pub status: &'static str,
    pub timestamp: String,
    pub urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

impl<'a> Envelope<'a> {
    /// `None` while the job is not settled.
    pub fn of(job: &'a Job) -> Option<Self> {
        let finished: Timestamp = job.finished_at?;
        let status = job.state.status();
        Some(Self {
            task_id: job.id.as_str(),
            task_type: job.spec.kind().as_str(),
            status: status.as_str(),
            timestamp: rfc3339(finished),
            urls: job.spec.urls(),
            error: (status != Status::Completed).then_some(job.error.as_deref().unwrap_or("Unknown error")),
        })
    }
}
