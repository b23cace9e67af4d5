//! Periodic work: sweeps, lease renewal, stalled work, and the replacement of workers.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use super::actor::JobSupervisor;
use super::messages::{CheckWork, RenewLeases, ReplaceWorker, Sweep};
use super::worker_pool::{Assignment, Overdue, RetiredWork, WorkerPool};
use crate::domain::crash::MAX_ISOLATION;
use crate::domain::job::Interruption;
use crate::domain::retry::Backoff;
use crate::ports::StoreError;
use crate::retry_store::retry_transient;
use crate::worker::{SlotId, WorkerExited};

/// Pages to remove in one transaction, so that other writes are not delayed.
const MAX_EXPIRED_PAGES: usize = 1000;

/// The delay before a crashed worker is replaced, by consecutive crashes in its slot.
const RESTART: Backoff = Backoff { initial: Duration::from_millis(1), max: Duration::from_secs(5), jitter: 0.0 };

impl JobSupervisor {
    pub(super) fn start_ticks(&self, ctx: &mut Context<Self>) {
        let policy = &self.policy;
        let shortest = policy.wall_clock.map_or(policy.stall_timeout, |limit| limit.min(policy.stall_timeout));
        let check = (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1));
        ctx.notify(Sweep);
        ctx.run_interval(policy.sweep, |_, ctx| ctx.notify(Sweep));
        ctx.run_interval(policy.lease / 3, |_, ctx| ctx.notify(RenewLeases));
        ctx.run_interval(check, |_, ctx| ctx.notify(CheckWork));
    }

    /// Ends an isolation of the maximum length: the job is no longer a suspect.
    pub(super) fn end_long_isolation(&mut self, ctx: &mut Context<Self>) {
        let is_over = |it: &&mut Assignment| it.isolated && it.started.elapsed() >= MAX_ISOLATION;
        let Some(assignment) = self.pools.iter_mut().flat_map(WorkerPool::assignments_mut).find(is_over) else {
            return;
        };
        assignment.isolated = false;
        let (store, lease) = (Arc::clone(&self.store), assignment.lease.clone());
        info!(task_id = %lease.job, "job caused no crash; other jobs run beside it");
        let cleared = async move { retry_transient(|| store.clear_crashes(&lease)).await };
        ctx.spawn(cleared.into_actor(self).map(|cleared, _, _| match cleared {
            Ok(()) | Err(StoreError::LeaseLost) => {}
            Err(error) => warn!(%error, "the number of crashes of a job could not be cleared"),
        }));
        self.claim_all(ctx);
    }
}

impl Handler<Sweep> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        let store = Arc::clone(&self.store);
        let swept = async move { (store.requeue().await, store.expire(MAX_EXPIRED_PAGES).await) };
        ctx.spawn(swept.into_actor(self).map(|(requeued, expired), this, ctx| {
            this.sweeping = false;
            if let Some(error) = requeued.err().or(expired.as_ref().err().cloned()) {
                warn!(%error, "sweep failed");
            }
            if expired.is_ok_and(|jobs| jobs > 0) {
                ctx.notify(Sweep);
            }
            this.claim_all(ctx);
        }));
    }
}

impl Handler<RenewLeases> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: RenewLeases, ctx: &mut Self::Context) {
        let (store, leases, lease_duration) = (Arc::clone(&self.store), self.leases(), self.policy.lease);
        if leases.is_empty() {
            return;
        }
        let renewed = async move { store.renew(&leases, lease_duration).await };
        ctx.spawn(renewed.into_actor(self).map(|lost, this, ctx| {
            if let Ok(lost) = lost {
                this.stop_work(|lease| lost.contains(lease));
            }
            this.claim_all(ctx);
        }));
    }
}

impl Handler<CheckWork> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: CheckWork, ctx: &mut Self::Context) {
        let stall_timeout = self.policy.stall_timeout;
        self.end_long_isolation(ctx);
        self.preempt(ctx);
        self.note_waits(ctx);
        for pool in 0..self.pools.len() {
            let actor = self.pools[pool].kind.worker_name();
            for RetiredWork { slot, assignment, overdue } in self.pools[pool].retire_overdue(pool, stall_timeout) {
                warn!(actor, worker = slot.index, task_id = %assignment.lease.job, "worker stalled and is replaced");
                self.metrics.exited(actor, "stalled");
                self.pools[pool].close_yielded(slot, &assignment);
                ctx.notify(ReplaceWorker { slot });
                match overdue {
                    Overdue::Stalled => {
                        let reason = format!("no progress within {stall_timeout:?}");
                        self.retry(assignment, Interruption::Hung, reason, ctx);
                    }
                    Overdue::DeadlineExceeded => {
                        let reason = self.time_limit_reason();
                        self.fail_unfinished(assignment.lease, reason, ctx);
                    }
                }
            }
        }
    }
}

impl JobSupervisor {
    /// Stores what jobs wait for, so that their status shows it. A failure is not repeated: it is a hint.
    fn note_waits(&mut self, ctx: &mut Context<Self>) {
        let waits: Vec<_> = self.pools.iter_mut().flat_map(WorkerPool::changed_waits).collect();
        if waits.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        ctx.spawn(async move { drop(store.note_waits(&waits).await) }.into_actor(self));
    }
}

impl Handler<WorkerExited> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkerExited { slot: id }: WorkerExited, ctx: &mut Self::Context) {
        let Some(slot) = self.pools[id.pool].slot(id) else { return };
        slot.generation += 1;
        slot.worker = None;
        slot.crashes = slot.crashes.saturating_add(1);
        let (assignment, generation, crashes) = (slot.assignment.take(), slot.generation, slot.crashes);
        let actor = self.pools[id.pool].kind.worker_name();
        warn!(actor, worker = id.index, "worker crashed and is replaced");
        self.metrics.exited(actor, if assignment.is_some() { "working" } else { "idle" });
        let slot = SlotId { generation, ..id };
        if let Some(assignment) = assignment {
            self.pools[id.pool].close_yielded(slot, &assignment);
            self.retry(assignment, Interruption::Crashed, "the worker crashed".to_owned(), ctx);
        }
        ctx.notify_later(ReplaceWorker { slot }, RESTART.delay_after(crashes, 0.0));
    }
}

impl Handler<ReplaceWorker> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, ReplaceWorker { slot: id }: ReplaceWorker, ctx: &mut Self::Context) {
        // Repeated or outdated replacements have no effect.
        if self.pools[id.pool].slot(id).is_none_or(|slot| slot.worker.is_some()) {
            return;
        }
        let worker = self.spawn_worker(id, ctx);
        if let Some(slot) = self.pools[id.pool].slot(id) {
            slot.worker = Some(worker);
        }
        self.claim_all(ctx);
    }
}
