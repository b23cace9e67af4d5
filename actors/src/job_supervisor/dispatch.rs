//! Claims jobs from the queue and assigns them to idle workers.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;
use tracing::{info, warn};

use super::actor::JobSupervisor;
use super::events::JobStarted;
use super::messages::{ClaimJobs, Claimed};
use super::worker_pool::WorkerPool;
use super::worker_shares::WorkerShares;
use crate::domain::id::NodeId;
use crate::domain::job::{Interruption, Job};
use crate::domain::kind::JobKind;
use crate::ports::{Claim, JobStore, Release, SettleReason, StoreError};
use crate::retry_store::retry_transient;

/// The claims in which jobs beyond their principal's share are replaced by others.
const MAX_CLAIM_ROUNDS: usize = 4;

impl Handler<ClaimJobs> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: ClaimJobs, ctx: &mut Self::Context) {
        self.claim_all(ctx);
    }
}

impl Handler<Claimed> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Claimed { pool, requested, claims }: Claimed, ctx: &mut Self::Context) {
        self.pools[pool].claiming = false;
        match claims {
            Ok(claims) => self.dispatch_all(pool, claims, requested, ctx),
            Err(error) => warn!(%error, "claiming jobs failed"),
        }
        self.pools[pool].cancelled.clear();
        self.notify_if_idle();
        if std::mem::take(&mut self.pools[pool].claim_again) {
            self.claim(pool, ctx);
        }
    }
}

impl JobSupervisor {
    pub(super) fn claim_all(&mut self, ctx: &mut Context<Self>) {
        for pool in 0..self.pools.len() {
            self.claim(pool, ctx);
        }
    }

    /// Claims as many jobs as the pool has idle workers, one claim at a time.
    pub(super) fn claim(&mut self, pool: usize, ctx: &mut Context<Self>) {
        let requested = self.pools[pool].idle_workers();
        if self.draining || requested == 0 || self.is_isolating() {
            return;
        }
        if std::mem::replace(&mut self.pools[pool].claiming, true) {
            // The claim in progress may miss jobs that arrived after it was sent.
            self.pools[pool].claim_again = true;
            return;
        }
        let (store, node, lease_duration) = (Arc::clone(&self.store), self.node.clone(), self.policy.lease);
        let (this, kind, shares) = (ctx.address(), self.pools[pool].kind, self.pools[pool].shares());
        // Its own task, so that claims are released if this supervisor crashes before it receives them.
        actix::spawn(async move {
            let mut claims = claim_fairly(&*store, &node, kind, requested, lease_duration, shares).await;
            if let Ok(claims) = &mut claims {
                release_beside_suspect(&*store, claims).await;
            }
            let leases: Vec<_> = claims.iter().flatten().map(|claim| claim.lease.clone()).collect();
            if this.send(Claimed { pool, requested, claims }).await.is_ok() {
                return;
            }
            for lease in leases {
                // A lease that cannot be released expires. The replacement releases those of jobs that were started.
                let _ = store.release(&lease, uncounted_release(Duration::ZERO)).await;
            }
        });
    }

    /// Whether no job may start now.
    pub(super) fn is_isolating(&mut self) -> bool {
        let isolating = self.pools.iter().flat_map(WorkerPool::assignments).any(|it| it.isolated);
        if !isolating {
            self.isolation.end();
        }
        isolating
    }

    fn dispatch_all(&mut self, pool: usize, claims: Vec<Claim>, requested: usize, ctx: &mut Context<Self>) {
        let may_have_more = claims.len() == requested;
        for claim in claims {
            // The lease of a cancelled job is stale.
            if !self.pools[pool].cancelled.contains(&claim.job.id) {
                self.dispatch(pool, claim, ctx);
            }
        }
        if may_have_more {
            ctx.notify(ClaimJobs);
        }
    }

