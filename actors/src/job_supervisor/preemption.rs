//! Preemption: no principal keeps most workers of a pool while other jobs wait.
//!
//! Usually workers become free when jobs end or yield after their time slice. If none does, because all their pages hang,
//! one job is released. A job that uses a language model is not aborted, because its requests cost money: it is asked to
//! yield, finishes the requests that it has sent, and another worker is started in place of its own meanwhile.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::info;

use super::actor::JobSupervisor;
use super::messages::ReplaceWorker;
use super::worker_pool::PreemptionCandidate;
use crate::domain::job::Interruption;
use crate::ports::Release;

/// The time without a free worker after which a job is preempted.
const PREEMPT_AFTER: Duration = Duration::from_secs(1);

impl JobSupervisor {
    /// In each pool where no worker has become free for a while and one principal holds most workers, releases that
    /// principal's youngest job if jobs wait that it must yield to. Older jobs continue, so that each one finishes.
    pub(super) fn preempt(&mut self, ctx: &mut Context<Self>) {
        for (pool, workers) in self.pools.iter().enumerate().filter(|(_, pool)| pool.handler.is_preemptible()) {
            let Some(candidate) = workers.preemption_candidate(PREEMPT_AFTER) else { continue };
            let (store, kind) = (Arc::clone(&self.store), workers.kind);
            let checked = async move { (store.should_yield(kind, &candidate.queue).await, candidate) };
            ctx.spawn(checked.into_actor(self).map(move |(should_yield, candidate), this, ctx| {
                let found = this.pools[pool].preemption_candidate(PREEMPT_AFTER);
                let is_unchanged = found.is_some_and(|found| found.lease == candidate.lease);
                if !this.draining && is_unchanged && should_yield.unwrap_or(false) {
                    this.preempt_job(pool, candidate, ctx);
                }
            }));
        }
    }

    fn preempt_job(&mut self, pool: usize, candidate: PreemptionCandidate, ctx: &mut Context<Self>) {
        let PreemptionCandidate { lease, abortable, .. } = candidate;
        info!(task_id = %lease.job, "job preempted");
        if abortable {
            self.stop_work(|held| *held == lease);
            let release = Release { interruption: Interruption::Yielded, reason: None, delay: Duration::ZERO };
            self.release(lease, release, ctx);
        } else if let Some(slot) = self.pools[pool].request_yield(pool, &lease) {
            ctx.notify(ReplaceWorker { slot });
        }
    }
}
