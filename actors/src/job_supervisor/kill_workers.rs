//! Test support: makes all workers panic.

use actix::prelude::*;

use super::actor::JobSupervisor;
use crate::testing::kill::{KillWorkers, Panic};

impl Handler<KillWorkers> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: KillWorkers, _: &mut Self::Context) {
        let slots = self.pools.iter().flat_map(|pool| &pool.slots);
        slots.filter_map(|slot| slot.worker.as_ref()).for_each(|worker| worker.do_send(Panic));
    }
}
