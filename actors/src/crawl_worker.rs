//! Crawls one job at a time, its pages side by side.

mod crawl;
mod result_budget;

use std::sync::Arc;

use actix::prelude::*;

pub use crawl::{CrawlPolicy, Crawler};

use crate::domain::id::JobId;
use crate::domain::lease::Lease;
use crate::heartbeat::Heartbeat;
use crate::ports::Claim;
use crate::worker::{ExitGuard, Outcome, Slot, Work, WorkerExited};

/// Crawl this job's missing pages. A worker is asked only while it is idle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartCrawl {
    pub claim: Claim,
    /// Beats while the work gets on.
    pub heartbeat: Heartbeat,
}

/// Leave the job at once; no [`CrawlEnded`] follows.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopCrawl;

/// One more page of a job is written down. A hint: the store knows which.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct PageCrawled {
    pub job: JobId,
}

/// A worker is idle again, and how its job went.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CrawlEnded {
    pub slot: Slot,
    pub lease: Lease,
    pub outcome: Outcome,
}

pub struct CrawlWorker {
    crawler: Arc<Crawler>,
    slot: Slot,
    listener: Recipient<CrawlEnded>,
    work: Option<Work>,
    _exit_guard: ExitGuard,
}

impl CrawlWorker {
    pub fn new(
        crawler: Arc<Crawler>,
        slot: Slot,
        listener: Recipient<CrawlEnded>,
        on_exit: Recipient<WorkerExited>,
    ) -> Self {
        Self { crawler, slot, listener, work: None, _exit_guard: ExitGuard { slot, on_exit } }
    }
}

impl Actor for CrawlWorker {
    type Context = Context<Self>;
}

impl Handler<StartCrawl> for CrawlWorker {
    type Result = ();

    fn handle(&mut self, StartCrawl { claim, heartbeat }: StartCrawl, ctx: &mut Self::Context) {
        let (crawler, lease) = (Arc::clone(&self.crawler), claim.lease.clone());
        let crawl = async move { crawler.run(claim).await };
        self.work = Some(Work::start(lease, heartbeat, crawl, ctx, |worker: &mut Self, outcome| {
            let Some(Work { lease, .. }) = worker.work.take() else { return };
            worker.listener.do_send(CrawlEnded { slot: worker.slot, lease, outcome });
        }));
    }
}

impl Handler<StopCrawl> for CrawlWorker {
    type Result = ();

    fn handle(&mut self, _: StopCrawl, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            work.stop(ctx);
        }
    }
}
