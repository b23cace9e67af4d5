//! The supervisor's state, and its handlers for submission, cancellation and finished work.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::Notify;

use super::events::JobListeners;
use super::handover::Handover;
use super::isolation::Isolation;
use super::messages::{CancelJob, ClaimJobs, SubmitJob};
use super::policy::JobPolicy;
use super::worker_pool::{PoolSpec, WorkerPool};
use crate::domain::id::NodeId;
use crate::domain::job::{Interruption, Job};
use crate::domain::lease::Lease;
use crate::metrics::Metrics;
use crate::ports::{Clock, JobStore, Release, StoreError, Submission};
use crate::supervised::ExitSignal;
use crate::worker::{SlotId, WorkEnded, Worker};

/// What a supervisor and its replacements are created from.
#[derive(Clone)]
pub struct SupervisorContext {
    pub store: Arc<dyn JobStore>,
    pub clock: Arc<dyn Clock>,
    pub node: NodeId,
    pub policy: JobPolicy,
    pub pools: Vec<PoolSpec>,
    pub listeners: JobListeners,
    pub metrics: Metrics,
    pub handover: Handover,
}

pub struct JobSupervisor {
    pub(super) store: Arc<dyn JobStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) node: NodeId,
    pub(super) policy: JobPolicy,
    pub(super) listeners: JobListeners,
    pub(super) metrics: Metrics,
    /// One pool per kind.
    pub(super) pools: Vec<WorkerPool>,
    pub(super) isolation: Isolation,
    pub(super) sweeping: bool,
    pub(super) draining: bool,
    /// Leases whose settlement or release is being written.
    pub(super) writing: Vec<Lease>,
    /// Notified when nothing runs during a drain.
    pub(super) idle: Arc<Notify>,
    pub(super) handover: Handover,
    _exit_signal: ExitSignal,
}

impl JobSupervisor {
    pub fn new(context: SupervisorContext, exit_signal: ExitSignal) -> Self {
        let SupervisorContext { store, clock, node, policy, pools, listeners, metrics, handover } = context;
        Self {
            store,
            clock,
            node,
            policy,
            listeners,
            metrics,
            pools: pools.into_iter().map(WorkerPool::new).collect(),
            isolation: Isolation::default(),
            sweeping: false,
            draining: handover.is_draining(),
            writing: Vec::new(),
            idle: Arc::default(),
            handover,
            _exit_signal: exit_signal,
        }
    }

    pub(super) fn spawn_worker(&self, slot: SlotId, ctx: &Context<Self>) -> Addr<Worker> {
        let pool = &self.pools[slot.pool];
        self.metrics.started(pool.kind.worker_name(), slot.generation);
        let (listener, on_exit) = (ctx.address().recipient(), ctx.address().recipient());
        Worker::new(Arc::clone(&pool.handler), slot, listener, on_exit).start()
    }

    pub(super) fn is_idle(&self) -> bool {
        let busy = self.pools.iter().any(|pool| pool.claiming || pool.assignments().next().is_some());
        self.writing.is_empty() && !busy
    }

    pub(super) fn notify_if_idle(&self) {
        if self.draining && self.is_idle() {
            self.idle.notify_one();
        }
    }

    pub(super) fn leases(&self) -> Vec<Lease> {
        self.pools.iter().flat_map(WorkerPool::assignments).map(|assignment| assignment.lease.clone()).collect()
    }

    pub(super) fn stop_work(&mut self, condition: impl Fn(&Lease) -> bool) {
        self.pools.iter_mut().for_each(|pool| pool.stop_work(&condition));
    }
}

impl Drop for JobSupervisor {
    fn drop(&mut self) {
        let leases = self.leases().into_iter().chain(self.writing.drain(..)).collect();
        self.stop_work(|_| true);
        self.handover.put_leases(leases);
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
        for lease in self.handover.take_leases() {
            let release = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
            self.release(lease, release, ctx);
        }
        self.start_ticks(ctx);
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
                this.do_send(ClaimJobs);
            }
            Ok(submission)
        })
    }
}

impl Handler<CancelJob> for JobSupervisor {
    type Result = ResponseActFuture<Self, Result<Job, StoreError>>;

    fn handle(&mut self, CancelJob { job, principal }: CancelJob, _: &mut Self::Context) -> Self::Result {
        let store = Arc::clone(&self.store);
        let cancelled = async move { store.cancel(&job, principal.as_ref()).await };
        Box::pin(cancelled.into_actor(self).map(|cancelled, this, ctx| {
            if let Ok(job) = &cancelled {
                this.abort_cancelled(&job.id);
                this.publish_settled(Ok(job.clone()));
                this.claim_all(ctx);
            }
            cancelled
        }))
    }
}

impl Handler<WorkEnded> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, WorkEnded { slot, lease, outcome }: WorkEnded, ctx: &mut Self::Context) {
        let (id, pool) = (slot, &mut self.pools[slot.pool]);
        let slot = pool.slot(id);
        let Some(slot) = slot.filter(|slot| slot.assignment.as_ref().is_some_and(|it| it.lease == lease)) else {
            return;
        };
        slot.crashes = 0;
        if let Some(assignment) = slot.assignment.take() {
            pool.close_yielded(id, &assignment);
            self.end_work(assignment, outcome, ctx);
        }
    }
}
