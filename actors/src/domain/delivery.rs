//! Webhook deliveries: states, attempts and outcomes.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{JobId, Principal};
use super::webhook::Receiver;

/// The delivery of a settled job's webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub state: DeliveryState,
    /// Finished attempts of the current schedule; a replay resets it to 0.
    pub attempts: u32,
    /// Every change increments it. Writers pass the version that they read (optimistic locking).
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Pending {
        due: Timestamp,
    },
    Delivered,
    /// Every attempt failed.
    Exhausted,
    /// The receiver rejected it, or it may not be sent there.
    Refused,
}

/// [`DeliveryState`] for clients; `Waiting` while the job is not settled.
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

/// A pending delivery that is due, or becomes due within the requested horizon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    pub job: JobId,
    pub principal: Principal,
    pub receiver: Receiver,
    pub version: u64,
    /// Consecutive attempts that ended with their process.
    pub interruptions: u32,
    /// Zero when it is due.
    pub wait: Duration,
}

/// An attempt in progress: the right to send the webhook and to record the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub job: JobId,
    /// 1 for the first of the current schedule.
    pub number: u32,
    /// The fencing token of the delivery's lease.
    pub token: u64,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    Answered {
        status: u16,
        retry_after: Option<Duration>,
        /// The first KiB of the response body, as text.
        excerpt: String,
    },
    /// There is no complete response: a network error or a timeout.
    Failed { reason: String },
    /// The webhook cannot or must not be sent.
    Unsendable { reason: String },
}

impl AttemptOutcome {
    /// One line for logs and users.
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
    /// The attempt was aborted by a shutdown. It does not count and is repeated.
    Aborted,
}

/// An attempt in the delivery log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedAttempt {
    /// 1 for the first; replays continue the numbering.
    pub number: u32,
    pub started_at: Timestamp,
    /// `None`: it is in progress, or the process ended during it.
    pub finished_at: Option<Timestamp>,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub next_due: Option<Timestamp>,
    /// The first KiB of the response body.
    pub answer: Option<String>,
}