    fn dispatch(&mut self, pool: usize, claim: Claim, ctx: &mut Context<Self>) {
        if self.draining {
            return self.release(claim.lease, uncounted_release(Duration::ZERO), ctx);
        }
        if claim.job.attempts_spent >= self.policy.max_attempts {
            let cause = claim.job.error.as_deref().unwrap_or("no error was reported");
            let reason = format!("Given up after {} attempts: {cause}", claim.job.attempts_spent);
            return self.fail_exhausted(claim, reason, ctx);
        }
        if claim.job.is_suspect() && claim.job.crashes >= self.policy.max_crashes {
            let reason = format!("Given up after {} crashes of the server while the job ran", claim.job.crashes);
            return self.fail_exhausted(claim, reason, ctx);
        }
        let time_left = self.time_left(&claim.job);
        if time_left == Some(Duration::ZERO) {
            let reason = self.time_limit_reason();
            return self.fail_unfinished(claim.lease, reason, ctx);
        }
        let (suspect, isolating) = (claim.job.is_suspect(), self.is_isolating());
        let wait = if suspect { self.isolation.wait() } else { Duration::ZERO };
        if isolating || !wait.is_zero() {
            return self.release(claim.lease, uncounted_release(wait), ctx);
        }
        let (task_id, attempt, crashes) = (claim.job.id.clone(), claim.job.attempt(), claim.job.crashes);
        let lease = claim.lease.clone();
        if self.pools[pool].assign(claim, time_left, suspect) {
            if suspect {
                self.isolation.start();
                info!(%task_id, crashes, "job started alone, because it may have caused crashes");
            } else {
                info!(%task_id, attempt, "job started");
            }
            self.listeners.started.notify(JobStarted { job: task_id });
        } else {
            self.release(lease, uncounted_release(Duration::ZERO), ctx);
        }
    }

    /// What remains of the job's time limit; `None`: unlimited.
    fn time_left(&self, job: &Job) -> Option<Duration> {
        let wall_clock = self.policy.wall_clock?;
        let elapsed = self.clock.now().duration_since(job.started_at?);
        Some(wall_clock.saturating_sub(Duration::try_from(elapsed).unwrap_or_default()))
    }

    pub(super) fn time_limit_reason(&self) -> String {
        format!("Not finished within the job's time limit of {:?}", self.policy.wall_clock.unwrap_or_default())
    }

    /// Fails the unfinished pages of a job without attempts left, and settles it.
    fn fail_exhausted(&mut self, claim: Claim, reason: String, ctx: &mut Context<Self>) {
        warn!(task_id = %claim.job.id, %reason, "job given up");
        let (store, lease) = (Arc::clone(&self.store), claim.lease);
        let held = lease.clone();
        let work = async move {
            let checkpoints = retry_transient(|| store.checkpoints(&lease.job)).await?;
            let records = claim.job.spec.task.failed_records(&claim.missing, &checkpoints, &reason);
            retry_transient(|| store.record_pages(&lease, records.clone())).await?;
            retry_transient(|| store.settle(&lease, SettleReason::AttemptsExhausted)).await
        };
        self.spawn_settlement(held, work, ctx);
    }
}

/// If there is a suspect, releases all other claims before it starts: a job that is still claimed when the suspect crashes the
/// process would count as running.
async fn release_beside_suspect(store: &dyn JobStore, claims: &mut Vec<Claim>) {
    let Some(suspect) = claims.iter().position(|claim| claim.job.is_suspect()) else { return };
    let suspect = claims.swap_remove(suspect);
    let others = std::mem::replace(claims, vec![suspect]);
    let released = others.iter().map(|claim| store.release(&claim.lease, uncounted_release(Duration::ZERO)));
    // A lease that cannot be released expires.
    drop(join_all(released).await);
}

/// Claims jobs. Those of queues that have used up their share are released again if others wait, and as many jobs are
/// claimed in their place.
async fn claim_fairly(
    store: &dyn JobStore,
    node: &NodeId,
    kind: JobKind,
    requested: usize,
    lease_duration: Duration,
    mut shares: WorkerShares,
) -> Result<Vec<Claim>, StoreError> {
    let mut accepted = Vec::new();
    for round in 1..=MAX_CLAIM_ROUNDS {
        let claims = match store.claim(node, kind, requested - accepted.len(), lease_duration).await {
            Err(error) if accepted.is_empty() => return Err(error),
            Err(_) => break,
            Ok(claims) => claims,
        };
        let mut released = false;
        for claim in claims {
            let queue = claim.job.queue_key();
            let is_replaced = round < MAX_CLAIM_ROUNDS && shares.is_used_up(&queue);
            if is_replaced && store.should_yield(kind, &queue).await.unwrap_or(false) {
                released = true;
                // A lease that cannot be released expires.
                let _ = store.release(&claim.lease, uncounted_release(Duration::ZERO)).await;
            } else {
                shares.add(&queue);
                accepted.push(claim);
            }
        }
        if !released || accepted.len() == requested {
            break;
        }
    }
    Ok(accepted)
}

/// Returns a job to the queue without counting an attempt.
pub fn uncounted_release(delay: Duration) -> Release {
    Release { interruption: Interruption::Drained, reason: None, delay }
}
