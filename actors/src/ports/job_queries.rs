//! Parameters and results of the job store's reads.

use crate::domain::delivery::DeliveryStatus;
use crate::domain::id::Principal;
use crate::domain::job::{Job, Progress, Status};
use crate::domain::kind::JobKind;

/// Selects jobs to list, newest first; a `None` field matches everything.
#[derive(Clone, Debug)]
pub struct JobFilter {
    pub principal: Option<Principal>,
    pub status: Option<Status>,
    pub kind: Option<JobKind>,
    pub webhook: Option<DeliveryStatus>,
    /// [`JobPage::next`] of the previous page.
    pub cursor: Option<u64>,
    pub limit: PageLimit,
}

/// One page of a list of jobs.
#[derive(Clone, Debug)]
pub struct JobPage {
    pub jobs: Vec<Job>,
    /// The next page's cursor; `None` on the last page.
    pub next: Option<u64>,
}

/// The size of one page of a list. A page contains at least one job, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    pub jobs: usize,
    /// Total size of the jobs' stored requests.
    pub bytes: usize,
}

impl PageLimit {
    /// At most `jobs` jobs of any size.
    pub const fn of(jobs: usize) -> Self {
        Self { jobs, bytes: usize::MAX }
    }

    /// Whether a page of `jobs` jobs and `bytes` bytes may grow by one job of `next` bytes.
    pub fn allows(&self, jobs: usize, bytes: usize, next: usize) -> bool {
        jobs == 0 || (jobs < self.jobs && bytes.saturating_add(next) <= self.bytes)
    }
}

/// A job's status and progress without its request, cheap enough to poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSummary {
    pub status: Status,
    pub started: bool,
    pub progress: Progress,
}

impl From<&Job> for JobSummary {
    fn from(job: &Job) -> Self {
        Self { status: job.state.status(), started: job.started_at.is_some(), progress: job.progress }
    }
}

/// Jobs that changed after a given change number.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Jobs in their present state with the number of their last change, in that order; each job appears once.
    pub jobs: Vec<(u64, Job)>,
    /// The last change number that was examined: the next query starts after it.
    pub up_to: u64,
}

/// Totals for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    pub queued: u64,
    pub running: u64,
    pub pending_deliveries: u64,
}
