//! Starts the actors and keeps them running.

use std::sync::Arc;

use actix::prelude::*;

use crate::crawl_worker::{CrawlPolicy, Crawler};
use crate::domain::id::NodeId;
use crate::http_front::HttpFront;
use crate::job_supervisor::{JobPolicy, JobSupervisor};
use crate::keeper::{Post, keep};
use crate::metrics::Metrics;
use crate::ports::{JobStore, PageFetcher, PageReader, WebhookTransport};
use crate::webhook_sender::{SenderPolicy, WebhookSender};

/// The outside, as the actors see it.
#[derive(Clone)]
pub struct Outside {
    pub store: Arc<dyn JobStore>,
    pub fetcher: Arc<dyn PageFetcher>,
    pub reader: Arc<dyn PageReader>,
    pub transport: Arc<dyn WebhookTransport>,
}

/// The operator's choices for all actors.
#[derive(Clone, Debug)]
pub struct Policy {
    pub node: NodeId,
    pub jobs: JobPolicy,
    pub crawl: CrawlPolicy,
    pub webhooks: SenderPolicy,
}

/// Where the actors that others talk to are.
pub struct Actors {
    pub front: Addr<HttpFront>,
    pub supervisor: Post<JobSupervisor>,
    pub sender: Post<WebhookSender>,
}

/// Starts everything on the arbiter that calls it. What a former process left behind is found in the store.
pub fn start(outside: Outside, policy: Policy, metrics: Metrics) -> Actors {
    let (supervisor, sender) = (Post::default(), Post::default());
    let Outside { store, fetcher, reader, transport } = outside;
    let Policy { node, jobs, crawl, webhooks } = policy;

    let (its_store, its_node, counts) = (Arc::clone(&store), node.clone(), metrics.clone());
    keep(sender.clone(), "webhook_sender", metrics.clone(), move |tombstone| {
        let (store, transport, node) = (Arc::clone(&its_store), Arc::clone(&transport), its_node.clone());
        WebhookSender::new(store, transport, node, webhooks.clone(), counts.clone(), tombstone)
    });

    let crawler = Arc::new(Crawler { store, fetcher, reader, policy: crawl });
    let (listener, counts) = (sender.clone(), metrics.clone());
    keep(supervisor.clone(), "job_supervisor", metrics, move |tombstone| {
        JobSupervisor::new(Arc::clone(&crawler), node.clone(), jobs, listener.clone(), counts.clone(), tombstone)
    });

    let front = HttpFront::new(supervisor.clone(), sender.clone()).start();
    Actors { front, supervisor, sender }
}
