//! What the supervisor tells itself: look for work, look through the store, renew, watch, replace.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::warn;

use super::JobSupervisor;
use super::worker_pool::Overdue;
use crate::domain::job::Interruption;
use crate::domain::retry::Backoff;
use crate::worker::{SlotId, WorkerExited};

/// Pages removed in one write at most, so that others get their turn between.
const EXPIRED_PAGES: usize = 1000;

/// A worker's place that dies at once again and again is filled more and more slowly.
const RESTART: Backoff = Backoff { initial: Duration::from_millis(1), max: Duration::from_secs(5), jitter: 0.0 };

/// There may be something to claim.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct WorkArrived;

/// Look through the store for what no message told.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Sweep;

/// Prolong the leases of what runs.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Renew;

/// Look for work that goes on too long.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Watch;

/// Fill a dead worker's place.
#[derive(Message)]
#[rtype(result = "()")]
struct Replace {
    slot: SlotId,
}

impl JobSupervisor {
    pub(super) fn start_ticking(&self, ctx: &mut Context<Self>) {
        let policy = &self.policy;
        let shortest = policy.wall_clock.map_or(policy.stall_timeout, |wall| wall.min(policy.stall_timeout));
        let watch = (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1));
        ctx.notify(Sweep);
        ctx.run_interval(policy.sweep, |_, ctx| ctx.notify(Sweep));
        ctx.run_interval(policy.lease / 3, |_, ctx| ctx.notify(Renew));
        ctx.run_interval(watch, |_, ctx| ctx.notify(Watch));
    }
}

impl Handler<WorkArrived> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: WorkArrived, ctx: &mut Self::Context) {
        self.claim(ctx);
    }
}

impl Handler<Sweep> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        let store = Arc::clone(&self.store);
        let upkeep = async move { (store.requeue().await, store.expire(EXPIRED_PAGES).await) };
        ctx.spawn(upkeep.into_actor(self).map(|(requeued, expired), this, ctx| {
            this.sweeping = false;
            if let Some(error) = requeued.err().or(expired.as_ref().err().cloned()) {
                warn!(%error, "the store could not be swept");
            }
            if expired.is_ok_and(|jobs| jobs > 0) {
                ctx.notify(Sweep);
            }
            this.claim(ctx);
        }));
    }
}

impl Handler<Renew> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Renew, ctx: &mut Self::Context) {
        let (store, leases, hold) = (Arc::clone(&self.store), self.leases(), self.policy.lease);
        if leases.is_empty() {
            return;
        }
        let renewed = async move { store.renew(&leases, hold).await };
        ctx.spawn(renewed.into_actor(self).map(|lost, this, ctx| {
            if let Ok(lost) = lost {
                this.stop_work(|lease| lost.contains(lease));
            }
            this.claim(ctx);
        }));
    }
}

impl Handler<Watch> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: Watch, ctx: &mut Self::Context) {
        let stall = self.policy.stall_timeout;
        self.share(ctx);
        for pool in 0..self.pools.len() {
            let actor = self.pools[pool].kind.worker_name();
            for (slot, busy, overdue) in self.pools[pool].abandon_overdue(pool, stall) {
                warn!(actor, worker = slot.index, task_id = %busy.lease.job, "a worker hangs and is replaced");
                self.metrics.died(actor, "hung");
                ctx.notify(Replace { slot });
                match overdue {
                    Overdue::Silent => {
                        let reason = format!("no progress within {stall:?}");
                        self.break_off(busy, Interruption::Hung, reason, ctx);
                    }
                    Overdue::OutOfTime => {
                        let reason = self.out_of_time();
                        self.fail_the_rest(busy.lease, reason, ctx);
                    }
                }
            }
        }
    }
}

impl Handler<WorkerExited> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkerExited { slot }: WorkerExited, ctx: &mut Self::Context) {
        let Some(found) = self.pools[slot.pool].slot(slot) else { return };
        found.generation += 1;
        found.worker = None;
        found.crashes = found.crashes.saturating_add(1);
        let (busy, generation, crashes) = (found.busy.take(), found.generation, found.crashes);
        let actor = self.pools[slot.pool].kind.worker_name();
        warn!(actor, worker = slot.index, "a worker died and is replaced");
        self.metrics.died(actor, if busy.is_some() { "in a job" } else { "between jobs" });
        if let Some(busy) = busy {
            self.break_off(busy, Interruption::Crashed, "its worker died".to_owned(), ctx);
        }
        ctx.notify_later(Replace { slot: SlotId { generation, ..slot } }, RESTART.delay_after(crashes, 0.0));
    }
}

impl Handler<Replace> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Replace { slot }: Replace, ctx: &mut Self::Context) {
        let worker = self.spawn_worker(slot, ctx);
        if let Some(found) = self.pools[slot.pool].slot(slot) {
            found.worker = Some(worker);
        }
        self.claim(ctx);
    }
}
