//! Lets tests end actors from inside, as a fault would.

use actix::prelude::*;

use super::JobSupervisor;
use crate::testing::kill::{KillWorkers, Panic};
use crate::webhook_sender::WebhookSender;
use crate::worker::Worker;

impl Handler<KillWorkers> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: KillWorkers, _: &mut Self::Context) {
        let slots = self.pools.iter().flat_map(|pool| &pool.slots);
        slots.filter_map(|slot| slot.worker.as_ref()).for_each(|worker| worker.do_send(Panic));
    }
}

macro_rules! mortal {
    ($($actor:ty),*) => {
        $(
            impl Handler<Panic> for $actor {
                type Result = ();

                fn handle(&mut self, _: Panic, _: &mut Self::Context) {
                    panic!("told to die");
                }
            }
        )*
    };
}

mortal!(JobSupervisor, Worker, WebhookSender);
