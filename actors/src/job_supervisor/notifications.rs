//! What other nodes say.

use actix::prelude::*;

use super::JobSupervisor;
use super::ticks::Renew;
use crate::domain::id::JobId;
use crate::ports::Notification;

impl Message for Notification {
    type Result = ();
}

impl Handler<Notification> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, notice: Notification, ctx: &mut Self::Context) {
        match notice {
            Notification::Ready(kind) => {
                if let Some(pool) = self.pools.iter().position(|pool| pool.kind == kind) {
                    self.claim_for(pool, ctx);
                }
            }
            Notification::Cancelled(job) => {
                self.leave(&job);
                self.claim(ctx);
            }
            Notification::Changed(_) => {}
            Notification::Missed => {
                ctx.notify(Renew);
                self.claim(ctx);
            }
        }
    }
}

impl JobSupervisor {
    /// A job that was cancelled is worked on no more.
    pub(super) fn leave(&mut self, job: &JobId) {
        // A claim under way may bring it all the same.
        for pool in self.pools.iter_mut().filter(|pool| pool.claiming) {
            pool.cancelled.insert(job.clone());
        }
        self.stop_work(|lease| lease.job == *job);
    }
}
