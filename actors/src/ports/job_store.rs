//! The store: the truth about jobs, pages and deliveries.
//!
//! Every method is one transaction, done whole or not at all, and durable when it returns. No method takes the time: it
//! belongs to the store. What each method promises in every case is written down as the contract in `crate::testing`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{
    Attempt, AttemptOutcome, DeliveryState, DeliveryStatus, DueDelivery, LoggedAttempt, RetryDecision,
};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Interruption, Job, JobSpec, Progress, Status};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::webhook::Receiver;

/// A variant for each decision that a caller can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Stop: somebody else has the job, or it is settled.
    #[error("the lease is lost")]
    LeaseLost,
    #[error("no such job")]
    NotFound,
    /// What was asked for can no longer (or not yet) be done to this job; the text says why.
    #[error("{0}")]
    Conflict(&'static str),
    /// The queue takes no more jobs, of anybody or (`principal`) of this caller.
    #[error("the queue is full")]
    Full { principal: bool },
    /// Later, perhaps: the store is away, locked or out of room.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Never: what is stored cannot be understood.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// The same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

/// A job to be admitted.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: JobId,
    pub principal: Principal,
    /// Jobs of its principal, queued or running, with which it is refused; `None`: as many as the store was told.
    pub most_open: Option<u64>,
    pub spec: JobSpec,
    pub idempotency: Option<Idempotency>,
}

impl NewJob {
    /// Where it is to wait for its turn.
    pub fn queue_key(&self) -> QueueKey {
        QueueKey { principal: self.principal.clone(), interactive: self.spec.interactive }
    }
}

/// `Idempotency-Key`, and what the body was when it was first used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    /// A digest of the request, the same for equal requests.
    pub fingerprint: String,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    Admitted,
    /// The key was used before with the same body, for this job.
    Known(JobId),
    /// The key was used before with another body.
    KeyReused,
}

/// A job handed to this node, with what is still to be done.
#[derive(Clone, Debug)]
pub struct Claim {
    pub lease: Lease,
    pub job: Job,
    /// The pages that have no result yet, in order.
    pub missing: Vec<u32>,
}

/// How a job's work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettleReason {
    /// Every page has its record; the verdict follows from them. The attempt is over and counts.
    Crawled,
    /// As `Crawled`, by no attempt: there was none left, and the pages not done were failed.
    GivenUp,
}

/// A lease given up before the job is settled.
#[derive(Clone, Debug)]
pub struct Release {
    pub interruption: Interruption,
    /// For a person.
    pub reason: Option<String>,
    /// It is not claimed again before this has passed.
    pub wait: Duration,
}

/// Which due deliveries to look for.
#[derive(Clone, Debug)]
pub struct DueQuery {
    /// Due within this time from now.
    pub horizon: Duration,
    pub most: usize,
    pub most_per_receiver: usize,
    /// Receivers that have enough to do.
    pub except: Vec<Receiver>,
    /// No wait is longer than this: a due time further away comes from a clock that moved.
    pub longest_wait: Duration,
}

/// On which terms an attempt begins.
#[derive(Clone, Copy, Debug)]
pub struct AttemptTerms {
    /// An attempt that did not end within this time was cut short.
    pub hold: Duration,
    /// One that is cut short is not made again before this has passed since it began.
    pub rest: Duration,
    /// More attempts cut short in a row exhaust the delivery.
    pub max_interruptions: u32,
}

/// The right to make an attempt, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptStart {
    Started(Attempt),
    /// Somebody else acted on this delivery since, or is sending it now.
    Stale,
    /// It was cut short too often by crashes; it is exhausted now.
    GivenUp,
}

/// Every attempt ever made at a job's webhook, oldest first.
#[derive(Clone, Debug)]
pub struct DeliveryLog {
    pub job: Job,
    pub attempts: Vec<LoggedAttempt>,
}

/// Which deliveries to send again.
#[derive(Clone, Debug, Default)]
pub struct ReplayFilter {
    pub principal: Option<Principal>,
    pub state: Option<DeliveryStatus>,
    /// Jobs settled at or after this moment.
    pub since: Option<Timestamp>,
    pub receiver: Option<Receiver>,
}

/// Which jobs to list, newest first.
#[derive(Clone, Debug)]
pub struct JobFilter {
    /// `None`: everybody's.
    pub principal: Option<Principal>,
    pub status: Option<Status>,
    pub task: Option<TaskType>,
    pub webhook: Option<DeliveryStatus>,
    /// Where the last page of the list ended.
    pub cursor: Option<u64>,
    pub most: PageLimit,
}

