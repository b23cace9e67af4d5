//! Messages that make an actor panic.

use actix::prelude::*;

use crate::job_supervisor::JobSupervisor;
use crate::webhook_sender::WebhookSender;
use crate::worker::Worker;

/// The receiving actor panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Panic;

/// Every worker of the receiving supervisor panics.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct KillWorkers;

macro_rules! panic_on_request {
    ($($actor:ty),*) => {
        $(
            impl Handler<Panic> for $actor {
                type Result = ();

                fn handle(&mut self, _: Panic, _: &mut Self::Context) {
                    panic!("a test requested this panic");
                }
            }
        )*
    };
}

panic_on_request!(JobSupervisor, Worker, WebhookSender);
