//! The worker actor: runs one job at a time through the handler of its kind and reports how the work ended.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::lease::Lease;
use crate::heartbeat::Heartbeat;
use crate::ports::{Claim, StoreError};

/// Starts work on a claimed job. Sent to idle workers only.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartWork {
    pub claim: Claim,
    /// Beats while the work makes progress.
    pub heartbeat: Heartbeat,
}

/// Aborts the current work. No [`WorkEnded`] follows.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopWork;

/// A worker is idle again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WorkEnded {
    pub slot: SlotId,
    pub lease: Lease,
    pub outcome: Outcome,
}

/// A worker exited without having been retired.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WorkerExited {
    pub slot: SlotId,
}

/// A worker's slot in its pool. `generation` counts the workers that have occupied it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId {
    /// The index of the pool.
    pub pool: usize,
    pub index: usize,
    pub generation: u64,
}

/// How the work on a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every page has its record.
    Done,
    /// Another worker holds the job, or it is settled.
    LeaseLost,
    /// The work panicked, or the store rejected a write permanently.
    Crashed { reason: String },
    /// A provider is unavailable; the job is not claimed again before `delay` has passed.
    Deferred { delay: Duration, reason: String },
    /// The time slice is used up while other jobs wait; some pages have no record yet.
    Yielded,
}

impl From<StoreError> for Outcome {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            other => Self::Crashed { reason: other.to_string() },
        }
    }
}

/// Does the work of one kind of job. Shared by all workers of the kind.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// Works on the claimed job until it is done or cannot continue. The worker may drop the future at any await point.
    async fn run(&self, claim: Claim) -> Outcome;

    /// Whether running jobs of this kind may be aborted, or asked to yield, for other principals' jobs.
    fn is_preemptible(&self) -> bool {
        false
    }
}

/// Holds one job at a time.
pub struct Worker {
    handler: Arc<dyn JobHandler>,
    slot: SlotId,
    listener: Recipient<WorkEnded>,
    work: Option<Work>,
    _exit_guard: ExitGuard,
}

/// Dropping it aborts the work.
struct Work {
    lease: Lease,
    ended: SpawnHandle,
    _task: AbortOnDropHandle<()>,
}

impl Worker {
    pub fn new(
        handler: Arc<dyn JobHandler>,
        slot: SlotId,
        listener: Recipient<WorkEnded>,
        on_exit: Recipient<WorkerExited>,
    ) -> Self {
        Self { handler, slot, listener, work: None, _exit_guard: ExitGuard { slot, on_exit } }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Handler<StartWork> for Worker {
    type Result = ();

    fn handle(&mut self, StartWork { claim, heartbeat }: StartWork, ctx: &mut Self::Context) {
        let (handler, lease) = (Arc::clone(&self.handler), claim.lease.clone());
        let (task, outcome) = spawn(heartbeat, async move { handler.run(claim).await });
        let ended = outcome.into_actor(self).map(|outcome, worker, _| {
            if let Some(Work { lease, .. }) = worker.work.take() {
                worker.listener.do_send(WorkEnded { slot: worker.slot, lease, outcome });
            }
        });
        self.work = Some(Work { lease, ended: ctx.spawn(ended), _task: task });
    }
}

impl Handler<StopWork> for Worker {
    type Result = ();

    fn handle(&mut self, _: StopWork, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            ctx.cancel_future(work.ended);
        }
    }
}

/// Runs `work` on its own task, where a panic becomes an outcome. Dropping the handle aborts the work.
fn spawn(
    heartbeat: Heartbeat,
    work: impl Future<Output = Outcome> + Send + 'static,
) -> (AbortOnDropHandle<()>, impl Future<Output = Outcome>) {
    let (done, outcome) = oneshot::channel();
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        // The runtime catches a panic of the inner task; dropping the outer task aborts the inner one.
        let outcome = AbortOnDropHandle::new(tokio::spawn(heartbeat.over(work))).await;
        // The worker stops listening when its work is aborted.
        let _ = done.send(outcome.unwrap_or_else(|error| Outcome::Crashed { reason: join_error_text(error) }));
    }));
    let lost = || Outcome::Crashed { reason: "the work was lost".to_owned() };
    (task, async move { outcome.await.unwrap_or_else(|_| lost()) })
}

/// Reports the worker's exit when it is dropped, whatever the cause.
struct ExitGuard {
    slot: SlotId,
    on_exit: Recipient<WorkerExited>,
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.on_exit.do_send(WorkerExited { slot: self.slot });
    }
}

fn join_error_text(error: JoinError) -> String {
    error.try_into_panic().map_or_else(|_| "the work was aborted".to_owned(), |payload| panic_text(&*payload))
}

/// The message of a panic.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text =
        payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the work panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
