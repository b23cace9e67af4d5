//! Sends webhooks, one message an attempt, and schedules its own retries.
//!
//! What is due now waits in a line for each receiver, and the receivers take turns; what is due within the horizon waits
//! in an ordered queue, whose earliest entry is a message that the sender has scheduled to itself. Everything further
//! away, or beyond what the memory is to hold, stays in the store until a sweep brings it in.

mod attempt;
mod body;
mod delay_queue;
mod receiver_queues;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::delivery::{DeliveryState, DueDelivery};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::Job;
use crate::domain::retry::DeliveryPolicy;
use crate::domain::webhook::Receiver;
use crate::job_supervisor::JobSettled;
use crate::metrics::Metrics;
use crate::ports::{DueQuery, ReplayFilter, Store, StoreError, WebhookTransport};
use crate::supervised::DeathWatch;

use attempt::{Ended, Sending};
use delay_queue::DelayQueue;
use receiver_queues::ReceiverQueues;

/// Send a job's webhook again now, by a fresh schedule.
#[derive(Debug, Message)]
#[rtype(result = "Result<Job, StoreError>")]
pub struct ReplayDelivery {
    pub job: JobId,
    pub principal: Option<Principal>,
}

/// Send many jobs' webhooks again now, each by a fresh schedule. The answer is how many.
#[derive(Debug, Message)]
#[rtype(result = "Result<u64, StoreError>")]
pub struct ReplayDeliveries {
    pub filter: ReplayFilter,
}

/// Begin no more attempts. The answer comes when those in flight are over; what is still under way after `grace` is broken
/// off, and sent once more by the next process.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainDeliveries {
    pub grace: Duration,
}

/// What is broken off at the end of a drain gets so long to be written down.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct SenderPolicy {
    pub retry: DeliveryPolicy,
    /// Longer than the transport's time-out: an attempt still open after it was cut short.
    pub lease: Duration,
    pub in_flight: usize,
    pub in_flight_per_receiver: usize,
    /// What is due later than this is left to the store.
    pub horizon: Duration,
    /// So many deliveries wait in memory at most.
    pub held: usize,
    pub sweep: Duration,
}

pub struct WebhookSender {
    sending: Arc<Sending>,
    policy: SenderPolicy,
    queues: ReceiverQueues,
    delayed: DelayQueue,
    alarm: Option<(Instant, SpawnHandle)>,
    sweeping: bool,
    /// Receivers with more waiting in the store than was taken in, as far as is known.
    more_in_store: HashSet<Receiver>,
    draining: bool,
    /// Notified when a drain finds nothing in flight any more.
    idle: Arc<Notify>,
    _death_watch: DeathWatch,
}

impl WebhookSender {
    pub fn new(
        store: Arc<dyn Store>,
        transport: Arc<dyn WebhookTransport>,
        node: NodeId,
        policy: SenderPolicy,
        metrics: Metrics,
        death_watch: DeathWatch,
    ) -> Self {
        let queues = ReceiverQueues::new(&policy);
        let (retry, end) = (policy.retry.clone(), CancellationToken::new());
        let sending = Sending {
            jobs: store.clone(),
            deliveries: store,
            transport,
            node,
            lease: policy.lease,
            retry,
            metrics,
            end,
        };
        Self {
            sending: Arc::new(sending),
            policy,
            queues,
            delayed: DelayQueue::default(),
            alarm: None,
            sweeping: false,
            more_in_store: HashSet::new(),
            draining: false,
            idle: Arc::default(),
            _death_watch: death_watch,
        }
    }

    /// Takes a delivery in, unless the memory is full of others: then a sweep finds it later.
    fn take_in(&mut self, due: DueDelivery, ctx: &mut Context<Self>) {
        let known = self.queues.waiting_at(&due.receiver) + self.delayed.waiting_for(&due.receiver);
        let full = self.queues.waiting() + self.delayed.len() >= self.policy.held || known >= self.share();
        if full || due.wait > self.policy.horizon {
            self.more_in_store.insert(due.receiver);
            return;
        }
        if due.wait.is_zero() {
            self.delayed.forget(&due.job);
            self.queues.join(due);
        } else {
            self.delayed.insert(Instant::now() + due.wait, due);
        }
        self.set_alarm(ctx);
        self.send_next(ctx);
    }

    fn take_in_new(&mut self, found: Vec<DueDelivery>, ctx: &mut Context<Self>) {
        for due in found {
            if !self.queues.knows(&due.job) && !self.delayed.knows(&due.job, due.version) {
                self.more_in_store.insert(due.receiver.clone());
                self.take_in(due, ctx);
            }
        }
    }

    /// So many deliveries of one receiver wait in memory at most, so that it leaves room for the others.
    fn share(&self) -> usize {
        self.policy.in_flight_per_receiver.saturating_mul(4)
    }

    fn send_next(&mut self, ctx: &mut Context<Self>) {
        while !self.draining
            && let Some(due) = self.queues.next()
        {
            ctx.notify(AttemptDelivery { due });
        }
    }

    /// Wakes who waits for the end of a drain.
    fn tell_if_idle(&self) {
        if self.draining && self.queues.in_flight() == 0 {
            self.idle.notify_one();
        }
    }

