//! What other nodes say.

use actix::prelude::*;

use super::JobSupervisor;
use super::ticks::Renew;
use crate::domain::id::JobId;
use crate::ports::Notice;

impl Message for Notice {
    type Result = ();
}

impl Handler<Notice> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, notice: Notice, ctx: &mut Self::Context) {
        match notice {
            Notice::Ready(task) => self.claim_for(task, ctx),
            Notice::Cancelled(job) => {
                self.leave(&job);
                self.claim(ctx);
            }
            Notice::Changed(_) => {}
            Notice::Missed => {
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
