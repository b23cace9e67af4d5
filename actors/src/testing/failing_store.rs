//! A store that asks a test before and after every write, and before it reads results, whether it is to fail here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Job, Progress};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::ports::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DueQuery, JobFilter, JobPage, JobStore, JobSummary,
    NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, StoreError, Submission,
};

/// Asks by the operation's name and the moment: `settle.before`, `settle.after`, `pages.before`. An error before is what
/// the caller gets instead of the operation; an error after is what he gets although it was made.
pub struct Brittle<H> {
    pub store: Arc<dyn JobStore>,
    pub fails: H,
}

macro_rules! write {
    ($self:ident, $name:literal, $call:expr) => {{
        ($self.fails)(concat!($name, ".before")).await?;
        let outcome = $call.await;
        ($self.fails)(concat!($name, ".after")).await?;
        outcome
    }};
}

#[async_trait]
impl<H, F> JobStore for Brittle<H>
where
    H: Fn(&'static str) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        write!(self, "submit", self.store.submit(job))
    }

    async fn claim(
        &self,
        node: &NodeId,
        task: TaskType,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        write!(self, "claim", self.store.claim(node, task, most, hold))
    }

    async fn renew(&self, leases: &[Lease], hold: Duration) -> Result<Vec<Lease>, StoreError> {
        write!(self, "renew", self.store.renew(leases, hold))
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        write!(self, "record_pages", self.store.record_pages(lease, pages))
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        write!(self, "checkpoint", self.store.checkpoint(lease, name, value))
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.store.checkpoints(job).await
    }

    async fn settle(&self, lease: &Lease, ending: SettleReason) -> Result<Job, StoreError> {
        write!(self, "settle", self.store.settle(lease, ending))
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        write!(self, "hand_back", self.store.release(lease, release))
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        write!(self, "cancel", self.store.cancel(job, principal))
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        self.store.job(job, principal).await
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        self.store.summary(job).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        (self.fails)("pages.before").await?;
        self.store.pages(job, from, max_bytes).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.store.jobs(filter).await
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        most: PageLimit,
    ) -> Result<Changes, StoreError> {
        self.store.changes(principal, after, most).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.store.counts().await
    }

    async fn should_yield(&self, task: TaskType, queue: &QueueKey) -> Result<bool, StoreError> {
        self.store.should_yield(task, queue).await
    }

    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        self.store.due(query).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        write!(self, "start_attempt", self.store.start_attempt(job, version, node, terms))
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        next: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        write!(self, "finish_attempt", self.store.finish_attempt(attempt, outcome, next))
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        self.store.deliveries(job, principal).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        write!(self, "replay", self.store.replay(job, principal))
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        write!(self, "replay_all", self.store.replay_all(filter))
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        write!(self, "requeue", self.store.requeue())
    }

    async fn expire(&self, most_pages: usize) -> Result<usize, StoreError> {
        write!(self, "expire", self.store.expire(most_pages))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}
