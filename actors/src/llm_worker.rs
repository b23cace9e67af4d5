//! Extracts for one job at a time; hands it back when its provider must rest.

mod answers;
mod asking;
mod extract;
mod parts;

use std::sync::Arc;

use actix::prelude::*;

pub use answers::AnswerCache;
pub use asking::usage_of;
pub use extract::{ExtractionPolicy, Extractor};

use crate::domain::lease::Lease;
use crate::ports::Claim;
use crate::pulse::Pulse;
use crate::worker::{Outcome, Slot, Tombstone, Work, WorkerDied};

/// Extract what this job asks for. A worker is asked only while it is idle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartExtraction {
    pub claim: Claim,
    /// Beats while the work gets on.
    pub pulse: Pulse,
}

/// Leave the job at once; no [`ExtractionEnded`] follows.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopExtraction;

/// A worker is idle again, and how its job went.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ExtractionEnded {
    pub slot: Slot,
    pub lease: Lease,
    pub outcome: Outcome,
}

pub struct LlmWorker {
    extractor: Arc<Extractor>,
    slot: Slot,
    listener: Recipient<ExtractionEnded>,
    work: Option<Work>,
    _tombstone: Tombstone,
}

impl LlmWorker {
    pub fn new(
        extractor: Arc<Extractor>,
        slot: Slot,
        listener: Recipient<ExtractionEnded>,
        obituary: Recipient<WorkerDied>,
    ) -> Self {
        Self { extractor, slot, listener, work: None, _tombstone: Tombstone { slot, obituary } }
    }
}

impl Actor for LlmWorker {
    type Context = Context<Self>;
}

impl Handler<StartExtraction> for LlmWorker {
    type Result = ();

    fn handle(&mut self, StartExtraction { claim, pulse }: StartExtraction, ctx: &mut Self::Context) {
        let (extractor, lease) = (Arc::clone(&self.extractor), claim.lease.clone());
        let extraction = async move { extractor.run(claim).await };
        self.work = Some(Work::start(lease, pulse, extraction, ctx, |worker: &mut Self, outcome| {
            let Some(Work { lease, .. }) = worker.work.take() else { return };
            worker.listener.do_send(ExtractionEnded { slot: worker.slot, lease, outcome });
        }));
    }
}

impl Handler<StopExtraction> for LlmWorker {
    type Result = ();

    fn handle(&mut self, _: StopExtraction, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            work.stop(ctx);
        }
    }
}
