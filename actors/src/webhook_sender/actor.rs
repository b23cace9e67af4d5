//! The sender's state and handlers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::attempt::AttemptRunner;
use super::delay_queue::DelayQueue;
use super::delivery_queues::DeliveryQueues;
use super::messages::{AttemptDelivery, AttemptEnded, DrainDeliveries, ReplayDeliveries, ReplayDelivery, Sweep};
use super::policy::SenderPolicy;
use crate::domain::id::{NodeId, Principal};
use crate::domain::job::Job;
use crate::domain::webhook::Receiver;
use crate::job_supervisor::JobSettled;
use crate::metrics::Metrics;
use crate::ports::{Store, StoreError, WebhookTransport};
use crate::supervised::ExitSignal;

/// The time for writes that are in progress when the grace period ends.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// What a sender and its replacements are created from.
#[derive(Clone)]
pub struct SenderContext {
    pub store: Arc<dyn Store>,
    pub transport: Arc<dyn WebhookTransport>,
    pub node: NodeId,
    pub policy: SenderPolicy,
    pub metrics: Metrics,
}

pub struct WebhookSender {
    pub(super) runner: Arc<AttemptRunner>,
    pub(super) policy: SenderPolicy,
    pub(super) queues: DeliveryQueues,
    pub(super) delayed: DelayQueue,
    /// For the earliest delayed delivery.
    pub(super) timer: Option<(Instant, SpawnHandle)>,
    pub(super) sweeping: bool,
    /// Receivers that may have more due deliveries in the store than in memory.
    pub(super) more_in_store: HashSet<(Principal, Receiver)>,
    pub(super) draining: bool,
    /// Notified when nothing is in flight during a drain.
    idle: Arc<Notify>,
    _exit_signal: ExitSignal,
}

impl WebhookSender {
    pub fn new(context: SenderContext, exit_signal: ExitSignal) -> Self {
        let SenderContext { store, transport, node, policy, metrics } = context;
        let runner = AttemptRunner {
            jobs: store.clone(),
            deliveries: store,
            transport,
            node,
            lease: policy.lease,
            retry: policy.retry.clone(),
            metrics,
            shutdown: CancellationToken::new(),
        };
        Self {
            runner: Arc::new(runner),
            queues: DeliveryQueues::new(&policy),
            policy,
            delayed: DelayQueue::default(),
            timer: None,
            sweeping: false,
            more_in_store: HashSet::new(),
            draining: false,
            idle: Arc::default(),
            _exit_signal: exit_signal,
        }
    }

    fn notify_if_idle(&self) {
        if self.draining && self.queues.in_flight() == 0 {
            self.idle.notify_one();
        }
    }
}

impl Actor for WebhookSender {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Sweep);
        ctx.run_interval(self.policy.sweep, |_, ctx| ctx.notify(Sweep));
    }
}

impl Handler<JobSettled> for WebhookSender {
    type Result = ();

    fn handle(&mut self, JobSettled { job }: JobSettled, ctx: &mut Self::Context) {
        if let Some(due) = job.due_delivery() {
            self.accept(due, ctx);
        }
    }
}

impl Handler<ReplayDelivery> for WebhookSender {
    type Result = ResponseActFuture<Self, Result<Job, StoreError>>;

    fn handle(&mut self, ReplayDelivery { job, principal }: ReplayDelivery, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.runner.deliveries);
        let replayed = async move { store.replay(&job, principal.as_ref()).await };
        Box::pin(replayed.into_actor(self).map(|replayed, this, ctx| {
            if let Some(due) = replayed.as_ref().ok().and_then(Job::due_delivery) {
                this.accept(due, ctx);
            }
            replayed
        }))
    }
}

impl Handler<ReplayDeliveries> for WebhookSender {
    type Result = ResponseActFuture<Self, Result<u64, StoreError>>;

    fn handle(&mut self, ReplayDeliveries { filter }: ReplayDeliveries, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.runner.deliveries);
        let replayed = async move { store.replay_all(filter).await };
        Box::pin(replayed.into_actor(self).map(|replayed, _, ctx| {
            ctx.notify(Sweep);
            replayed
        }))
    }
}

impl Handler<AttemptDelivery> for WebhookSender {
    type Result = ();

    fn handle(&mut self, AttemptDelivery { due }: AttemptDelivery, ctx: &mut Self::Context) {
        let (runner, this) = (Arc::clone(&self.runner), ctx.address());
        // Its own task: an actor polls all its futures at every wake-up, and there may be hundreds of attempts.
        actix::spawn(async move {
            let attempted = due.clone();
            let ended = actix::spawn(async move { runner.attempt(attempted).await }).await;
            this.do_send(ended.unwrap_or_else(|error| {
                warn!(target: "webhook", task_id = %due.job, %error, "webhook attempt panicked");
                AttemptEnded { due, next: None, responded: Some(false), recorded: true }
            }));
        });
    }
}

impl Handler<AttemptEnded> for WebhookSender {
    type Result = ();

    fn handle(&mut self, ended: AttemptEnded, ctx: &mut Self::Context) {
        let AttemptEnded { due, next, responded, recorded } = ended;
        self.queues.finish(&due, responded);
        self.notify_if_idle();
        if let Some(next) = next {
            self.accept(next, ctx);
        }
        // While the store is unavailable, only the periodic sweep reads it.
        let waiting = self.queues.waiting_for(&due.principal, &due.receiver);
        let needs_more = waiting < self.policy.max_in_flight_per_receiver;
        if recorded && needs_more && self.more_in_store.remove(&(due.principal, due.receiver)) {
            ctx.notify(Sweep);
        }
        self.start_attempts(ctx);
    }
}

impl Handler<DrainDeliveries> for WebhookSender {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, DrainDeliveries { grace }: DrainDeliveries, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        self.notify_if_idle();
        let (idle, shutdown) = (Arc::clone(&self.idle), self.runner.shutdown.clone());
        Box::pin(async move {
            if tokio::time::timeout(grace, idle.notified()).await.is_err() {
                shutdown.cancel();
                // An attempt that cannot be recorded in time counts as interrupted.
                let _ = tokio::time::timeout(LAST_WRITES, idle.notified()).await;
            }
        })
    }
}
