//! A store with a fault point before and after every write.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::point;
use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, NextStep};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Job, Progress};
use crate::domain::lease::Lease;
use crate::ports::{
    AttemptStart, Claim, DeliveryLog, DueQuery, Ending, HandBack, JobFilter, JobPage, JobStore, NewJob, QueueCounts,
    ReplayFilter, StoreError, Submission,
};

pub struct Brittle(pub Arc<dyn JobStore>);

macro_rules! write {
    ($name:literal, $call:expr) => {{
        point(concat!($name, ".before"));
        let outcome = $call.await;
        point(concat!($name, ".after"));
        outcome
    }};
}

#[async_trait]
impl JobStore for Brittle {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        write!("submit", self.0.submit(job))
    }

    async fn claim(
        &self,
        node: &NodeId,
        task: TaskType,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        write!("claim", self.0.claim(node, task, most, hold))
    }

    async fn renew(&self, leases: &[Lease], hold: Duration) -> Result<Vec<Lease>, StoreError> {
        write!("renew", self.0.renew(leases, hold))
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        write!("record_pages", self.0.record_pages(lease, pages))
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        write!("checkpoint", self.0.checkpoint(lease, name, value))
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.0.checkpoints(job).await
    }

    async fn settle(&self, lease: &Lease, ending: Ending) -> Result<Job, StoreError> {
        write!("settle", self.0.settle(lease, ending))
    }

    async fn hand_back(&self, lease: &Lease, hand_back: HandBack) -> Result<(), StoreError> {
        write!("hand_back", self.0.hand_back(lease, hand_back))
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        write!("cancel", self.0.cancel(job, principal))
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        self.0.job(job, principal).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        self.0.pages(job, from, max_bytes).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.0.jobs(filter).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.0.counts().await
    }

    async fn others_wait(&self, task: TaskType, principal: &Principal) -> Result<bool, StoreError> {
        self.0.others_wait(task, principal).await
    }

    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        self.0.due(query).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        hold: Duration,
        max_interruptions: u32,
    ) -> Result<AttemptStart, StoreError> {
        write!("start_attempt", self.0.start_attempt(job, version, node, hold, max_interruptions))
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        next: NextStep,
    ) -> Result<(DeliveryState, u64), StoreError> {
        write!("finish_attempt", self.0.finish_attempt(attempt, outcome, next))
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        self.0.deliveries(job, principal).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        write!("replay", self.0.replay(job, principal))
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        write!("replay_all", self.0.replay_all(filter))
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        write!("requeue", self.0.requeue())
    }

    async fn expire(&self, most_pages: usize) -> Result<usize, StoreError> {
        write!("expire", self.0.expire(most_pages))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.0.ready().await
    }
}
