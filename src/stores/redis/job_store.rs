//! [`JobStore`] on Redis.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::{Job, Progress};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::lease::Lease;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::ports::{
    Changes, Claim, JobFilter, JobPage, JobStore, JobSummary, NewJob, PageLimit, QueueCounts, Release, SettleReason,
    StoreError, Submission,
};

use super::{RedisStore, lease, maintenance, pages, queries, queue, settle};

#[async_trait]
impl JobStore for RedisStore {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        queue::submit(self, job).await
    }

    async fn claim(
        &self,
        node: &NodeId,
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        queue::claim(self, node, kind, limit, lease_duration).await
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        lease::renew(self, leases, lease_duration).await
    }

    async fn note_waits(&self, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError> {
        lease::note_waits(self, waits).await
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        lease::record_pages(self, lease, pages).await
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        lease::checkpoint(self, lease, name, value).await
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        pages::checkpoints(self, job).await
    }

    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError> {
        settle::settle(self, lease, &reason).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        lease::release(self, lease, &release).await
    }

    async fn clear_crashes(&self, lease: &Lease) -> Result<(), StoreError> {
        lease::clear_crashes(self, lease).await
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        settle::cancel(self, job, principal).await
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        queries::job(self, job, principal).await
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        queries::summary(self, job).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        pages::results(self, job, from, max_bytes).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        queries::list(self, &filter).await
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        limit: PageLimit,
    ) -> Result<Changes, StoreError> {
        queries::changes(self, principal, after, limit).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        queries::counts(self).await
    }

    async fn should_yield(&self, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError> {
        queries::should_yield(self, kind, queue).await
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        maintenance::requeue(self).await
    }

    async fn expire(&self, max_pages: usize) -> Result<usize, StoreError> {
        maintenance::expire(self, max_pages).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        maintenance::probe(self).await
    }
}
