//! Starts the actors and keeps them running.

use std::sync::Arc;

use actix::prelude::*;

use crate::crawl_worker::{CrawlPolicy, Crawler};
use crate::domain::id::NodeId;
use crate::http_front::HttpFront;
use crate::job_supervisor::{Handlers, Handover, JobPolicy, JobSupervisor, Listeners};
use crate::llm_worker::{ExtractionPolicy, Extractor};
use crate::metrics::Metrics;
use crate::page_source::PageSource;
use crate::ports::{Clock, LanguageModel, Notification, PageCache, PageFetcher, PageReader, Store, WebhookTransport};
use crate::supervised::{ActorRef, keep};
use crate::webhook_sender::{SenderPolicy, WebhookSender};

/// The outside, as the actors see it.
#[derive(Clone)]
pub struct Dependencies {
    pub store: Arc<dyn Store>,
    pub fetcher: Arc<dyn PageFetcher>,
    pub cache: Arc<dyn PageCache>,
    pub reader: Arc<dyn PageReader>,
    pub transport: Arc<dyn WebhookTransport>,
    pub model: Arc<dyn LanguageModel>,
    pub clock: Arc<dyn Clock>,
}

/// The operator's choices for all actors.
#[derive(Clone, Debug)]
pub struct Policy {
    pub node: NodeId,
    pub jobs: JobPolicy,
    pub crawl: CrawlPolicy,
    pub extraction: ExtractionPolicy,
    pub webhooks: SenderPolicy,
}

/// Where the actors that others talk to are.
pub struct Actors {
    pub front: Addr<HttpFront>,
    pub supervisor: ActorRef<JobSupervisor>,
    pub sender: ActorRef<WebhookSender>,
}

impl Actors {
    /// Passes what other nodes say on to whom it concerns.
    pub fn ears(&self) -> impl Fn(Notification) + 'static {
        let (front, supervisor) = (self.front.clone(), self.supervisor.clone());
        move |notice| {
            front.do_send(notice.clone());
            supervisor.tell(notice);
        }
    }
}

/// Starts everything on the arbiter that calls it. What a former process left behind is found in the store.
pub fn start(dependencies: Dependencies, policy: Policy, metrics: Metrics) -> Actors {
    let (supervisor, sender) = (ActorRef::default(), ActorRef::default());
    let Dependencies { store, fetcher, cache, reader, transport, model, clock } = dependencies;
    let Policy { node, jobs, crawl, extraction, webhooks } = policy;

    let (its_store, its_node, counts) = (Arc::clone(&store), node.clone(), metrics.clone());
    keep(sender.clone(), "webhook_sender", metrics.clone(), move |death_watch| {
        let (store, transport, node) = (Arc::clone(&its_store), Arc::clone(&transport), its_node.clone());
        WebhookSender::new(store, transport, node, webhooks.clone(), counts.clone(), death_watch)
    });

    let front = HttpFront::new(supervisor.clone(), sender.clone()).start();
    let CrawlPolicy { max_retries, backoff, max_result_bytes, .. } = crawl;
    let pages = Arc::new(PageSource { fetcher, cache, reader, max_retries, backoff, max_result_bytes });
    let listener = front.clone().recipient();
    let crawler = Crawler { store: store.clone(), pages, policy: crawl, listener };
    let crawler = Arc::new(crawler);
    let extractor = Extractor::new(Arc::clone(&crawler), model, Arc::clone(&clock), extraction, metrics.clone());
    let handlers = Handlers { store, clock, crawl: crawler, extraction: Arc::new(extractor) };
    let listeners =
        Listeners { started: front.clone().recipient(), settled: front.clone().recipient(), sender: sender.clone() };
    let (counts, handover) = (metrics.clone(), Handover::default());
    keep(supervisor.clone(), "job_supervisor", metrics, move |death_watch| {
        JobSupervisor::new(
            handlers.clone(),
            node.clone(),
            jobs,
            listeners.clone(),
            counts.clone(),
            handover.clone(),
            death_watch,
        )
    });

    Actors { front, supervisor, sender }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
