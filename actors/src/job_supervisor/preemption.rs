//! Preemption: no principal keeps most workers of a pool while other jobs wait.
//!
//! Usually workers become free when jobs end or yield after their time slice. If none does, because all their pages hang,
//! one job is released. Jobs that use a language model are never preempted: their requests cost money and have timeouts of
//! their own.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::info;

use super::actor::JobSupervisor;
use crate::domain::job::Interruption;
use crate::ports::Release;

/// The time without a free worker after which a job is preempted.
const PREEMPT_AFTER: Duration = Duration::from_secs(10);

impl JobSupervisor {
    /// In each pool where no worker has become free for a while and one principal holds most workers, releases that
    /// principal's youngest job if jobs wait that it must yield to. Older jobs continue, so that each one finishes.
    pub(super) fn preempt(&mut self, ctx: &mut Context<Self>) {
        for (pool, workers) in self.pools.iter().enumerate().filter(|(_, pool)| pool.handler.is_preemptible()) {
            let Some((queue, lease)) = workers.preemption_candidate(PREEMPT_AFTER) else { continue };
            let (store, kind) = (Arc::clone(&self.store), workers.kind);
            let checked = async move { (store.should_yield(kind, &queue).await, lease) };
            ctx.spawn(checked.into_actor(self).map(move |(should_yield, lease), this, ctx| {
                let candidate = this.pools[pool].preemption_candidate(PREEMPT_AFTER);
                let is_unchanged = candidate.is_some_and(|(_, candidate)| candidate == lease);
                if this.draining || !is_unchanged || !should_yield.unwrap_or(false) {
                    return;
                }
                info!(task_id = %lease.job, "job preempted");
                this.stop_work(|held| *held == lease);
                let release = Release { interruption: Interruption::Yielded, reason: None, delay: Duration::ZERO };
                this.release(lease, release, ctx);
            }));
        }
    }
}
