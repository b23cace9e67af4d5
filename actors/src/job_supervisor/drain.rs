//! The end of a process: running jobs get a grace period, then they are released.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;

use super::actor::JobSupervisor;
use super::dispatch::uncounted_release;
use super::messages::DrainJobs;

/// The time for writes that are in progress when the grace period ends.
const LAST_WRITES: Duration = Duration::from_secs(1);

impl Handler<DrainJobs> for JobSupervisor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, DrainJobs { grace }: DrainJobs, _: &mut Self::Context) -> Self::Result {
        self.handover.start_draining();
        self.draining = true;
        self.notify_if_idle();
        let idle = Arc::clone(&self.idle);
        let grace_ended = async move { drop(tokio::time::timeout(grace, idle.notified()).await) };
        Box::pin(grace_ended.into_actor(self).then(|(), this, _| this.release_running()))
    }
}

impl JobSupervisor {
    fn release_running(&mut self) -> ResponseActFuture<Self, ()> {
        let (store, leases) = (Arc::clone(&self.store), self.leases());
        self.stop_work(|_| true);
        // Concurrently, so that the store can write them in one commit. A lease that cannot be released expires.
        let released = async move {
            let released = leases.iter().map(|lease| store.release(lease, uncounted_release(Duration::ZERO)));
            drop(join_all(released).await);
        };
        // A claim that is in progress is released when its reply arrives.
        Box::pin(released.into_actor(self).then(|(), this, _| {
            let (idle, is_idle) = (Arc::clone(&this.idle), this.is_idle());
            let written = async move {
                if !is_idle {
                    let _ = tokio::time::timeout(LAST_WRITES, idle.notified()).await;
                }
            };
            written.into_actor(this)
        }))
    }
}
