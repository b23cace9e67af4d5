//! Extracts for one job at a time; hands it back when its provider must rest.

mod chunked;
mod extract;
mod response_cache;
mod session;

use std::sync::Arc;

use actix::prelude::*;

pub use extract::{ExtractionPolicy, Extractor};
pub use response_cache::AnswerCache;
pub use session::usage_of;

use crate::domain::lease::Lease;
use crate::heartbeat::Heartbeat;
use crate::ports::Claim;
use crate::worker::{ExitGuard, Outcome, Slot, Work, WorkerExited};

/// Extract what this job asks for. A worker is asked only while it is idle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartExtraction {
    pub claim: Claim,
    /// Beats while the work gets on.
    pub heartbeat: Heartbeat,
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
    _exit_guard: ExitGuard,
}

impl LlmWorker {
    pub fn new(
        extractor: Arc<Extractor>,
        slot: Slot,
        listener: Recipient<ExtractionEnded>,
        on_exit: Recipient<WorkerExited>,
    ) -> Self {
        Self { extractor, slot, listener, work: None, _exit_guard: ExitGuard { slot, on_exit } }
    }
}

impl Actor for LlmWorker {
    type Context = Context<Self>;
}

impl Handler<StartExtraction> for LlmWorker {
    type Result = ();

    fn handle(&mut self, StartExtraction { claim, heartbeat }: StartExtraction, ctx: &mut Self::Context) {
        let (extractor, lease) = (Arc::clone(&self.extractor), claim.lease.clone());
        let extraction = async move { extractor.run(claim).await };
        self.work = Some(Work::start(lease, heartbeat, extraction, ctx, |worker: &mut Self, outcome| {
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
