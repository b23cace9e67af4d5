//! Jobs: into the queue, out of it, and their ends.

use std::time::Duration;

use jiff::Timestamp;

use super::{Row, State, later};
use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Cause, Interruption, Job, JobState, Progress};
use crate::domain::lease::Lease;
use crate::domain::retention::Keep;
use crate::ports::{Claim, NewJob, Release, SettleReason, StoreError, Submission};

impl State {
    pub fn submit(&mut self, now: Timestamp, new: NewJob) -> Result<Submission, StoreError> {
        let known = new.idempotency.as_ref().and_then(|given| {
            let same_key = |row: &&Row| row.idempotency.as_ref().is_some_and(|known| known.key == given.key);
            self.rows.values().find(|row| row.job.principal == new.principal && same_key(row))
        });
        if let Some(row) = known {
            let same = row.idempotency == new.idempotency;
            return Ok(if same { Submission::Duplicate(row.job.id.clone()) } else { Submission::KeyReused });
        }
        let open = self.rows.values().filter(|row| row.job.principal == new.principal && !row.job.state.is_settled());
        if new.max_open.is_some_and(|most| open.count() as u64 >= most) {
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
            error: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            expires_at: None,
            delivery: None,
        };
        let row = Row {
            changed: 0,
            job,
            idempotency: new.idempotency,
            token: 0,
            lease_until: None,
            progress_in_attempt: 0,
            pages: Default::default(),
            checkpoints: Default::default(),
            interruptions: 0,
            again: false,
            sent_until: None,
            attempts: Vec::new(),
        };
        let id = row.job.id.clone();
        self.rows.insert(self.next, row);
        self.next += 1;
        self.note_change(&id);
        Ok(Submission::Admitted)
    }

    pub fn claim(&mut self, now: Timestamp, node: &NodeId, task: TaskType, most: usize, hold: Duration) -> Vec<Claim> {
        self.requeue(now);
        let mut claims = Vec::new();
        while claims.len() < most {
            let last = self.last_served.get(&task).cloned();
            let ready = self.rows.iter().filter(|(_, row)| row.is_ready() && row.job.spec.task_type() == task);
            // After the line that was served last, going round; of one line the oldest.
            let turn = |row: &Row| {
                let line = row.job.queue_key();
                (last.as_ref().is_some_and(|last| line <= *last), line)
            };
            let Some((seq, _)) = ready.min_by_key(|(seq, row)| (turn(row), **seq)) else { break };
            let Some(row) = self.rows.get_mut(&seq.clone()) else { break };
            self.last_served.insert(task, row.job.queue_key());
            let is_first = row.job.started_at.is_none();
            let claim = row.claim(now, node, hold);
            if let Some(claim) = claim.as_ref().filter(|_| is_first) {
                self.note_change(&claim.job.id);
            }
            claims.extend(claim);
        }
        claims
    }

    pub fn requeue(&mut self, now: Timestamp) {
        for row in self.rows.values_mut() {
            row.free_overdue_delivery(now);
            match &row.job.state {
                JobState::Running { .. } if row.lease_until.is_some_and(|until| until <= now) => {
                    let gone = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
                    row.release(now, gone);
                }
                JobState::Queued { not_before: Some(not_before) } if *not_before <= now => {
                    row.job.state = JobState::Queued { not_before: None };
                }
                _ => {}
            }
        }
    }

    pub fn renew(&mut self, now: Timestamp, leases: &[Lease], hold: Duration) -> Vec<Lease> {
        let lost = leases.iter().filter(|lease| match self.held(lease) {
            Ok(row) => {
                row.lease_until = Some(later(now, hold));
                false
            }
            Err(_) => true,
        });
        lost.cloned().collect()
    }

    pub fn record(&mut self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        let row = self.held(lease)?;
        for page in pages.into_iter().filter(|page| page.index < row.job.progress.total) {
            if !row.pages.contains_key(&page.index) {
                row.job.progress.done += 1;
                row.job.progress.failed += u32::from(!page.success);
                row.progress_in_attempt += 1;
                row.pages.insert(page.index, page);
            }
        }
        Ok(row.job.progress)
    }

    pub fn settle(&mut self, now: Timestamp, lease: &Lease, ending: &SettleReason) -> Result<Job, StoreError> {
        let retention = self.retention;
        let row = self.held(lease)?;
        if row.job.progress.done < row.job.progress.total {
            return Err(StoreError::Conflict("the job has pages without a result"));
        }
        let verdict = row.job.progress.verdict();
        let error = match JobState::from(verdict) {
            JobState::Failed => row.pages.values().next().map(|page| page.error.clone()),
            _ => None,
        };
        let job =
            row.end(now, Cause::Settled { verdict }, error, *ending == SettleReason::WorkDone, retention.keep(None))?;
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
        let why = Some("Cancelled by request".to_owned());
        let job = row.end(now, Cause::CancelRequested, why, running, retention.keep(None))?;
        self.note_change(&job.id);
        Ok(job)
    }

    pub fn expire(&mut self, now: Timestamp, most_pages: usize) -> usize {
        let mut due: Vec<_> = self.rows.iter().filter_map(|(seq, row)| Some((row.job.expires_at?, *seq))).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort();
        let (mut expired, mut pages) = (0, 0);
        for (_, seq) in due {
            if pages >= most_pages.max(1) {
                break;
            }
            let gone = self.rows.remove(&seq);
            pages += gone.map_or(0, |row| usize::try_from(row.job.progress.total).unwrap_or(usize::MAX));
            expired += 1;
        }
        expired
    }
}

impl Row {
    fn claim(&mut self, now: Timestamp, node: &NodeId, hold: Duration) -> Option<Claim> {
        self.token += 1;
        let lease = Lease { job: self.job.id.clone(), node: node.clone(), token: self.token };
        self.job.state = self.job.state.clone().after(Cause::Claimed { lease: lease.clone() })?;
        self.job.started_at = self.job.started_at.or(Some(now));
        self.lease_until = Some(later(now, hold));
        self.progress_in_attempt = 0;
        let missing = (0..self.job.progress.total).filter(|index| !self.pages.contains_key(index)).collect();
        Some(Claim { lease, job: self.job.clone(), missing })
    }

    /// Back to the queue, counting the attempt if it counts.
    pub fn release(&mut self, now: Timestamp, back: Release) {
        let not_before = (!back.delay.is_zero()).then(|| later(now, back.delay));
        let Some(state) = self.job.state.clone().after(Cause::Released { not_before }) else { return };
        self.job.attempts_spent += u32::from(back.interruption.costs_an_attempt(self.progress_in_attempt));
        self.job.error = back.reason.or(self.job.error.take());
        self.job.state = state;
        self.lease_until = None;
    }

    fn end(
        &mut self,
        now: Timestamp,
        cause: Cause,
        error: Option<String>,
        counts: bool,
        keep: Keep,
    ) -> Result<Job, StoreError> {
        self.job.state = self.job.state.clone().after(cause).ok_or(StoreError::LeaseLost)?;
        self.job.error = error;
        self.job.finished_at = Some(now);
        self.job.attempts_spent += u32::from(counts);
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
