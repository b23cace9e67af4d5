//! Admits jobs, claims them, hands them to workers, renews their leases, settles them, and replaces dead workers.

mod dispatch;
#[cfg(feature = "testing")]
mod kill_workers;
mod notifications;
mod preemption;
mod settle;
mod ticks;
mod worker_pool;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;
use tokio::sync::Notify;

use self::worker_pool::WorkerPool;
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Interruption, Job};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::retry::Backoff;
use crate::metrics::Metrics;
use crate::ports::{Clock, JobStore, NewJob, Release, StoreError, Submission};
use crate::supervised::{ActorRef, DeathWatch};
use crate::webhook_sender::WebhookSender;
use crate::worker::{JobHandler, SlotId, WorkEnded, Worker};

/// Admit a job. The answer comes after the commit.
#[derive(Debug, Message)]
#[rtype(result = "Result<Submission, StoreError>")]
pub struct SubmitJob {
    pub job: NewJob,
}

/// End a job as cancelled, on behalf of `principal` (`None`: the operator).
#[derive(Debug, Message)]
#[rtype(result = "Result<Job, StoreError>")]
pub struct CancelJob {
    pub job: JobId,
    pub principal: Option<Principal>,
}

/// Claim no more; give running jobs `grace`, then hand them back. The answer comes when nothing runs any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainJobs {
    pub grace: Duration,
}

/// A job is settled, and its webhook, if it has one, is due. A hint: the store knows it too.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobSettled {
    pub job: Arc<Job>,
}

/// A worker begins an attempt at a job.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobStarted {
    pub job: JobId,
}

/// Whom the supervisor tells what happens to jobs.
#[derive(Clone)]
pub struct Listeners {
    pub started: Recipient<JobStarted>,
    pub settled: Recipient<JobSettled>,
    pub sender: ActorRef<WebhookSender>,
}

/// What a supervisor that dies leaves to its successor: the leases it held, so that nobody waits for them to run out, and
/// whether anything is to be begun at all.
#[derive(Clone, Debug, Default)]
pub struct Handover {
    leases: Arc<Mutex<Vec<Lease>>>,
    draining: Arc<AtomicBool>,
}

impl Handover {
    fn leave(&self, leases: Vec<Lease>) {
        *self.leases.lock().unwrap_or_else(PoisonError::into_inner) = leases;
    }

    fn take(&self) -> Vec<Lease> {
        std::mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// What is still to be written at the end of a drain gets so long.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct JobPolicy {
    /// The number of workers of each kind; a kind that is not listed has its default number.
    pub workers: BTreeMap<JobKind, usize>,
    pub lease: Duration,
    pub max_attempts: u32,
    /// Between the attempts of a job.
    pub backoff: Backoff,
    /// An attempt without any progress for so long is broken off.
    pub stall_timeout: Duration,
    /// A job's time from its first start; `None`: no end.
    pub wall_clock: Option<Duration>,
    /// How often the store is looked through for what no message told.
    pub sweep: Duration,
}

/// What the supervisor and its workers work with.
#[derive(Clone)]
pub struct Handlers {
    pub store: Arc<dyn JobStore>,
    pub clock: Arc<dyn Clock>,
    pub pools: Vec<PoolSpec>,
}

/// The worker pool of one kind.
#[derive(Clone)]
pub struct PoolSpec {
    pub kind: JobKind,
    pub handler: Arc<dyn JobHandler>,
    pub workers: usize,
}

pub struct JobSupervisor {
    store: Arc<dyn JobStore>,
    handlers: Handlers,
    node: NodeId,
    policy: JobPolicy,
    listeners: Listeners,
    metrics: Metrics,
    pools: Vec<WorkerPool>,
    sweeping: bool,
    draining: bool,
    /// Leases whose settlement or hand-back is being written.
    writing: Vec<Lease>,
    /// Notified when a drain finds nothing running any more.
    idle: Arc<Notify>,
    handover: Handover,
    _death_watch: DeathWatch,
}

impl JobSupervisor {
    pub fn new(
        handlers: Handlers,
        node: NodeId,
        policy: JobPolicy,
        listeners: Listeners,
        metrics: Metrics,
        handover: Handover,
        death_watch: DeathWatch,
    ) -> Self {
        let store = Arc::clone(&handlers.store);
        let pools = handlers.pools.iter().cloned().map(WorkerPool::new).collect();
        Self {
            store,
            handlers,
            node,
            policy,
            listeners,
            metrics,
            pools,
            sweeping: false,
            draining: handover.is_draining(),
            writing: Vec::new(),
            idle: Arc::default(),
            handover,
            _death_watch: death_watch,
        }
    }

