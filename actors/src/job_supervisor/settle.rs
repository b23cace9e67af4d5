//! The end of work: jobs are settled, released, or failed because their time is over.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use super::actor::JobSupervisor;
use super::events::JobSettled;
use super::worker_pool::Assignment;
use crate::domain::job::{Interruption, Job};
use crate::domain::lease::Lease;
use crate::ports::{Release, SettleReason, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::Outcome;

/// How the work of an assignment was interrupted. A job that still runs alone keeps its number of crashes, so that it stays a
/// suspect: the part of its work that crashes the process may come later.
fn interruption(assignment: &Assignment, interruption: Interruption) -> Interruption {
    if assignment.isolated { Interruption::Drained } else { interruption }
}

impl JobSupervisor {
    pub(super) fn end_work(&mut self, assignment: Assignment, outcome: Outcome, ctx: &mut Context<Self>) {
        let task_id = &assignment.lease.job;
        match outcome {
            Outcome::Done => self.settle(assignment.lease, ctx),
            Outcome::LeaseLost => {
                self.notify_if_idle();
                self.claim_all(ctx);
            }
            Outcome::Yielded => {
                info!(%task_id, "job yielded its worker");
                let interruption = interruption(&assignment, Interruption::Yielded);
                let release = Release { interruption, reason: None, delay: Duration::ZERO };
                self.release(assignment.lease, release, ctx);
            }
            Outcome::Crashed { reason } => {
                warn!(%task_id, %reason, "attempt failed");
                self.retry(assignment, Interruption::Crashed, reason, ctx);
            }
            Outcome::Deferred { delay, reason } => {
                info!(%task_id, %reason, ?delay, "job deferred");
                let interruption = interruption(&assignment, Interruption::Deferred);
                let release = Release { interruption, reason: Some(reason), delay };
                self.release(assignment.lease, release, ctx);
            }
        }
    }

    /// Returns the job to the queue with the delay before its next attempt.
    pub(super) fn retry(
        &mut self,
        assignment: Assignment,
        interruption: Interruption,
        reason: String,
        ctx: &mut Context<Self>,
    ) {
        let delay = self.policy.backoff.delay_after(assignment.attempt, fastrand::f64());
        self.release(assignment.lease, Release { interruption, reason: Some(reason), delay }, ctx);
    }

    fn settle(&mut self, lease: Lease, ctx: &mut Context<Self>) {
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        let work = async move { retry_transient(|| store.settle(&lease, SettleReason::WorkDone)).await };
        self.spawn_settlement(held, work, ctx);
    }

    /// Fails the job's unfinished pages for this reason, and settles it.
    pub(super) fn fail_unfinished(&mut self, lease: Lease, reason: String, ctx: &mut Context<Self>) {
        warn!(task_id = %lease.job, %reason, "job stopped");
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        let work = async move {
            let job = retry_transient(|| store.job(&lease.job, None)).await?.ok_or(StoreError::LeaseLost)?;
            // A page that has a record keeps it.
            let all: Vec<u32> = (0..job.progress.total).collect();
            let checkpoints = retry_transient(|| store.checkpoints(&lease.job)).await?;
            let records = job.spec.task.failed_records(&all, &checkpoints, &reason);
            retry_transient(|| store.record_pages(&lease, records.clone())).await?;
            retry_transient(|| store.settle(&lease, SettleReason::WorkDone)).await
        };
        self.spawn_settlement(held, work, ctx);
    }

    /// Runs `work`, which settles the job of the lease `held`, and publishes the result.
    pub(super) fn spawn_settlement(
        &mut self,
        held: Lease,
        work: impl Future<Output = Result<Job, StoreError>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.writing.push(held.clone());
        ctx.spawn(work.into_actor(self).map(move |settled, this, ctx| {
            this.end_write(&held, ctx);
            this.publish_settled(settled);
        }));
    }

    pub(super) fn release(&mut self, lease: Lease, release: Release, ctx: &mut Context<Self>) {
        self.writing.push(lease.clone());
        let (store, held) = (Arc::clone(&self.store), lease.clone());
        let work = async move { retry_transient(|| store.release(&lease, release.clone())).await };
        ctx.spawn(work.into_actor(self).map(move |released, this, ctx| {
            this.end_write(&held, ctx);
            match released {
                // `LeaseLost`: the job is settled, or claimed again.
                Ok(()) | Err(StoreError::LeaseLost) => {}
                Err(error) => warn!(task_id = %held.job, %error, "releasing a job failed; its lease will expire"),
            }
        }));
    }

    fn end_write(&mut self, lease: &Lease, ctx: &mut Context<Self>) {
        self.writing.retain(|other| other != lease);
        self.notify_if_idle();
        self.claim_all(ctx);
    }

    pub(super) fn publish_settled(&self, settled: Result<Job, StoreError>) {
        match settled {
            Ok(job) => {
                let status = job.state.status().as_str();
                info!(task_id = %job.id, status, error = job.error.as_deref(), "job settled");
                self.metrics.settled(status);
                let settled = JobSettled { job: Arc::new(job) };
                self.listeners.settled.iter().for_each(|listener| listener.notify(settled.clone()));
            }
            // The lease expires; the job is claimed again, has no unfinished page, and is settled.
            Err(error) => warn!(%error, "settling a job failed"),
        }
    }
}
