//! The members that every webhook has.

use jiff::Timestamp;
use serde::Serialize;

use super::job::{Job, Status};
use super::time::rfc3339;

/// The members of a webhook that do not depend on the kind of job.
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
