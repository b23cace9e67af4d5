//! Lets tests end actors from inside, as a fault would.

use actix::prelude::*;

use super::JobSupervisor;
use super::crew::Hand;
use crate::crawl_worker::CrawlWorker;
use crate::llm_worker::LlmWorker;
use crate::testing::death::{Die, KillWorkers};
use crate::webhook_sender::WebhookSender;

impl Handler<KillWorkers> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, _: KillWorkers, _: &mut Self::Context) {
        let places = self.crews.iter().flat_map(|crew| &crew.places);
        places.filter_map(|place| place.worker.as_ref()).for_each(Hand::kill);
    }
}

macro_rules! mortal {
    ($($actor:ty),*) => {
        $(
            impl Handler<Die> for $actor {
                type Result = ();

                fn handle(&mut self, _: Die, _: &mut Self::Context) {
                    panic!("told to die");
                }
            }
        )*
    };
}

mortal!(JobSupervisor, CrawlWorker, LlmWorker, WebhookSender);
