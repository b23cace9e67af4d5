//! Handles to kinds of job. `crate::kinds` lists and registers the kinds.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

/// The properties of a kind that ids, routes, logs and answers depend on.
#[derive(Debug)]
pub struct KindDescriptor {
    /// The `task_type` of the API. Stores persist it.
    pub name: &'static str,
    /// Begins the kind's job ids (`crawl_…`) and routes (`/crawl/job/…`).
    pub prefix: &'static str,
    /// Whether ids contain the submission time: `llm_<unix seconds>_<unique>`.
    pub timestamped_ids: bool,
    pub result: ResultForm,
    /// Names the kind's workers in logs and metrics.
    pub worker: &'static str,
}

/// How a job's records make up its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// A list with one entry per URL. Clients can read single entries and ranges.
    Pages,
    /// One record, whose parts are members of the status and of the webhook.
    Single,
}

/// A kind of job: a reference to its descriptor. Two kinds are equal if their names are.
#[derive(Clone, Copy)]
pub struct JobKind(&'static KindDescriptor);

impl JobKind {
    pub const fn new(descriptor: &'static KindDescriptor) -> Self {
        Self(descriptor)
    }

    /// The `task_type` of the API.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    pub fn prefix(self) -> &'static str {
        self.0.prefix
    }

    pub fn has_timestamped_ids(self) -> bool {
        self.0.timestamped_ids
    }

    pub fn result_form(self) -> ResultForm {
        self.0.result
    }

    pub fn worker_name(self) -> &'static str {
        self.0.worker
    }
}

impl PartialEq for JobKind {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JobKind {}

impl PartialOrd for JobKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for JobKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for JobKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for JobKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
