//! What crawl workers and LLM workers have in common: a place, one job at a time, and an end that is always told.

use std::any::Any;

use actix::prelude::*;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::id::TaskType;
use crate::domain::lease::Lease;
use crate::heartbeat::Heartbeat;

use std::time::Duration;

/// A worker is gone without having been asked to.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WorkerExited {
    pub slot: Slot,
}

/// A worker's place among those of its kind, and which worker in a row holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub task: TaskType,
    pub place: usize,
    pub generation: u64,
}

/// How the work on a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every page has its record.
    Done,
    /// Somebody else has the job, or it is settled.
    LeaseLost,
    /// It panicked, or the store refused it for good.
    Crashed { reason: String },
    /// What it needs must rest; it should not come again before this has passed.
    Deferred { wait: Duration, reason: String },
    /// Others wait, and it has had its slice; not every page has its record yet.
    Yielded,
}

/// The job that a worker is at. Dropping it ends the work.
pub struct Work {
    pub lease: Lease,
    ended: SpawnHandle,
    _task: AbortOnDropHandle<()>,
}

impl Work {
    /// Runs `work` on a task of its own, turns its panic into an outcome, and tells the worker by `tell`.
    pub fn start<A>(
        lease: Lease,
        heartbeat: Heartbeat,
        work: impl Future<Output = Outcome> + Send + 'static,
        ctx: &mut Context<A>,
        tell: impl FnOnce(&mut A, Outcome) + 'static,
    ) -> Self
    where
        A: Actor<Context = Context<A>>,
    {
        let (done, outcome) = tokio::sync::oneshot::channel();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            // The inner task turns a panic into an outcome; dropping this one drops it too.
            let outcome = AbortOnDropHandle::new(tokio::spawn(heartbeat.over(work))).await;
            // A worker that left its job does not hear of its end.
            let _ = done.send(outcome.unwrap_or_else(|error| Outcome::Crashed { reason: join_text(error) }));
        }));
        let lost = || Outcome::Crashed { reason: "the work was lost".to_owned() };
        let ended = async move { outcome.await.unwrap_or_else(|_| lost()) };
        let ended = actix::fut::wrap_future::<_, A>(ended).map(|outcome, worker: &mut A, _| tell(worker, outcome));
        Self { lease, ended: ctx.spawn(ended), _task: task }
    }

    /// Ends the work; nobody is told.
    pub fn stop<A: Actor<Context = Context<A>>>(self, ctx: &mut Context<A>) {
        ctx.cancel_future(self.ended);
    }
}

/// Tells of its worker's end, whatever ended it.
pub struct ExitGuard {
    pub slot: Slot,
    pub on_exit: Recipient<WorkerExited>,
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.on_exit.do_send(WorkerExited { slot: self.slot });
    }
}

fn join_text(error: tokio::task::JoinError) -> String {
    error.try_into_panic().map_or_else(|_| "the work was stopped".to_owned(), |payload| panic_text(&*payload))
}

/// What a panic said.
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text =
        payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref::<String>().cloned());
    format!("the work panicked: {}", text.unwrap_or_else(|| "no reason given".to_owned()))
}
