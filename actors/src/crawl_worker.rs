//! Crawls one job at a time, its pages side by side.

mod crawl;

use std::sync::Arc;

use actix::prelude::*;
use tokio_util::task::AbortOnDropHandle;

pub use crawl::{CrawlPolicy, Crawler};

use crate::domain::lease::Lease;
use crate::ports::Claim;

/// Crawl this job's missing pages. A worker is asked only while it is idle.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartCrawl {
    pub claim: Claim,
}

/// Leave the job at once; no [`CrawlEnded`] follows.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopCrawl;

/// A worker is idle again, and how its job went.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CrawlEnded {
    pub slot: Slot,
    pub lease: Lease,
    pub outcome: CrawlOutcome,
}

/// A worker is gone without having been asked to.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WorkerDied {
    pub slot: Slot,
}

/// A worker's place, and which worker in a row holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub place: usize,
    pub generation: u64,
}

/// How the work on a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrawlOutcome {
    /// Every page has its record.
    Done,
    /// Somebody else has the job, or it is settled.
    LeaseLost,
    /// It panicked, or the store refused it for good.
    Broke { reason: String },
}

pub struct CrawlWorker {
    crawler: Arc<Crawler>,
    slot: Slot,
    listener: Recipient<CrawlEnded>,
    work: Option<(Lease, AbortOnDropHandle<CrawlOutcome>, SpawnHandle)>,
    _tombstone: Tombstone,
}

impl CrawlWorker {
    pub fn new(
        crawler: Arc<Crawler>,
        slot: Slot,
        listener: Recipient<CrawlEnded>,
        obituary: Recipient<WorkerDied>,
    ) -> Self {
        Self { crawler, slot, listener, work: None, _tombstone: Tombstone { slot, obituary } }
    }
}

impl Actor for CrawlWorker {
    type Context = Context<Self>;
}

impl Handler<StartCrawl> for CrawlWorker {
    type Result = ();

    fn handle(&mut self, StartCrawl { claim }: StartCrawl, ctx: &mut Self::Context) {
        let lease = claim.lease.clone();
        let crawler = Arc::clone(&self.crawler);
        let (done, outcome) = tokio::sync::oneshot::channel();
        let work = AbortOnDropHandle::new(tokio::spawn(async move {
            // The inner task turns a panic into an outcome; dropping this one drops it too.
            let crawl = AbortOnDropHandle::new(tokio::spawn(async move { crawler.run(claim).await }));
            let outcome = crawl.await.unwrap_or_else(|error| CrawlOutcome::Broke { reason: panic_text(error) });
            let _ = done.send(outcome.clone());
            outcome
        }));
        let ended = outcome.into_actor(self).map(|outcome, worker, _| {
            let Some((lease, ..)) = worker.work.take() else { return };
            let lost = CrawlOutcome::Broke { reason: "the work was lost".to_owned() };
            let outcome = outcome.unwrap_or(lost);
            worker.listener.do_send(CrawlEnded { slot: worker.slot, lease, outcome });
        });
        let handle = ctx.spawn(ended);
        self.work = Some((lease, work, handle));
    }
}

impl Handler<StopCrawl> for CrawlWorker {
    type Result = ();

    fn handle(&mut self, _: StopCrawl, ctx: &mut Self::Context) {
        if let Some((_, _, handle)) = self.work.take() {
            ctx.cancel_future(handle);
        }
    }
}

/// Tells of its worker's end, whatever ended it.
struct Tombstone {
    slot: Slot,
    obituary: Recipient<WorkerDied>,
}

impl Drop for Tombstone {
    fn drop(&mut self) {
        self.obituary.do_send(WorkerDied { slot: self.slot });
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else { return "the work was stopped".to_owned() };
    let text = payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref().cloned());
    format!("the work panicked: {}", text.unwrap_or_else(|| "no reason given".to_owned()))
}
