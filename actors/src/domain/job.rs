//! A job's life: what it was asked to do, the one table of its states, and what an attempt costs.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::id::{JobId, Principal};
use super::kind::JobKind;
use super::lease::Lease;
use super::queue_key::QueueKey;
use super::task::Task;
use super::webhook::Target;

/// What a job was asked to do. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub task: Task,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Somebody waits for its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactive: bool,
}

impl JobSpec {
    pub fn kind(&self) -> JobKind {
        self.task.kind()
    }

    /// The URLs exactly as submitted.
    pub fn urls(&self) -> &[String] {
        self.task.urls()
    }
}

/// A key of the request that had no effect, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub key: String,
    pub reason: String,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    Queued { not_before: Option<Timestamp> },
    Running { lease: Lease },
    Completed,
    Failed,
    Cancelled,
}

/// What may move a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    Claimed { lease: Lease },
    Released { not_before: Option<Timestamp> },
    Settled { verdict: Verdict },
    CancelRequested,
}

impl JobState {
    /// The only way to move a job. `None`: the move is not allowed.
    pub fn after(self, cause: Cause) -> Option<JobState> {
        use JobState::{Cancelled, Queued, Running};
        match (self, cause) {
            (Queued { .. } | Running { .. }, Cause::CancelRequested) => Some(Cancelled),
            (Queued { .. }, Cause::Claimed { lease }) => Some(Running { lease }),
            (Running { .. }, Cause::Released { not_before }) => Some(Queued { not_before }),
            (Running { .. }, Cause::Settled { verdict }) => Some(verdict.into()),
            _ => None,
        }
    }

    pub fn is_settled(&self) -> bool {
        matches!(self, JobState::Completed | JobState::Failed | JobState::Cancelled)
    }

    pub fn status(&self) -> Status {
        match self {
            JobState::Queued { .. } | JobState::Running { .. } => Status::Processing,
            JobState::Completed => Status::Completed,
            JobState::Failed => Status::Failed,
            JobState::Cancelled => Status::Cancelled,
        }
    }
}

/// A job's state as clients and receivers read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Processing,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 4] = [Status::Processing, Status::Completed, Status::Failed, Status::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == raw)
    }
}

/// How a job's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Completed,
    Failed,
}

impl From<Verdict> for JobState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Completed => JobState::Completed,
            Verdict::Failed => JobState::Failed,
        }
    }
}

/// Pages done (well or not), those of them that failed, and all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u32,
    pub failed: u32,
    pub total: u32,
}

impl Progress {
    /// A crawl is completed when at least one page succeeded.
    pub fn verdict(self) -> Verdict {
        if self.done > self.failed { Verdict::Completed } else { Verdict::Failed }
    }
}

/// Why an attempt ended without settling its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The process is shutting down and gave the job back.
    Drained,
    /// The job let somebody else's go first.
    Yielded,
    /// What it needs from outside must rest; it comes again later.
    Deferred,
    /// The work panicked, or its worker died.
    Crashed,
    /// The work went on too long without an end, or without progress.
    Hung,
    /// The process that held the lease is gone.
    Vanished,
}

impl Interruption {
    /// A crash of the whole process also interrupts innocents: it costs only an attempt that completed no page.
    pub fn costs_an_attempt(self, pages_done_in_it: u32) -> bool {
        match self {
            Interruption::Drained | Interruption::Yielded | Interruption::Deferred => false,
            Interruption::Crashed | Interruption::Hung => true,
            Interruption::Vanished => pages_done_in_it == 0,
        }
    }
}

/// A job as it stands in the store, without its pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub principal: Principal,
    pub spec: JobSpec,
    pub state: JobState,
    pub progress: Progress,
    /// Attempts that are over and counted.
    pub attempts_spent: u32,
    /// One sentence for a person: why it failed or was cancelled; of a job still running, why its last attempt ended.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// `None` until the job is settled, and for a job nobody is told about.
    pub delivery: Option<Delivery>,
}

impl Job {
    /// Where it waits for its turn.
    pub fn queue_key(&self) -> QueueKey {
        QueueKey { principal: self.principal.clone(), interactive: self.spec.interactive }
    }

    /// 1 for the first.
    pub fn attempt(&self) -> u32 {
        if self.state.is_settled() { self.attempts_spent.max(1) } else { self.attempts_spent + 1 }
    }

    pub fn stage(&self) -> Stage {
        match &self.state {
            JobState::Running { .. } => Stage::Running,
            JobState::Queued { .. } if self.attempts_spent > 0 => Stage::Retrying,
            JobState::Queued { .. } => Stage::Queued,
            JobState::Completed | JobState::Failed | JobState::Cancelled => Stage::Settled,
        }
    }

    /// How long the work took, from the first claim to the end.
    pub fn processing_time(&self) -> Option<Duration> {
        let (started, finished) = (self.started_at?, self.finished_at?);
        Duration::try_from(finished.duration_since(started)).ok()
    }
}

/// Finer than [`Status`]: what a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Queued,
    Running,
    Retrying,
    Settled,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::NodeId;
    use crate::kinds::CRAWL;

    fn lease() -> Lease {
        let job = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 1);
        Lease { job, node: NodeId::new("n"), token: 1 }
    }

    #[test]
    fn a_settled_job_moves_no_more() {
        for settled in [JobState::Completed, JobState::Failed, JobState::Cancelled] {
            let causes = [
                Cause::Claimed { lease: lease() },
                Cause::Released { not_before: None },
                Cause::Settled { verdict: Verdict::Completed },
                Cause::CancelRequested,
            ];
            for cause in causes {
                assert_eq!(settled.clone().after(cause), None);
            }
        }
    }

    #[test]
    fn only_a_queued_job_is_claimed_and_only_a_running_one_settles() {
        let queued = JobState::Queued { not_before: None };
        let running = JobState::Running { lease: lease() };
        assert_eq!(queued.clone().after(Cause::Claimed { lease: lease() }), Some(running.clone()));
        assert_eq!(running.clone().after(Cause::Claimed { lease: lease() }), None);
        assert_eq!(queued.clone().after(Cause::Settled { verdict: Verdict::Failed }), None);
        assert_eq!(running.after(Cause::Settled { verdict: Verdict::Failed }), Some(JobState::Failed));
        assert_eq!(queued.after(Cause::CancelRequested), Some(JobState::Cancelled));
    }

    #[test]
    fn one_page_that_succeeded_completes_a_crawl() {
        assert_eq!(Progress { done: 3, failed: 2, total: 3 }.verdict(), Verdict::Completed);
        assert_eq!(Progress { done: 3, failed: 3, total: 3 }.verdict(), Verdict::Failed);
    }

    #[test]
    fn a_crash_of_the_process_costs_only_an_attempt_without_progress() {
        assert!(Interruption::Vanished.costs_an_attempt(0));
        assert!(!Interruption::Vanished.costs_an_attempt(1));
        assert!(Interruption::Crashed.costs_an_attempt(9));
        assert!(!Interruption::Drained.costs_an_attempt(0));
        assert!(!Interruption::Deferred.costs_an_attempt(0));
    }
}
