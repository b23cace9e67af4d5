//! The port for jobs, their queue, leases, pages and checkpoints.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::job_queries::{Changes, JobFilter, JobPage, JobSummary, PageLimit, QueueCounts};
use super::store_error::StoreError;
use crate::domain::crash::{self, CrashCount};
use crate::domain::crawl::PageRecord;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Interruption, Job, JobSpec, Progress};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;

/// A job to admit.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: JobId,
    pub principal: Principal,
    /// The job is rejected if its principal has this many queued or running jobs; `None`: the store's configured limit.
    pub max_open: Option<u64>,
    pub spec: JobSpec,
    pub idempotency: Option<Idempotency>,
}

impl NewJob {
    /// The queue that the job joins.
    pub fn queue_key(&self) -> QueueKey {
        QueueKey { principal: self.principal.clone(), interactive: self.spec.interactive }
    }
}

/// An `Idempotency-Key` and the digest of the request that it was first used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    /// Equal for equal requests.
    pub fingerprint: String,
}

/// The result of [`JobStore::submit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    Admitted,
    /// The idempotency key was used with the same request, for this job.
    Duplicate(JobId),
    /// The idempotency key was used with a different request.
    KeyReused,
}

/// A job leased to this node.
#[derive(Clone, Debug)]
pub struct Claim {
    pub lease: Lease,
    pub job: Job,
    /// Indexes of the pages without a result, ascending.
    pub missing: Vec<u32>,
}

/// Why a job is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettleReason {
    /// An attempt recorded the last page; the attempt counts.
    WorkDone,
    /// No attempt is left, and the unfinished pages were recorded as failed.
    AttemptsExhausted,
}

/// Returns a running job to its queue.
#[derive(Clone, Debug)]
pub struct Release {
    pub interruption: Interruption,
    /// Shown to users.
    pub reason: Option<String>,
    /// The job is not claimed again before this time has passed.
    pub delay: Duration,
}

impl Release {
    /// The job's number of crashes after the release, and the delay before its next claim; `crashes`: the number before.
    pub fn crashes_and_delay(&self, crashes: u32) -> (u32, Duration) {
        match self.interruption.crash_count() {
            CrashCount::Increment => {
                let crashes = crashes.saturating_add(1);
                (crashes, self.delay.max(crash::delay_after(crashes)))
            }
            CrashCount::Keep => (crashes, self.delay),
            CrashCount::Clear => (0, self.delay),
        }
    }
}

/// Stores jobs and everything that belongs to them except deliveries.
///
/// Every method is one transaction and is durable when it returns. The store supplies the time. The contract tests in
/// `crate::testing::contract` specify each guarantee.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Admits a job, unless its idempotency key is in use or the queue is full.
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError>;

    /// Leases up to `limit` ready jobs: round-robin over the queues, oldest first within a queue. Jobs with an expired
    /// lease are requeued first: the process that held it has crashed, which counts as a crash of the job and delays it
    /// ([`crash::delay_after`](crate::domain::crash::delay_after)).
    async fn claim(
        &self,
        node: &NodeId,
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Extends leases; returns those that are stale. An expired lease is extended if the job has not been claimed again.
    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Notes what running jobs wait for (`None`: nothing). A claim removes the note. A stale lease is ignored.
    async fn note_waits(&self, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError>;

    /// Records finished pages by index. A page that already has a record keeps it.
    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError>;

    /// Stores an intermediate result, so that the next attempt does not repeat that step. A name that already has a value
    /// keeps it.
    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError>;

    /// Returns the job's checkpoints by name; empty once the job is settled.
    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError>;

    /// Settles the job, creates its delivery if it has a webhook, and ends the lease. Returns the settled job.
    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError>;

    /// Returns the job to its queue, at its original position. A crash is counted and delayed as for an expired lease.
    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError>;

    /// Sets the job's number of crashes to 0.
    async fn clear_crashes(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Settles the job as cancelled, whether or not it is leased, and creates its delivery. `Conflict` if it is settled.
    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError>;

    /// Returns the job; `None` if it does not exist or belongs to another principal (`None`: any principal).
    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError>;

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError>;

    /// Returns results from index `from` on, ascending, until their total size reaches `max_bytes`.
    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError>;

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError>;

    /// Returns the jobs of `principal` (`None`: all) that were admitted, first started or settled after change number
    /// `after`. Examines at most `limit` changed jobs of all principals; `up_to == after` means that nothing changed. If
    /// `after` is `None` or a future number, returns only the number of the last change.
    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        limit: PageLimit,
    ) -> Result<Changes, StoreError>;

    async fn counts(&self) -> Result<QueueCounts, StoreError>;

    /// Whether a job of this type is ready in a queue that jobs of `queue` yield to
    /// ([`QueueKey::does_not_yield_to`]).
    async fn should_yield(&self, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError>;

    /// Requeues jobs whose lease has expired or whose delay has passed, and ends interrupted delivery attempts. Returns
    /// the time until the next delay ends, if any.
    async fn requeue(&self) -> Result<Option<Duration>, StoreError>;

    /// Removes jobs whose retention has ended, with everything that belongs to them, until `max_pages` pages are
    /// reached; at least one job. Returns the number of jobs.
    async fn expire(&self, max_pages: usize) -> Result<usize, StoreError>;

    /// Fails if a write would not succeed now.
    async fn ready(&self) -> Result<(), StoreError>;
}