    fn spawn_worker(&self, slot: SlotId, ctx: &mut Context<Self>) -> Addr<Worker> {
        let pool = &self.pools[slot.pool];
        self.metrics.started(pool.kind.worker_name(), slot.generation);
        let (this, on_exit) = (ctx.address(), ctx.address().recipient());
        Worker::new(Arc::clone(&pool.handler), slot, this.recipient(), on_exit).start()
    }

    fn is_idle(&self) -> bool {
        let busy = self.pools.iter().any(|pool| pool.claiming || pool.busy().next().is_some());
        self.writing.is_empty() && !busy
    }

    /// Wakes who waits for the end of a drain.
    fn tell_if_idle(&self) {
        if self.draining && self.is_idle() {
            self.idle.notify_one();
        }
    }

    fn leases(&self) -> Vec<Lease> {
        self.pools.iter().flat_map(WorkerPool::busy).map(|busy| busy.lease.clone()).collect()
    }

    fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        self.pools.iter_mut().for_each(|pool| pool.stop_work(&condition));
    }
}

impl Drop for JobSupervisor {
    fn drop(&mut self) {
        let leases = self.leases().into_iter().chain(self.writing.drain(..)).collect();
        self.stop_work(|_| true);
        self.handover.leave(leases);
    }
}

impl Actor for JobSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for pool in 0..self.pools.len() {
            for index in 0..self.pools[pool].slots.len() {
                let worker = self.spawn_worker(SlotId { pool, index, generation: 0 }, ctx);
                self.pools[pool].slots[index].worker = Some(worker);
            }
        }
        for lease in self.handover.take() {
            let vanished = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
            self.release(lease, vanished, ctx);
        }
        self.start_ticking(ctx);
    }
}

impl Handler<SubmitJob> for JobSupervisor {
    type Result = ResponseFuture<Result<Submission, StoreError>>;

    fn handle(&mut self, SubmitJob { job }: SubmitJob, ctx: &mut Self::Context) -> Self::Result {
        let (store, this, metrics) = (Arc::clone(&self.store), ctx.address(), self.metrics.clone());
        Box::pin(async move {
            let submission = store.submit(job).await?;
            if submission == Submission::Admitted {
                metrics.jobs_submitted.inc();
                this.do_send(ticks::WorkArrived);
            }
            Ok(submission)
        })
    }
}

impl Handler<CancelJob> for JobSupervisor {
    type Result = ResponseActFuture<Self, Result<Job, StoreError>>;

    fn handle(&mut self, CancelJob { job, principal }: CancelJob, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.store);
        let work = async move { store.cancel(&job, principal.as_ref()).await };
        Box::pin(work.into_actor(self).map(|cancelled, this, ctx| {
            if let Ok(job) = &cancelled {
                this.leave(&job.id);
                this.announce(Ok(job.clone()));
                this.claim(ctx);
            }
            cancelled
        }))
    }
}

impl Handler<WorkEnded> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkEnded { slot, lease, outcome }: WorkEnded, ctx: &mut Self::Context) {
        self.end(slot, &lease, outcome, ctx);
    }
}

impl Handler<DrainJobs> for JobSupervisor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, DrainJobs { grace }: DrainJobs, _: &mut Self::Context) -> Self::Result {
        self.handover.begin_drain();
        self.draining = true;
        self.tell_if_idle();
        let idle = Arc::clone(&self.idle);
        // Either way out is a good one: nothing runs any more, or what still runs is handed back.
        let ended = async move { drop(tokio::time::timeout(grace, idle.notified()).await) };
        Box::pin(ended.into_actor(self).then(|(), this, _| {
            let leases = this.leases();
            this.stop_work(|_| true);
            let store = Arc::clone(&this.store);
            // All together, so that the store writes them at once: a stop leaves little time.
            let returned = async move {
                let returned = leases.iter().map(|lease| {
                    let back = Release { interruption: Interruption::Drained, reason: None, delay: Duration::ZERO };
                    store.release(lease, back)
                });
                // One that ended meanwhile is settled; one that cannot be returned is claimed when its lease ends.
                drop(join_all(returned).await);
            };
            let returned = returned.into_actor(this);
            // A claim that was under way is handed back when its answer comes.
            returned.then(|(), this, _| {
                let (idle, is_idle) = (Arc::clone(&this.idle), this.is_idle());
                let last = async move {
                    if !is_idle {
                        let _ = tokio::time::timeout(LAST_WRITES, idle.notified()).await;
                    }
                };
                last.into_actor(this)
            })
        }))
    }
}
