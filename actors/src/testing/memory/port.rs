//! The store's methods, each done whole under one lock.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{MemoryStore, Row};
use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DeliveryStatus, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Job, JobState, Progress};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::ports::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DeliveryStore, DueQuery, JobFilter, JobPage, JobStore,
    JobSummary, NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, StoreError, Submission,
};

#[async_trait]
impl JobStore for MemoryStore {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        let (mut state, now) = self.state();
        state.submit(now, job)
    }

    async fn claim(
        &self,
        node: &NodeId,
        task: TaskType,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.claim(now, node, task, limit, lease_duration))
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.renew(now, leases, lease_duration))
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        self.state().0.record(lease, pages)
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        let mut state = self.state().0;
        let row = state.held(lease)?;
        if !row.checkpoints.contains_key(name) {
            row.checkpoints.insert(name.to_owned(), value);
            row.progress_in_attempt += 1;
        }
        Ok(())
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        let mut state = self.state().0;
        let row = state.find(job);
        Ok(row.map(|row| row.checkpoints.clone().into_iter().collect()).unwrap_or_default())
    }

    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError> {
        let (mut state, now) = self.state();
        state.settle(now, lease, &reason)
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        let (mut state, now) = self.state();
        state.held(lease)?.release(now, release);
        Ok(())
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let (mut state, now) = self.state();
        state.cancel(now, job, principal)
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        Ok(self.state().0.visible(job, principal).ok().map(|row| row.job.clone()))
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        Ok(self.state().0.find(job).map(|row| JobSummary::from(&row.job)))
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        let mut state = self.state().0;
        let mut left = max_bytes;
        let pages = state.find(job).into_iter().flat_map(|row| row.pages.range(from..));
        let taken = pages.take_while(|(_, page)| {
            let fits = left > 0;
            left = left.saturating_sub(page.json.len());
            fits
        });
        Ok(taken.map(|(index, page)| (*index, page.json.clone())).collect())
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        let state = self.state().0;
        let fits = |row: &Row| {
            let status = row.job.delivery.as_ref().map(|delivery| delivery.state.status());
            let waiting = row.job.spec.webhook.as_ref().map(|_| DeliveryStatus::Waiting);
            filter.principal.as_ref().is_none_or(|principal| *principal == row.job.principal)
                && filter.status.is_none_or(|status| status == row.job.state.status())
                && filter.task.is_none_or(|task| task == row.job.spec.task_type())
                && filter.webhook.is_none_or(|wanted| status.or(waiting) == Some(wanted))
        };
        let before = filter.cursor.unwrap_or(u64::MAX);
        let mut page = JobPage { jobs: vec![], next: None };
        let (mut bytes, mut last) = (0, None);
        for (seq, row) in state.rows.range(..before).rev().filter(|(_, row)| fits(row)) {
            if !filter.limit.allows(page.jobs.len(), bytes, weight(&row.job)) {
                page.next = last;
                break;
            }
            bytes += weight(&row.job);
            page.jobs.push(row.job.clone());
            last = Some(*seq);
        }
        Ok(page)
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        limit: PageLimit,
    ) -> Result<Changes, StoreError> {
        let state = self.state().0;
        let Some(after) = after.filter(|after| *after <= state.last_change) else {
            return Ok(Changes { jobs: vec![], up_to: state.last_change });
        };
        let mut rows: Vec<_> = state.rows.values().filter(|row| row.changed > after).collect();
        rows.sort_by_key(|row| row.changed);
        let mut changes = Changes { jobs: vec![], up_to: state.last_change };
        let (mut bytes, mut last) = (0, after);
        for (looked_at, row) in rows.into_iter().enumerate() {
            let own = principal.is_none_or(|principal| *principal == row.job.principal);
            let weight = if own { weight(&row.job) } else { 0 };
            if !limit.allows(looked_at, bytes, weight) {
                changes.up_to = last;
                break;
            }
            if own {
                changes.jobs.push((row.changed, row.job.clone()));
            }
            bytes += weight;
            last = row.changed;
        }
        Ok(changes)
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        let state = self.state().0;
        let count = |wanted: &dyn Fn(&Row) -> bool| state.rows.values().filter(|row| wanted(row)).count() as u64;
        Ok(QueueCounts {
            queued: count(&|row| matches!(row.job.state, JobState::Queued { .. })),
            running: count(&|row| matches!(row.job.state, JobState::Running { .. })),
            pending_deliveries: count(&Row::is_pending),
        })
    }

    async fn should_yield(&self, task: TaskType, queue: &QueueKey) -> Result<bool, StoreError> {
        let state = self.state().0;
        let mut ready = state.rows.values().filter(|row| row.is_ready() && row.job.spec.task_type() == task);
        Ok(ready.any(|row| !queue.does_not_yield_to().contains(&row.job.queue_key())))
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        let (mut state, now) = self.state();
        state.requeue(now);
        let waits = state.rows.values().filter_map(|row| match row.job.state {
            JobState::Queued { not_before: Some(at) } => Duration::try_from(at.duration_since(now)).ok(),
            _ => None,
        });
        Ok(waits.min())
    }

    async fn expire(&self, max_pages: usize) -> Result<usize, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.expire(now, max_pages))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        let (state, now) = self.state();
        Ok(state.due(now, &query))
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        _: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.start_attempt(now, job, version, terms))
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let (mut state, now) = self.state();
        state.finish_attempt(now, attempt, outcome, decision)
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        let mut state = self.state().0;
        let row = state.visible(job, principal).ok();
        Ok(row.map(|row| DeliveryLog { job: row.job.clone(), attempts: row.attempts.clone() }))
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let (mut state, now) = self.state();
        state.replay(now, job, principal)
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.replay_all(now, &filter))
    }
}

/// Bytes of the job's request, as another store would keep it.
fn weight(job: &Job) -> usize {
    serde_json::to_string(&job.spec).map_or(0, |spec| spec.len())
}
