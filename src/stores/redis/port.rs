//! [`JobStore`] on Redis.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::{Interruption, Job, Progress};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::lease::Lease;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::ports::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DeliveryStore, DueQuery, JobFilter, JobPage, JobStore,
    JobSummary, NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, StoreError, Submission,
};

use super::{RedisStore, costs};

#[async_trait]
impl JobStore for RedisStore {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        self.admit(job).await
    }

    async fn claim(
        &self,
        node: &NodeId,
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        self.lease_jobs(node, kind, limit, lease_duration).await
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        self.prolong(leases, lease_duration).await
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        self.write_pages(lease, pages).await
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.write_step(lease, name, value).await
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.steps(job).await
    }

    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError> {
        self.end(lease, &reason).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        self.give_back(lease, &release).await
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        self.end_by_request(job, principal).await
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        self.find(job, principal).await
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        self.how_far(job).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        self.results(job, from, max_bytes).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.list(&filter).await
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        limit: PageLimit,
    ) -> Result<Changes, StoreError> {
        self.changes_since(principal, after, limit).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.tally().await
    }

    async fn should_yield(&self, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError> {
        self.ask(&self.scripts.should_yield, |call| {
            call.arg(kind.as_str()).arg(&queue.does_not_yield_to().map(|queue| queue.to_string())[..]);
        })
        .await
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        let next: i64 = self
            .ask(&self.scripts.requeue, |call| {
                call.arg(&costs(Interruption::Vanished)[..]);
            })
            .await?;
        Ok(u64::try_from(next).ok().map(Duration::from_micros))
    }

    async fn expire(&self, max_pages: usize) -> Result<usize, StoreError> {
        self.ask(&self.scripts.expire, |call| {
            call.arg(max_pages);
        })
        .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.probe().await
    }
}

#[async_trait]
impl DeliveryStore for RedisStore {
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        self.due_now(query).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        _node: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        self.begin_attempt(job, version, terms).await
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        self.end_attempt(attempt, outcome, decision).await
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        self.log(job, principal).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        self.send_again(job, principal).await
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        self.send_many_again(&filter).await
    }
}
