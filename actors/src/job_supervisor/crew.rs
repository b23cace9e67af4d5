//! The workers of one kind, each in a place of its own, and what they are busy with.

use actix::prelude::*;

use crate::crawl_worker::{CrawlWorker, StartCrawl, StopCrawl};
use crate::domain::id::TaskType;
use crate::domain::lease::Lease;
use crate::llm_worker::{LlmWorker, StartExtraction, StopExtraction};
use crate::ports::Claim;
use crate::worker::Slot;

/// A worker of either kind.
pub enum Hand {
    Crawl(Addr<CrawlWorker>),
    Llm(Addr<LlmWorker>),
}

impl Hand {
    fn start(&self, claim: Claim) {
        match self {
            Self::Crawl(worker) => worker.do_send(StartCrawl { claim }),
            Self::Llm(worker) => worker.do_send(StartExtraction { claim }),
        }
    }

    fn stop(&self) {
        match self {
            Self::Crawl(worker) => worker.do_send(StopCrawl),
            Self::Llm(worker) => worker.do_send(StopExtraction),
        }
    }

    #[cfg(feature = "testing")]
    pub fn kill(&self) {
        use crate::testing::death::Die;
        match self {
            Self::Crawl(worker) => worker.do_send(Die),
            Self::Llm(worker) => worker.do_send(Die),
        }
    }
}

/// One worker's place.
#[derive(Default)]
pub struct Place {
    pub generation: u64,
    pub worker: Option<Hand>,
    pub busy: Option<Lease>,
    /// Of the job it is busy with; 1 for the first.
    pub attempt: u32,
}

impl Place {
    fn is_idle(&self) -> bool {
        self.worker.is_some() && self.busy.is_none()
    }
}

/// All workers of one kind.
pub struct Crew {
    pub places: Vec<Place>,
    /// A claim for them is under way.
    pub claiming: bool,
}

impl Crew {
    /// So many empty places.
    pub fn new(places: usize) -> Self {
        Self { places: std::iter::repeat_with(Place::default).take(places).collect(), claiming: false }
    }

    /// Where a worker of this kind is counted and named.
    pub fn actor_name(task: TaskType) -> &'static str {
        match task {
            TaskType::Crawl => "crawl_worker",
            TaskType::LlmExtraction => "llm_worker",
        }
    }

    pub fn idle(&self) -> usize {
        self.places.iter().filter(|place| place.is_idle()).count()
    }

    /// Gives the job to an idle worker; `false` if there is none.
    pub fn employ(&mut self, claim: Claim) -> bool {
        let idle = self.places.iter_mut().find(|place| place.is_idle());
        let Some(Place { worker: Some(worker), busy, attempt, .. }) = idle else { return false };
        *busy = Some(claim.lease.clone());
        *attempt = claim.job.attempt();
        worker.start(claim);
        true
    }

    /// The place, if the slot's worker still holds it.
    pub fn place(&mut self, slot: Slot) -> Option<&mut Place> {
        self.places.get_mut(slot.place).filter(|place| place.generation == slot.generation)
    }

    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.places.iter().filter_map(|place| place.busy.as_ref())
    }

    /// Stops the work that `condition` picks by its lease: another worker may have the same job by a newer one.
    pub fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        for place in &mut self.places {
            if place.busy.as_ref().is_some_and(&condition) {
                place.busy = None;
                if let Some(worker) = &place.worker {
                    worker.stop();
                }
            }
        }
    }
}
