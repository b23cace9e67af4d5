//! Jobs: specification, state transitions, and the cost of an interrupted attempt.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::crash::{self, CrashCount};
use super::delivery::{Delivery, DeliveryState, DueDelivery};
use super::id::{JobId, Principal};
use super::kind::JobKind;
use super::lease::Lease;
use super::queue_key::QueueKey;
use super::task::Task;
use super::webhook::Target;

/// The specification of a job. It is immutable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub task: Task,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// A client waits for the job's end.
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

#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    Queued { not_before: Option<Timestamp> },
    Running { lease: Lease },
    Completed,
    Failed,
    Cancelled,
}

/// The cause of a state transition.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    Claimed { lease: Lease },
    Released { not_before: Option<Timestamp> },
    Settled { verdict: Verdict },
    CancelRequested,
}

impl JobState {
    /// The state after `cause`; `None` if the transition is not allowed. The only function that changes a job's state.
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

/// The status of a job for clients and webhook receivers.
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

/// The outcome of a job's work.
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

/// Numbers of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Including failed pages.
    pub done: u32,
    pub failed: u32,
    pub total: u32,
}

impl Progress {
    /// A job is completed if at least one page succeeded.
    pub fn verdict(self) -> Verdict {
        if self.done > self.failed { Verdict::Completed } else { Verdict::Failed }
    }
}

/// Why an attempt ended before its job was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The process released the job on shutdown.
    Drained,
    /// The job yielded its worker to another queue.
    Yielded,
    /// A provider is unavailable; the job waits in the queue.
    Deferred,
    /// The work panicked, or its worker crashed.
    Crashed,
    /// The work stalled.
    Hung,
    /// The process that held the lease ended.
    Vanished,
}

impl Interruption {
    /// Whether the attempt counts. A crash of the process has a counter of its own.
    pub fn costs_an_attempt(self) -> bool {
        matches!(self, Interruption::Crashed | Interruption::Hung)
    }

    /// How the job's number of consecutive crashes changes.
    pub fn crash_count(self) -> CrashCount {
        match self {
            Interruption::Vanished => CrashCount::Increment,
            Interruption::Drained => CrashCount::Keep,
            Interruption::Yielded | Interruption::Deferred | Interruption::Crashed | Interruption::Hung => {
                CrashCount::Clear
            }
        }
    }
}

/// A stored job, without its pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub principal: Principal,
    pub spec: JobSpec,
    pub state: JobState,
    pub progress: Progress,
    /// Finished attempts that count.
    pub attempts_spent: u32,
    /// Consecutive crashes of processes while the job was running.
    pub crashes: u32,
    /// One sentence for users: why the job failed or was cancelled; before that, why its last attempt ended.
    pub error: Option<String>,
    /// What the running job waits for, for users. A hint that may be late.
    pub waiting_for: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// `None` until the job is settled, and for a job without a webhook.
    pub delivery: Option<Delivery>,
}

impl Job {
    /// The queue that the job waits in.
    pub fn queue_key(&self) -> QueueKey {
        QueueKey { principal: self.principal.clone(), interactive: self.spec.interactive }
    }

    /// The number of the current or last attempt; 1 for the first.
    pub fn attempt(&self) -> u32 {
        if self.state.is_settled() { self.attempts_spent.max(1) } else { self.attempts_spent + 1 }
    }

    /// Whether the job may have caused crashes of the process.
    pub fn is_suspect(&self) -> bool {
        crash::is_suspect(self.crashes)
    }

    pub fn stage(&self) -> Stage {
        match &self.state {
            JobState::Running { .. } => Stage::Running,
            JobState::Queued { .. } if self.attempts_spent + self.crashes > 0 => Stage::Retrying,
            JobState::Queued { .. } => Stage::Queued,
            JobState::Completed | JobState::Failed | JobState::Cancelled => Stage::Settled,
        }
    }

    /// The pending delivery of a settled job, due now.
    pub fn due_delivery(&self) -> Option<DueDelivery> {
        let (delivery, target) = (self.delivery.as_ref()?, self.spec.webhook.as_ref()?);
        let pending = matches!(delivery.state, DeliveryState::Pending { .. });
        pending.then(|| DueDelivery {
            job: self.id.clone(),
            principal: self.principal.clone(),
            receiver: target.receiver(),
            version: delivery.version,
            interruptions: 0,
            wait: Duration::ZERO,
        })
    }

    /// The time from the first claim to the end.
    pub fn processing_time(&self) -> Option<Duration> {
        let (started, finished) = (self.started_at?, self.finished_at?);
        Duration::try_from(finished.duration_since(started)).ok()
    }
}

/// The stage of a job; finer than [`Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Queued,
    Running,
    Retrying,
    Settled,
}

#[cfg(test)]
mod tests;
