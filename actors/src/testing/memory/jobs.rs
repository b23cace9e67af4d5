//! Submission, claims, leases and settlement.

use std::time::Duration;

use jiff::Timestamp;

use super::{Row, State, later};
use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Cause, Interruption, Job, JobState, Progress};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::retention::Keep;
use crate::ports::{Claim, NewJob, Release, SettleReason, StoreError, Submission};

impl State {
    pub fn submit(&mut self, now: Timestamp, new: NewJob) -> Result<Submission, StoreError> {
        let existing = new.idempotency.as_ref().and_then(|new_key| {
            let same_key = |row: &&Row| row.idempotency.as_ref().is_some_and(|stored| stored.key == new_key.key);
            self.rows.values().find(|row| row.job.principal == new.principal && same_key(row))
        });
        if let Some(row) = existing {
            let same = row.idempotency == new.idempotency;
            return Ok(if same { Submission::Duplicate(row.job.id.clone()) } else { Submission::KeyReused });
        }
        let open = self.rows.values().filter(|row| row.job.principal == new.principal && !row.job.state.is_settled());
        if new.max_open.is_some_and(|limit| open.count() as u64 >= limit) {
            return Err(StoreError::Full { principal: true });
        }
        let total = u32::try_from(new.spec.urls().len()).unwrap_or(u32::MAX);
        let job = Job {
            id: new.id,
            principal: new.principal,
            spec: new.spec,
            state: JobState::Queued { not_before: None },
            progress: Progress { done: 0, failed: 0, total },
            attempts_spent: 0,
            crashes: 0,
            error: None,
            waiting_for: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            expires_at: None,
            delivery: None,
        };
        let row = Row {
            change_number: 0,
            job,
            idempotency: new.idempotency,
            token: 0,
            lease_until: None,
            pages: Default::default(),
            checkpoints: Default::default(),
            interruptions: 0,
            replay_requested: false,
            attempt_until: None,
            attempts: Vec::new(),
        };
        let id = row.job.id.clone();
        self.rows.insert(self.next_seq, row);
        self.next_seq += 1;
        self.note_change(&id);
        Ok(Submission::Admitted)
    }

