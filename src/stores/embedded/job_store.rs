//! [`JobStore`] on SQLite.

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

use super::{EmbeddedStore, changes, checkpoints, lease, maintenance, queries, queue, settle};

#[async_trait]
impl JobStore for EmbeddedStore {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        self.writer.run(move |db, context| queue::submit(db, context, &job)).await
    }

    async fn claim(
        &self,
        node: &NodeId,
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        let node = node.clone();
        self.writer.run(move |db, context| queue::claim(db, context, &node, kind, limit, lease_duration)).await
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        let leases = leases.to_vec();
        self.writer.run(move |db, context| lease::renew(db, context, &leases, lease_duration)).await
    }

    async fn note_waits(&self, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError> {
        let waits = waits.to_vec();
        self.writer.run(move |db, _| lease::note_waits(db, &waits)).await
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        let lease = lease.clone();
        self.writer.run(move |db, _| lease::record_pages(db, &lease, &pages)).await
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        let (lease, name) = (lease.clone(), name.to_owned());
        self.writer.run(move |db, _| checkpoints::write(db, &lease, &name, &value)).await
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        let job = job.clone();
        self.reader.run(move |db| checkpoints::read(db, &job)).await
    }

    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError> {
        let lease = lease.clone();
        self.writer.run(move |db, context| settle::settle(db, context, &lease, &reason)).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.writer.run(move |db, context| lease::release(db, context, &lease, &release)).await
    }

    async fn clear_crashes(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.writer.run(move |db, _| lease::clear_crashes(db, &lease)).await
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let (job, principal) = (job.clone(), principal.cloned());
        self.writer.run(move |db, context| settle::cancel(db, context, &job, principal.as_ref())).await
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        let (job, principal) = (job.clone(), principal.cloned());
        let found = self.reader.run(move |db| queries::job(db, &job, principal.as_ref())).await?;
        Ok(found.map(|stored| stored.job))
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        let job = job.clone();
        self.reader.run(move |db| queries::summary(db, &job)).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        let job = job.clone();
        self.reader.run(move |db| queries::pages(db, &job, from, max_bytes)).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.reader.run(move |db| queries::jobs(db, &filter)).await
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        limit: PageLimit,
    ) -> Result<Changes, StoreError> {
        let principal = principal.cloned();
        self.reader.run(move |db| changes::since(db, principal.as_ref(), after, limit)).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.reader.run(queries::counts).await
    }

    async fn should_yield(&self, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError> {
        let exempt = queue.does_not_yield_to().map(|queue| queue.to_string());
        self.reader.run(move |db| queries::should_yield(db, kind, &exempt)).await
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        self.writer.run(maintenance::requeue).await
    }

    async fn expire(&self, max_pages: usize) -> Result<usize, StoreError> {
        self.writer.run(move |db, context| maintenance::expire(db, context, max_pages)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.writer.run(maintenance::probe).await
    }
}