    /// One alarm, for the earliest.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let earliest = self.delayed.earliest();
        if self.alarm.as_ref().map(|(at, _)| *at) == earliest {
            return;
        }
        if let Some((_, handle)) = self.alarm.take() {
            ctx.cancel_future(handle);
        }
        self.alarm = earliest.map(|at| (at, ctx.notify_later(RetryDue, at.saturating_duration_since(Instant::now()))));
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
        if let Some(due) = due_of(&job) {
            self.take_in(due, ctx);
        }
    }
}

impl Handler<ReplayDelivery> for WebhookSender {
    type Result = ResponseActFuture<Self, Result<Job, StoreError>>;

    fn handle(&mut self, ReplayDelivery { job, principal }: ReplayDelivery, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.sending.deliveries);
        let replay = async move { store.replay(&job, principal.as_ref()).await };
        Box::pin(replay.into_actor(self).map(|replayed, this, ctx| {
            if let Some(due) = replayed.as_ref().ok().and_then(due_of) {
                this.take_in(due, ctx);
            }
            replayed
        }))
    }
}

impl Handler<ReplayDeliveries> for WebhookSender {
    type Result = ResponseActFuture<Self, Result<u64, StoreError>>;

    fn handle(&mut self, ReplayDeliveries { filter }: ReplayDeliveries, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.sending.deliveries);
        let replay = async move { store.replay_all(filter).await };
        Box::pin(replay.into_actor(self).map(|replayed, _, ctx| {
            ctx.notify(Sweep);
            replayed
        }))
    }
}

impl Handler<DrainDeliveries> for WebhookSender {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, DrainDeliveries { grace }: DrainDeliveries, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        self.tell_if_idle();
        let (idle, end) = (Arc::clone(&self.idle), self.sending.end.clone());
        Box::pin(async move {
            if tokio::time::timeout(grace, idle.notified()).await.is_err() {
                end.cancel();
                // What the store does not take in time is cut short, and the next process finds it.
                let _ = tokio::time::timeout(LAST_WRITES, idle.notified()).await;
            }
        })
    }
}

/// A settled job's webhook, due now.
fn due_of(job: &Job) -> Option<DueDelivery> {
    let (delivery, target) = (job.delivery.as_ref()?, job.spec.webhook.as_ref()?);
    let pending = matches!(delivery.state, DeliveryState::Pending { .. });
    pending.then(|| DueDelivery {
        job: job.id.clone(),
        receiver: target.receiver(),
        version: delivery.version,
        interruptions: 0,
        wait: Duration::ZERO,
    })
}

/// Make one attempt. It has its place in flight already.
#[derive(Message)]
#[rtype(result = "()")]
struct AttemptDelivery {
    due: DueDelivery,
}

/// The earliest retry's time has come.
#[derive(Message)]
#[rtype(result = "()")]
struct RetryDue;

/// Look through the store for what no message told.
#[derive(Message)]
#[rtype(result = "()")]
struct Sweep;

impl Handler<AttemptDelivery> for WebhookSender {
    type Result = ();

    fn handle(&mut self, AttemptDelivery { due }: AttemptDelivery, ctx: &mut Self::Context) {
        let sending = Arc::clone(&self.sending);
        let this = ctx.address();
        // The task is its own: an actor polls all its futures at every wake, and here may be hundreds.
        actix::spawn(async move {
            let attempted = due.clone();
            let ended = actix::spawn(async move { sending.attempt(attempted).await }).await;
            this.do_send(ended.unwrap_or_else(|error| {
                warn!(target: "webhook", task_id = %due.job, %error, "webhook attempt broke");
                Ended { due, next: None, answered: false, written: true }
            }));
        });
    }
}

impl Handler<Ended> for WebhookSender {
    type Result = ();

    fn handle(&mut self, Ended { due, next, answered, written }: Ended, ctx: &mut Self::Context) {
        self.queues.leave(&due, answered);
        self.tell_if_idle();
        if let Some(next) = next {
            self.take_in(next, ctx);
        }
        // While the store is away, the next sweep by the clock is soon enough.
        let short = self.queues.waiting_at(&due.receiver) < self.policy.in_flight_per_receiver;
        if written && short && self.more_in_store.remove(&due.receiver) {
            ctx.notify(Sweep);
        }
        self.send_next(ctx);
    }
}

impl Handler<RetryDue> for WebhookSender {
    type Result = ();

    fn handle(&mut self, _: RetryDue, ctx: &mut Self::Context) {
        self.alarm = None;
        let now = Instant::now();
        while let Some(due) = self.delayed.pop_due(now) {
            self.queues.join(due);
        }
        self.set_alarm(ctx);
        self.send_next(ctx);
    }
}

impl Handler<Sweep> for WebhookSender {
    type Result = ();

    fn handle(&mut self, _: Sweep, ctx: &mut Self::Context) {
        let room = self.policy.held.saturating_sub(self.queues.waiting() + self.delayed.len());
        if room == 0 || self.sweeping || self.draining {
            return;
        }
        self.sweeping = true;
        let query = DueQuery {
            horizon: self.policy.horizon,
            limit: room,
            limit_per_receiver: self.share(),
            excluded_receivers: self.queues.crowded(self.share()),
            max_wait: self.policy.retry.backoff.max,
        };
        let store = Arc::clone(&self.sending.deliveries);
        let found = async move { store.due(query).await };
        ctx.spawn(found.into_actor(self).map(|found, this, ctx| {
            this.sweeping = false;
            match found {
                Ok(found) => this.take_in_new(found, ctx),
                Err(error) => warn!(target: "webhook", %error, "webhooks due could not be looked up"),
            }
        }));
    }
}
