//! Nobody keeps all crawl workers to himself for long. Jobs that end, and long ones that hand over after their slice, make
//! room by themselves; where none does, because all their pages hang, one of them lets others go first. Extractions are left
//! alone: a question to a model costs money, and ends by a time-out of its own.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::info;

use super::JobSupervisor;
use crate::domain::job::Interruption;
use crate::ports::Release;

/// For so long others wait for a worker that comes free by itself.
const PATIENCE: Duration = Duration::from_secs(10);

impl JobSupervisor {
    /// Where no worker has come free for a while, and one principal's jobs hold most of them, the youngest lets others
    /// go first, if any wait. Older ones go on, so that each comes to its end. With no slices it never happens.
    pub(super) fn share(&mut self, ctx: &mut Context<Self>) {
        let preemptible = self.pools.iter().enumerate().filter(|(_, pool)| pool.handler.is_preemptible());
        let youngest: Vec<_> = preemptible
            .filter_map(|(pool, workers)| Some((pool, workers.kind, workers.youngest_of_most(PATIENCE)?)))
            .collect();
        for (pool, kind, (queue, lease)) in youngest {
            let store = Arc::clone(&self.store);
            let asked = async move { (store.should_yield(kind, &queue).await, lease) };
            ctx.spawn(asked.into_actor(self).map(move |(should_yield, lease), this, ctx| {
                let still = this.pools[pool].youngest_of_most(PATIENCE).is_some_and(|(_, youngest)| youngest == lease);
                if this.draining || !still || !should_yield.unwrap_or(false) {
                    return;
                }
                info!(task_id = %lease.job, "job lets others go first");
                this.stop_work(|held| *held == lease);
                let back = Release { interruption: Interruption::Yielded, reason: None, delay: Duration::ZERO };
                this.release(lease, back, ctx);
            }));
        }
    }
}
