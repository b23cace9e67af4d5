//! Lets tests end actors from inside, as a fault would.

use actix::prelude::*;

use super::JobSupervisor;
use super::worker_pool::WorkerRef;
use crate::crawl_worker::CrawlWorker;
use crate::llm_worker::LlmWorker;
use crate::testing::kill::{KillWorkers, Panic};
use crate::webhook_sender::WebhookSender;

impl Handler<KillWorkers> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: KillWorkers, _: &mut Self::Context) {
        let places = self.pools.iter().flat_map(|pool| &pool.places);
        places.filter_map(|place| place.worker.as_ref()).for_each(WorkerRef::kill);
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

mortal!(JobSupervisor, CrawlWorker, LlmWorker, WebhookSender);
