//! A webhook on its way: where it stands, and what one attempt at it came to.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::webhook::Receiver;

/// The one webhook of a settled job.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub state: DeliveryState,
    /// Attempts of the present schedule that ended with an answer or an error; a replay starts again at 0.
    pub attempts: u32,
    /// Raised by every change: who acts on what he once read must name it.
    pub version: u64,
}

/// Where a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Pending {
        due: Timestamp,
    },
    Delivered,
    /// Every attempt failed.
    Exhausted,
    /// The receiver does not want it, or it may not be sent there.
    Refused,
}

/// [`DeliveryState`] without its detail, and `Waiting` for a job that is not settled yet; as clients read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    Waiting,
    Pending,
    Delivered,
    Exhausted,
    Refused,
}

impl DeliveryStatus {
    pub const ALL: [DeliveryStatus; 5] = [
        DeliveryStatus::Waiting,
        DeliveryStatus::Pending,
        DeliveryStatus::Delivered,
        DeliveryStatus::Exhausted,
        DeliveryStatus::Refused,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Waiting => "waiting",
            DeliveryStatus::Pending => "pending",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Exhausted => "exhausted",
            DeliveryStatus::Refused => "refused",
        }
    }

    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == raw)
    }
}

impl DeliveryState {
    pub fn status(&self) -> DeliveryStatus {
        match self {
            DeliveryState::Pending { .. } => DeliveryStatus::Pending,
            DeliveryState::Delivered => DeliveryStatus::Delivered,
            DeliveryState::Exhausted => DeliveryStatus::Exhausted,
            DeliveryState::Refused => DeliveryStatus::Refused,
        }
    }
}

/// A pending delivery whose time has come, or will within the horizon asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    pub job: JobId,
    pub receiver: Receiver,
    pub version: u64,
    /// Attempts in a row that were cut short by the end of their process.
    pub interruptions: u32,
    /// Zero when it is due.
    pub wait: Duration,
}

/// One attempt that has begun: the right to send, and to write down what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub job: JobId,
    /// 1 for the first of the present schedule.
    pub number: u32,
    /// The fencing token of the delivery's lease.
    pub token: u64,
}

/// What the receiver did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    Answered {
        status: u16,
        retry_after: Option<Duration>,
        /// The first KiB of the answer's body, as text.
        excerpt: String,
    },
    /// No whole answer: a network error or a time-out.
    Failed { reason: String },
    /// It must not or cannot be sent, now or later.
    Unsendable { reason: String },
}

impl AttemptOutcome {
    /// One line for the log and for a person.
    pub fn summary(&self) -> String {
        match self {
            AttemptOutcome::Answered { status, .. } => format!("HTTP {status}"),
            AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => reason.clone(),
        }
    }
}

/// What an attempt's outcome means for its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    Delivered,
    Refused,
    Exhausted,
    RetryIn(Duration),
    /// The attempt was broken off on purpose, through no fault of the delivery: it counts for nothing, and is made again.
    BrokenOff,
}

/// One line of the delivery log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedAttempt {
    /// 1 for the first ever; replays go on counting.
    pub number: u32,
    pub started_at: Timestamp,
    /// `None`: it is under way, or the process died during it.
    pub finished_at: Option<Timestamp>,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub next_due: Option<Timestamp>,
    /// The first KiB of the receiver's answer.
    pub answer: Option<String>,
}
