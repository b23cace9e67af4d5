//! [`JobStore`] in memory: each method runs under one lock.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{MemoryStore, Row};
use crate::domain::crawl::PageRecord;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Job, JobState, Progress};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::ports::{
    Changes, Claim, JobFilter, JobPage, JobStore, JobSummary, NewJob, PageLimit, QueueCounts, Release, SettleReason,
    StoreError, Submission,
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
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.claim(now, node, kind, limit, lease_duration))
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.renew(now, leases, lease_duration))
    }

    async fn note_waits(&self, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError> {
        let mut state = self.state().0;
        for (lease, wait) in waits {
            if let Ok(row) = state.leased(lease) {
                row.job.waiting_for.clone_from(wait);
            }
        }
        Ok(())
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        self.state().0.record(lease, pages)
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        let mut state = self.state().0;
        let row = state.leased(lease)?;
        row.checkpoints.entry(name.to_owned()).or_insert(value);
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
        state.leased(lease)?.release(now, release);
        Ok(())
    }

    async fn clear_crashes(&self, lease: &Lease) -> Result<(), StoreError> {
        self.state().0.leased(lease)?.job.crashes = 0;
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
            let within_limit = left > 0;
            left = left.saturating_sub(page.json.len());
            within_limit
        });
        Ok(taken.map(|(index, page)| (*index, page.json.clone())).collect())
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        let state = self.state().0;
        let matches = |row: &Row| {
            let status = row.job.delivery.as_ref().map(|delivery| delivery.state.status());
            let waiting = row.job.spec.webhook.as_ref().map(|_| DeliveryStatus::Waiting);
            filter.principal.as_ref().is_none_or(|principal| *principal == row.job.principal)
                && filter.status.is_none_or(|status| status == row.job.state.status())
                && filter.kind.is_none_or(|kind| kind == row.job.spec.kind())
                && filter.webhook.is_none_or(|wanted| status.or(waiting) == Some(wanted))
        };
        let before = filter.cursor.unwrap_or(u64::MAX);
        let mut page = JobPage { jobs: vec![], next: None };
        let (mut bytes, mut last) = (0, None);
        for (seq, row) in state.rows.range(..before).rev().filter(|(_, row)| matches(row)) {
            if !filter.limit.allows(page.jobs.len(), bytes, request_size(&row.job)) {
                page.next = last;
                break;
            }
            bytes += request_size(&row.job);
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
        let mut rows: Vec<_> = state.rows.values().filter(|row| row.change_number > after).collect();
        rows.sort_by_key(|row| row.change_number);
        let mut changes = Changes { jobs: vec![], up_to: state.last_change };
        let (mut bytes, mut previous) = (0, after);
        for (examined, row) in rows.into_iter().enumerate() {
            let visible = principal.is_none_or(|principal| *principal == row.job.principal);
            let size = if visible { request_size(&row.job) } else { 0 };
            if !limit.allows(examined, bytes, size) {
                changes.up_to = previous;
                break;
            }
            if visible {
                changes.jobs.push((row.change_number, row.job.clone()));
            }
            bytes += size;
            previous = row.change_number;
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

    async fn should_yield(&self, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError> {
        let state = self.state().0;
        let mut ready = state.rows.values().filter(|row| row.is_ready() && row.job.spec.kind() == kind);
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

/// The size of the job's stored request in bytes.
fn request_size(job: &Job) -> usize {
    serde_json::to_string(&job.spec).map_or(0, |spec| spec.len())
}