    pub fn claim(
        &mut self,
        now: Timestamp,
        node: &NodeId,
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Vec<Claim> {
        self.requeue(now);
        let mut claims = Vec::new();
        while claims.len() < limit {
            let last = self.last_claimed_queue.get(&kind).cloned();
            let ready = self.rows.iter().filter(|(_, row)| row.is_ready() && row.job.spec.kind() == kind);
            // Round-robin: queues after the last one first; the oldest job of a queue first.
            let order = |row: &Row| {
                let queue = row.job.queue_key();
                (last.as_ref().is_some_and(|last| queue <= *last), queue)
            };
            let Some((seq, _)) = ready.min_by_key(|(seq, row)| (order(row), **seq)) else { break };
            let Some(row) = self.rows.get_mut(&seq.clone()) else { break };
            self.last_claimed_queue.insert(kind, row.job.queue_key());
            let is_first = row.job.started_at.is_none();
            let claim = row.claim(now, node, lease_duration);
            if let Some(claim) = claim.as_ref().filter(|_| is_first) {
                self.note_change(&claim.job.id);
            }
            claims.extend(claim);
        }
        claims
    }

    pub fn requeue(&mut self, now: Timestamp) {
        for row in self.rows.values_mut() {
            row.end_interrupted_attempt(now);
            match &row.job.state {
                JobState::Running { .. } if row.lease_until.is_some_and(|until| until <= now) => {
                    let release = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
                    row.release(now, release);
                }
                JobState::Queued { not_before: Some(not_before) } if *not_before <= now => {
                    row.job.state = JobState::Queued { not_before: None };
                }
                _ => {}
            }
        }
    }

    pub fn renew(&mut self, now: Timestamp, leases: &[Lease], lease_duration: Duration) -> Vec<Lease> {
        let stale = leases.iter().filter(|lease| match self.leased(lease) {
            Ok(row) => {
                row.lease_until = Some(later(now, lease_duration));
                false
            }
            Err(_) => true,
        });
        stale.cloned().collect()
    }

    pub fn record(&mut self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        let row = self.leased(lease)?;
        for page in pages.into_iter().filter(|page| page.index < row.job.progress.total) {
            if !row.pages.contains_key(&page.index) {
                row.job.progress.done += 1;
                row.job.progress.failed += u32::from(!page.success);
                row.pages.insert(page.index, page);
            }
        }
        Ok(row.job.progress)
    }

    pub fn settle(&mut self, now: Timestamp, lease: &Lease, reason: &SettleReason) -> Result<Job, StoreError> {
        let retention = self.retention;
        let row = self.leased(lease)?;
        if row.job.progress.done < row.job.progress.total {
            return Err(StoreError::Conflict("the job has pages without a result"));
        }
        let verdict = row.job.progress.verdict();
        let error = match JobState::from(verdict) {
            JobState::Failed => row.pages.values().next().map(|page| page.error.clone()),
            _ => None,
        };
        let job = row.finish(
            now,
            Cause::Settled { verdict },
            error,
            *reason == SettleReason::WorkDone,
            retention.keep(None),
        )?;
        self.note_change(&job.id);
        Ok(job)
    }

    pub fn cancel(&mut self, now: Timestamp, id: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let retention = self.retention;
        let row = self.visible(id, principal)?;
        if row.job.state.is_settled() {
            return Err(StoreError::Conflict("the job is settled already"));
        }
        let running = matches!(row.job.state, JobState::Running { .. });
        let error = Some("Cancelled by request".to_owned());
        let job = row.finish(now, Cause::CancelRequested, error, running, retention.keep(None))?;
        self.note_change(&job.id);
        Ok(job)
    }

    pub fn expire(&mut self, now: Timestamp, max_pages: usize) -> usize {
        let mut due: Vec<_> = self.rows.iter().filter_map(|(seq, row)| Some((row.job.expires_at?, *seq))).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort();
        let (mut expired, mut pages) = (0, 0);
        for (_, seq) in due {
            if pages >= max_pages.max(1) {
                break;
            }
            let removed = self.rows.remove(&seq);
            pages += removed.map_or(0, |row| usize::try_from(row.job.progress.total).unwrap_or(usize::MAX));
            expired += 1;
        }
        expired
    }
}

impl Row {
    fn claim(&mut self, now: Timestamp, node: &NodeId, lease_duration: Duration) -> Option<Claim> {
        self.token += 1;
        let lease = Lease { job: self.job.id.clone(), node: node.clone(), token: self.token };
        self.job.state = self.job.state.clone().after(Cause::Claimed { lease: lease.clone() })?;
        self.job.started_at = self.job.started_at.or(Some(now));
        self.lease_until = Some(later(now, lease_duration));
        self.job.waiting_for = None;
        let missing = (0..self.job.progress.total).filter(|index| !self.pages.contains_key(index)).collect();
        Some(Claim { lease, job: self.job.clone(), missing })
    }

    /// Returns the job to its queue.
    pub fn release(&mut self, now: Timestamp, release: Release) {
        let (crashes, delay) = release.crashes_and_delay(self.job.crashes);
        let not_before = (!delay.is_zero()).then(|| later(now, delay));
        let Some(state) = self.job.state.clone().after(Cause::Released { not_before }) else { return };
        self.job.attempts_spent += u32::from(release.interruption.costs_an_attempt());
        self.job.crashes = crashes;
        self.job.error = release.reason.or(self.job.error.take());
        self.job.state = state;
        self.lease_until = None;
    }

    fn finish(
        &mut self,
        now: Timestamp,
        cause: Cause,
        error: Option<String>,
        counts_as_attempt: bool,
        keep: Keep,
    ) -> Result<Job, StoreError> {
        self.job.state = self.job.state.clone().after(cause).ok_or(StoreError::LeaseLost)?;
        self.job.error = error;
        self.job.finished_at = Some(now);
        self.job.attempts_spent += u32::from(counts_as_attempt);
        self.lease_until = None;
        self.checkpoints.clear();
        match (&self.job.spec.webhook, keep) {
            (Some(_), _) => {
                let state = DeliveryState::Pending { due: now };
                self.job.delivery = Some(Delivery { state, attempts: 0, version: 1 });
            }
            (None, Keep::For(time)) => self.job.expires_at = Some(later(now, time)),
            (None, Keep::Unbounded) => {}
        }
        Ok(self.job.clone())
    }
}
