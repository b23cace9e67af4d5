//! Starts the actors and keeps them running.

use std::sync::Arc;

use actix::prelude::*;

use crate::dependencies::Dependencies;
use crate::http_front::HttpFront;
use crate::job_supervisor::{Handlers, Handover, JobSupervisor, Listeners, PoolSpec};
use crate::kinds::REGISTRATIONS;
use crate::kinds::registration::HandlerContext;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::ports::Notification;
use crate::supervised::{ActorRef, keep};
use crate::webhook_sender::WebhookSender;

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
    let store = Arc::clone(&dependencies.store);

    let (its_store, transport) = (Arc::clone(&store), Arc::clone(&dependencies.transport));
    let (its_node, webhooks, counts) = (policy.node.clone(), policy.webhooks.clone(), metrics.clone());
    keep(sender.clone(), "webhook_sender", metrics.clone(), move |death_watch| {
        let (store, transport, node) = (Arc::clone(&its_store), Arc::clone(&transport), its_node.clone());
        WebhookSender::new(store, transport, node, webhooks.clone(), counts.clone(), death_watch)
    });

    let front = HttpFront::new(supervisor.clone(), sender.clone()).start();
    let page_listener = front.clone().recipient();
    let context = HandlerContext { dependencies, policy, metrics: metrics.clone(), page_listener };
    let pools = REGISTRATIONS.iter().map(|registration| PoolSpec {
        kind: registration.kind,
        handler: (registration.handler)(&context),
        workers: context.policy.jobs.workers.get(&registration.kind).copied().unwrap_or(registration.workers),
    });
    let pools: Vec<_> = pools.collect();
    pools.iter().for_each(|pool| metrics.register_worker(pool.kind.worker_name()));
    let HandlerContext { dependencies: Dependencies { clock, .. }, policy: Policy { node, jobs, .. }, .. } = context;
    let handlers = Handlers { store, clock, pools };
    let listeners =
        Listeners { started: front.clone().recipient(), settled: front.clone().recipient(), sender: sender.clone() };
    let (counts, handover) = (metrics.clone(), Handover::default());
    keep(supervisor.clone(), "job_supervisor", metrics, move |death_watch| {
        JobSupervisor::new(
            handlers.clone(),
            node.clone(),
            jobs.clone(),
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
