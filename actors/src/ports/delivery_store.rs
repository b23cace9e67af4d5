//! The port for webhook deliveries.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::store_error::StoreError;
use crate::domain::delivery::{
    Attempt, AttemptOutcome, DeliveryState, DeliveryStatus, DueDelivery, LoggedAttempt, RetryDecision,
};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::Job;
use crate::domain::webhook::Receiver;

/// Selects due deliveries.
#[derive(Clone, Debug)]
pub struct DueQuery {
    /// Include deliveries that become due within this time.
    pub horizon: Duration,
    /// At most this many deliveries.
    pub limit: usize,
    /// At most this many deliveries of one principal.
    pub limit_per_principal: usize,
    /// At most this many deliveries of one principal to one receiver.
    pub limit_per_receiver: usize,
    pub excluded_principals: Vec<Principal>,
    pub excluded_receivers: Vec<(Principal, Receiver)>,
    /// The longest possible retry delay. A due time further ahead was written by a clock that has been set back since; it
    /// is treated as this far ahead.
    pub max_wait: Duration,
}

/// The limits of one delivery attempt.
#[derive(Clone, Copy, Debug)]
pub struct AttemptTerms {
    /// The attempt's lease: an attempt without an outcome after this time counts as interrupted.
    pub lease_duration: Duration,
    /// An interrupted attempt is repeated at the earliest after this time, counted from its start.
    pub interruption_delay: Duration,
    /// A delivery with more consecutive interruptions than this is exhausted.
    pub max_interruptions: u32,
}

/// The result of [`DeliveryStore::start_attempt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptStart {
    Started(Attempt),
    /// The delivery has changed since `version` was read, or another attempt is in progress.
    Stale,
    /// The delivery had too many interruptions; its state is now exhausted.
    Exhausted,
}

/// A job and all attempts at its webhook, oldest first.
#[derive(Clone, Debug)]
pub struct DeliveryLog {
    pub job: Job,
    pub attempts: Vec<LoggedAttempt>,
}

/// Selects deliveries to replay; a `None` field matches everything.
#[derive(Clone, Debug, Default)]
pub struct ReplayFilter {
    pub principal: Option<Principal>,
    pub state: Option<DeliveryStatus>,
    /// Jobs settled at or after this moment.
    pub since: Option<Timestamp>,
    /// The origin of the receivers.
    pub origin: Option<String>,
}

/// Stores webhook deliveries and their attempts. [`JobStore::settle`](super::JobStore::settle) creates a delivery.
///
/// Every method is one transaction and is durable when it returns. The store supplies the time.
#[async_trait]
pub trait DeliveryStore: Send + Sync + 'static {
    /// Returns pending deliveries without an attempt in progress, ordered by due time. The earliest ones of each principal
    /// are selected, so that one principal's backlog does not hide another's deliveries.
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError>;

    /// Leases a delivery for one attempt and records the attempt's start. `version` is the version that the caller read
    /// (optimistic locking). An attempt whose lease expires counts as an interruption.
    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError>;

    /// Records an attempt's outcome and moves the delivery; returns its state and version. `LeaseLost` if the attempt's
    /// lease is stale.
    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError>;

    /// Returns a job's attempts; `None` if the job does not exist or belongs to another principal (`None`: any principal).
    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError>;

    /// Makes the delivery due now with a new retry schedule. If an attempt is in progress, the new schedule starts when
    /// that attempt ends, whatever its outcome. `Conflict` if the job has no webhook or is not settled.
    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError>;

    /// Replays every delivery that matches; returns their number.
    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError>;
}
