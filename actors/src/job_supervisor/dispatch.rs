//! From the queue to the workers: who gets which job, and which jobs nobody gets any more.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use super::ticks::WorkArrived;
use super::{JobStarted, JobSupervisor};
use crate::domain::job::{Interruption, Job};
use crate::ports::{Claim, Release, SettleReason, StoreError};
use crate::retry_store::retry_transient;

/// How long a suspect stands back for another one.
const STAND_BACK: Duration = Duration::from_millis(500);

/// What a claim brought.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Claimed {
    pool: usize,
    asked: usize,
    claims: Result<Vec<Claim>, StoreError>,
}

impl Handler<Claimed> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Claimed { pool, asked, claims }: Claimed, ctx: &mut Self::Context) {
        self.pools[pool].claiming = false;
        match claims {
            Ok(claims) => self.hand_out(pool, claims, asked, ctx),
            Err(error) => warn!(%error, "jobs could not be claimed"),
        }
        self.pools[pool].cancelled.clear();
        self.tell_if_idle();
        if std::mem::take(&mut self.pools[pool].claim_again) {
            self.claim_for(pool, ctx);
        }
    }
}

impl JobSupervisor {
    pub(super) fn claim(&mut self, ctx: &mut Context<Self>) {
        for pool in 0..self.pools.len() {
            self.claim_for(pool, ctx);
        }
    }

    pub(super) fn claim_for(&mut self, pool: usize, ctx: &mut Context<Self>) {
        let asked = self.pools[pool].idle();
        if self.draining || asked == 0 {
            return;
        }
        if std::mem::replace(&mut self.pools[pool].claiming, true) {
            // What has come since it was sent, it does not bring.
            self.pools[pool].claim_again = true;
            return;
        }
        let (store, node, hold) = (Arc::clone(&self.store), self.node.clone(), self.policy.lease);
        let kind = self.pools[pool].kind;
        let this = ctx.address();
        // A task of its own: what it claims has to be handed back if nobody takes it.
        actix::spawn(async move {
            let claims = store.claim(&node, kind, asked, hold).await;
            let leases: Vec<_> = claims.iter().flatten().map(|claim| claim.lease.clone()).collect();
            if this.send(Claimed { pool, asked, claims }).await.is_ok() {
                return;
            }
            // Gone before the claims came, or with them in its mailbox. What it had begun already, its successor returns.
            for lease in leases {
                // One that cannot be handed back is claimed again when its lease ends.
                let _ = store.release(&lease, at_no_cost(Duration::ZERO)).await;
            }
        });
    }

    fn hand_out(&mut self, pool: usize, claims: Vec<Claim>, asked: usize, ctx: &mut Context<Self>) {
        let more = claims.len() == asked;
        for claim in claims {
            // Its lease is void.
            if !self.pools[pool].cancelled.contains(&claim.job.id) {
                self.hand_one_out(pool, claim, ctx);
            }
        }
        if more {
            ctx.notify(WorkArrived);
        }
    }

    fn hand_one_out(&mut self, pool: usize, claim: Claim, ctx: &mut Context<Self>) {
        if self.draining {
            return self.release(claim.lease, at_no_cost(Duration::ZERO), ctx);
        }
        if claim.job.attempts_spent >= self.policy.max_attempts {
            return self.give_up(claim, ctx);
        }
        let left = self.time_left(&claim.job);
        if left == Some(Duration::ZERO) {
            let reason = self.out_of_time();
            return self.fail_the_rest(claim.lease, reason, ctx);
        }
        // One of those beside which a process died again and again did it: each gets its last attempt alone.
        let suspect = is_suspect(&claim.job, self.policy.max_attempts);
        if suspect && self.pools.iter().any(|pool| pool.busy().any(|busy| busy.suspect)) {
            return self.release(claim.lease, at_no_cost(STAND_BACK), ctx);
        }
        let (task_id, attempt, lease) = (claim.job.id.clone(), claim.job.attempt(), claim.lease.clone());
        if self.pools[pool].assign(claim, left, suspect) {
            info!(%task_id, attempt, "job started");
            self.listeners.started.do_send(JobStarted { job: task_id });
        } else {
            self.release(lease, at_no_cost(Duration::ZERO), ctx);
        }
    }

    /// Of the job's wall clock, if there is one.
    fn time_left(&self, job: &Job) -> Option<Duration> {
        let wall_clock = self.policy.wall_clock?;
        let began = job.started_at?;
        let ran = self.handlers.clock.now().duration_since(began);
        Some(wall_clock.saturating_sub(Duration::try_from(ran).unwrap_or_default()))
    }

    pub(super) fn out_of_time(&self) -> String {
        format!("Not done within the job's time of {:?}", self.policy.wall_clock.unwrap_or_default())
    }

    /// Out of attempts: the pages that are not done fail, and no others.
    fn give_up(&mut self, claim: Claim, ctx: &mut Context<Self>) {
        let cause = claim.job.error.as_deref().unwrap_or("the server stopped while it ran");
        let reason = format!("Given up after {} attempts: {cause}", claim.job.attempts_spent);
        warn!(task_id = %claim.job.id, %reason, "job given up");
        let (store, lease) = (Arc::clone(&self.store), claim.lease);
        let held = lease.clone();
        let work = async move {
            let written_down = retry_transient(|| store.checkpoints(&lease.job)).await?;
            let pages = claim.job.spec.task.failed_records(&claim.missing, &written_down, &reason);
            retry_transient(|| store.record_pages(&lease, pages.clone())).await?;
            retry_transient(|| store.settle(&lease, SettleReason::AttemptsExhausted)).await
        };
        self.write_end(held, work, ctx);
    }
}

/// Back to the queue, through no fault of the job.
pub(super) fn at_no_cost(wait: Duration) -> Release {
    Release { interruption: Interruption::Drained, reason: None, delay: wait }
}

/// Its attempts ended with their process and not by anything of its own, as far as is known, and one is left.
fn is_suspect(job: &Job, max_attempts: u32) -> bool {
    job.attempts_spent > 0 && job.attempts_spent + 1 >= max_attempts && job.error.is_none()
}
