//! From the workers back to the store: settled, handed back, or failed because their time is over.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use super::worker_pool::Busy;
use super::{JobSettled, JobSupervisor};
use crate::domain::job::{Interruption, Job};
use crate::domain::lease::Lease;
use crate::ports::{Release, SettleReason, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::{Outcome, SlotId};

impl JobSupervisor {
    /// A worker is idle again.
    pub(super) fn end(&mut self, slot: SlotId, lease: &Lease, outcome: Outcome, ctx: &mut Context<Self>) {
        let found = self.pools[slot.pool].slot(slot);
        let Some(found) = found.filter(|found| found.busy.as_ref().is_some_and(|busy| busy.lease == *lease)) else {
            return;
        };
        let Some(busy) = found.busy.take() else { return };
        found.crashes = 0;
        match outcome {
            Outcome::Done => self.settle(busy.lease, ctx),
            Outcome::LeaseLost => {
                self.tell_if_idle();
                self.claim(ctx);
            }
            Outcome::Yielded => {
                info!(task_id = %lease.job, "job lets others go first");
                let back = Release { interruption: Interruption::Yielded, reason: None, delay: Duration::ZERO };
                self.release(busy.lease, back, ctx);
            }
            Outcome::Crashed { reason } => {
                warn!(task_id = %lease.job, %reason, "attempt broke");
                self.break_off(busy, Interruption::Crashed, reason, ctx);
            }
            Outcome::Deferred { delay, reason } => {
                info!(task_id = %lease.job, %reason, ?delay, "job deferred");
                let back = Release { interruption: Interruption::Deferred, reason: Some(reason), delay };
                self.release(busy.lease, back, ctx);
            }
        }
    }

    /// The attempt is spent; the job comes again after a while.
    pub(super) fn break_off(&mut self, busy: Busy, how: Interruption, reason: String, ctx: &mut Context<Self>) {
        let delay = self.policy.backoff.delay_after(busy.attempt, fastrand::f64());
        self.release(busy.lease, Release { interruption: how, reason: Some(reason), delay }, ctx);
    }

    fn settle(&mut self, lease: Lease, ctx: &mut Context<Self>) {
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        self.write_end(
            held,
            async move { retry_transient(|| store.settle(&lease, SettleReason::WorkDone)).await },
            ctx,
        );
    }

    /// The pages that are not done fail for this reason, and the job settles.
    pub(super) fn fail_the_rest(&mut self, lease: Lease, reason: String, ctx: &mut Context<Self>) {
        warn!(task_id = %lease.job, %reason, "job ended");
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        let work = async move {
            let job = retry_transient(|| store.job(&lease.job, None)).await?.ok_or(StoreError::LeaseLost)?;
            let all: Vec<u32> = (0..job.progress.total).collect();
            // A page that has its record keeps it.
            let written_down = retry_transient(|| store.checkpoints(&lease.job)).await?;
            let pages = job.spec.task.failed_records(&all, &written_down, &reason);
            retry_transient(|| store.record_pages(&lease, pages.clone())).await?;
            retry_transient(|| store.settle(&lease, SettleReason::WorkDone)).await
        };
        self.write_end(held, work, ctx);
    }

    pub(super) fn write_end(
        &mut self,
        held: Lease,
        work: impl Future<Output = Result<Job, StoreError>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.writing.push(held.clone());
        ctx.spawn(work.into_actor(self).map(move |settled, this, ctx| {
            this.written(&held, ctx);
            this.announce(settled);
        }));
    }

    pub(super) fn release(&mut self, lease: Lease, back: Release, ctx: &mut Context<Self>) {
        self.writing.push(lease.clone());
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        let work = async move { retry_transient(|| store.release(&lease, back.clone())).await };
        ctx.spawn(work.into_actor(self).map(move |returned, this, ctx| {
            this.written(&held, ctx);
            match returned {
                // Settled or claimed by somebody else meanwhile.
                Ok(()) | Err(StoreError::LeaseLost) => {}
                Err(error) => warn!(%error, "a job could not be handed back; its lease will run out"),
            }
        }));
    }

    fn written(&mut self, lease: &Lease, ctx: &mut Context<Self>) {
        self.writing.retain(|other| other != lease);
        self.tell_if_idle();
        self.claim(ctx);
    }

    pub(super) fn announce(&self, settled: Result<Job, StoreError>) {
        match settled {
            Ok(job) => {
                let status = job.state.status().as_str();
                info!(task_id = %job.id, status, error = job.error.as_deref(), "job settled");
                self.metrics.settled(status);
                let settled = JobSettled { job: Arc::new(job) };
                self.listeners.settled.do_send(settled.clone());
                self.listeners.sender.tell(settled);
            }
            // Its lease runs out, it is claimed again, and found with nothing left to crawl.
            Err(error) => warn!(%error, "a job could not be settled"),
        }
    }
}
