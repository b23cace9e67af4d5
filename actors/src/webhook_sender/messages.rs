//! The commands of the sender, and the messages that it sends to itself.

use std::time::Duration;

use actix::prelude::*;

use crate::domain::delivery::DueDelivery;
use crate::domain::id::{JobId, Principal};
use crate::domain::job::Job;
use crate::ports::{ReplayFilter, StoreError};

/// Sends a job's webhook again now, with a new retry schedule.
#[derive(Debug, Message)]
#[rtype(result = "Result<Job, StoreError>")]
pub struct ReplayDelivery {
    pub job: JobId,
    pub principal: Option<Principal>,
}

/// Sends the webhooks of many jobs again now, each with a new retry schedule. The reply is their number.
#[derive(Debug, Message)]
#[rtype(result = "Result<u64, StoreError>")]
pub struct ReplayDeliveries {
    pub filter: ReplayFilter,
}

/// Starts no more attempts, and aborts those that are in flight after `grace`; the next process repeats them. The reply
/// follows when none is in flight.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainDeliveries {
    pub grace: Duration,
}

/// Makes one attempt, which already counts as in flight.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttemptDelivery {
    pub due: DueDelivery,
}

/// An attempt is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AttemptEnded {
    pub due: DueDelivery,
    /// The next attempt, if the delivery is still pending.
    pub next: Option<DueDelivery>,
    /// Whether the receiver responded; `None`: no request was sent.
    pub responded: Option<bool>,
    /// The store accepted all writes.
    pub recorded: bool,
}

/// The earliest delayed delivery is due.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RetryDue;

/// Finds due deliveries in the store that are not in memory.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Sweep;
