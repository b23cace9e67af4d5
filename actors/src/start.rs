//! Starts the actors.

use std::sync::Arc;

use actix::prelude::*;

use crate::dependencies::Dependencies;
use crate::http_front::HttpFront;
use crate::job_supervisor::{Handover, JobListeners, JobSupervisor, PoolSpec, SupervisorContext};
use crate::kinds::REGISTRATIONS;
use crate::kinds::registration::{HandlerContext, Registration};
use crate::llm_worker::{ModelExtractor, SessionContext};
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::ports::Notification;
use crate::supervised::{ActorRef, supervise};
use crate::webhook_sender::{SenderContext, WebhookSender};

/// References to the actors.
pub struct Actors {
    pub front: Addr<HttpFront>,
    pub supervisor: ActorRef<JobSupervisor>,
    pub sender: ActorRef<WebhookSender>,
}

impl Actors {
    /// A function that passes notifications of other nodes on to the actors.
    pub fn notification_handler(&self) -> impl Fn(Notification) + 'static {
        let (front, supervisor) = (self.front.clone(), self.supervisor.clone());
        move |notification| {
            front.do_send(notification.clone());
            supervisor.notify(notification);
        }
    }
}

/// Starts the actors on the current arbiter. They find unfinished work of earlier processes in the store.
pub fn start(dependencies: Dependencies, policy: Policy, metrics: Metrics) -> Actors {
    let (supervisor, sender) = (ActorRef::default(), ActorRef::default());
    let context = SenderContext {
        store: Arc::clone(&dependencies.store),
        transport: Arc::clone(&dependencies.transport),
        node: policy.node.clone(),
        policy: policy.webhooks.clone(),
        metrics: metrics.clone(),
    };
    supervise(sender.clone(), "webhook_sender", metrics.clone(), move |exit_signal| {
        WebhookSender::new(context.clone(), exit_signal)
    });

    let front = HttpFront::new(supervisor.clone(), sender.clone()).start();
    let page_listener = front.clone().recipient();
    let extractor = Arc::new(model_extractor(&dependencies, &policy, metrics.clone()));
    let context = HandlerContext { dependencies, policy, metrics: metrics.clone(), page_listener, extractor };
    let context = SupervisorContext {
        pools: pools(&context),
        store: context.dependencies.store,
        clock: context.dependencies.clock,
        node: context.policy.node,
        policy: context.policy.jobs,
        listeners: JobListeners {
            started: front.clone().recipient().into(),
            settled: vec![front.clone().recipient().into(), sender.subscriber()],
        },
        metrics: context.metrics,
        handover: Handover::default(),
    };
    supervise(supervisor.clone(), "job_supervisor", metrics, move |exit_signal| {
        JobSupervisor::new(context.clone(), exit_signal)
    });

    Actors { front, supervisor, sender }
}

fn model_extractor(dependencies: &Dependencies, policy: &Policy, metrics: Metrics) -> ModelExtractor {
    let Dependencies { store, model, clock, .. } = dependencies.clone();
    ModelExtractor::new(SessionContext { store, model, clock, policy: policy.extraction, metrics })
}

/// One worker pool for each registered kind.
fn pools(context: &HandlerContext) -> Vec<PoolSpec> {
    let pool = |registration: &Registration| {
        let kind = registration.kind;
        context.metrics.register_worker(kind.worker_name());
        let workers = context.policy.jobs.workers.get(&kind).copied().unwrap_or(registration.workers);
        PoolSpec { kind, handler: (registration.handler)(context), workers }
    };
    REGISTRATIONS.iter().map(pool).collect()
}

#[cfg(all(test, feature = "testing"))]
mod tests;