/// How much of a list is wanted at once. A list ends early before what would be too much, but has one job at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    pub jobs: usize,
    /// Of their requests, as they are stored.
    pub bytes: usize,
}

impl PageLimit {
    /// So many jobs, however large.
    pub const fn of(jobs: usize) -> Self {
        Self { jobs, bytes: usize::MAX }
    }

    /// Whether a list of `jobs` with `bytes` between them takes one more of `next` bytes.
    pub fn takes(&self, jobs: usize, bytes: usize, next: usize) -> bool {
        jobs == 0 || (jobs < self.jobs && bytes.saturating_add(next) <= self.bytes)
    }
}

/// How far a job is: what is asked for again and again while somebody waits, without its request.
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

/// One page of a list.
#[derive(Clone, Debug)]
pub struct JobPage {
    pub jobs: Vec<Job>,
    /// `None`: that was the end.
    pub next: Option<u64>,
}

/// What happened to jobs since somebody last looked.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Jobs as they stand, in the order of their last changes; each is there once.
    pub jobs: Vec<(u64, Job)>,
    /// Every change up to this one was looked at.
    pub upto: u64,
}

/// For metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    pub queued: u64,
    pub running: u64,
    pub pending_deliveries: u64,
}

#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Admits a job, unless its idempotency key is taken or the queue is full.
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError>;

    /// Leases up to `most` jobs that may run now, going round the lines, oldest first within each. Jobs whose lease ran out
    /// count as handed back.
    async fn claim(&self, node: &NodeId, task: TaskType, most: usize, hold: Duration)
    -> Result<Vec<Claim>, StoreError>;

    /// Prolongs leases; returns those that are lost. One that ran out but that nobody has claimed is prolonged too.
    async fn renew(&self, leases: &[Lease], hold: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Writes down pages that are done, by index. A page that has its record already keeps it.
    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError>;

    /// Writes down a step of the work on a page that is not done yet, so that the next attempt need not repeat it. It
    /// counts as progress of the attempt. A name that has its value already keeps it.
    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError>;

    /// What was written down so far, by name; nothing once the job is settled.
    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError>;

    /// Ends the job, queues its webhook if it has one, and frees the lease. Returns the job as settled.
    async fn settle(&self, lease: &Lease, ending: SettleReason) -> Result<Job, StoreError>;

    /// Gives a job back to the queue at its old place.
    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError>;

    /// Ends the job as cancelled and queues its webhook, whoever works on it. `Conflict` if it is settled.
    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError>;

    /// The job, if there is one and `principal` (`None`: anybody) may see it.
    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError>;

    /// How far the job is, if there is one.
    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError>;

    /// Results of pages `from` and after, in order of index, until `max_bytes` are exceeded or there are no more.
    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError>;

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError>;

    /// Jobs of `principal` (`None`: everybody's) that were admitted, started for the first time or settled after the change
    /// numbered `after`. Looks at up to `most` jobs, anybody's; when `upto` is `after`, there is nothing new. `None`, and a
    /// number that no change has yet: nothing, and the number of the last change.
    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        most: PageLimit,
    ) -> Result<Changes, StoreError>;

    async fn counts(&self) -> Result<QueueCounts, StoreError>;

    /// Whether a job of this kind is ready to run in a line that this one does not let wait.
    async fn should_yield(&self, task: TaskType, queue: &QueueKey) -> Result<bool, StoreError>;

    /// Pending deliveries that nobody is sending, the earliest of each receiver first.
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError>;

    /// Begins an attempt at a delivery that still is as `version` says, and writes down that it began. An attempt that
    /// never ended is counted as an interruption.
    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError>;

    /// Writes down what came of an attempt, and moves the delivery. `LeaseLost` if it is somebody else's by now.
    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        next: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError>;

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError>;

    /// Makes the delivery due now by a fresh schedule; one that is being sent gets it when that attempt is over, whatever
    /// came of it. `Conflict` where there is no webhook, or the job is not settled.
    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError>;

    /// As `replay`, many; returns how many.
    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError>;

    /// Requeues jobs whose lease ran out or whose wait is over; returns how long until the next one's turn, if known.
    async fn requeue(&self) -> Result<Option<Duration>, StoreError>;

    /// Removes jobs that were kept long enough, with everything that belongs to them: as many as have `most_pages` pages
    /// between them, or one. Returns how many.
    async fn expire(&self, most_pages: usize) -> Result<usize, StoreError>;

    /// Whether a write would succeed now.
    async fn ready(&self) -> Result<(), StoreError>;
}
