//! Notifications from other nodes.

use actix::prelude::*;

use super::actor::JobSupervisor;
use super::messages::RenewLeases;
use crate::domain::id::JobId;
use crate::ports::Notification;

impl Handler<Notification> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, notification: Notification, ctx: &mut Self::Context) {
        match notification {
            Notification::Ready(kind) => {
                if let Some(pool) = self.pools.iter().position(|pool| pool.kind == kind) {
                    self.claim(pool, ctx);
                }
            }
            Notification::Cancelled(job) => {
                self.abort_cancelled(&job);
                self.claim_all(ctx);
            }
            Notification::Changed(_) => {}
            Notification::Missed => {
                ctx.notify(RenewLeases);
                self.claim_all(ctx);
            }
        }
    }
}

impl JobSupervisor {
    /// Stops the work on a cancelled job.
    pub(super) fn abort_cancelled(&mut self, job: &JobId) {
        // The reply of a claim in progress may still contain the job.
        for pool in self.pools.iter_mut().filter(|pool| pool.claiming) {
            pool.cancelled.insert(job.clone());
        }
        self.stop_work(|lease| lease.job == *job);
    }
}
