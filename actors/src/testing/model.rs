//! A model of what may happen between two nodes, a store and a receiver, with a crash between any two steps; and what has
//! to be true of it at every step and at the end.
//!
//! A run is a list of steps, each decoded from a number, so that whoever makes and shrinks the lists needs to know nothing
//! of them. [`faulty_store`] shows that the model is worth something: it finds every fault planted there.

mod end;
pub mod faulty_store;
mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::id::JobId;
use crate::domain::job::JobState;
use crate::domain::lease::Lease;
use crate::ports::{Clock, Store, Submission};
use crate::testing::clock::ManualClock;
use crate::testing::contract::LEASE;
use crate::testing::jobs::crawl;
use node::Node;

/// What happens next; `node` is one of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Submit { pages: usize },
    Cancel { job: usize },
    Replay { job: usize },
    Wait { seconds: u64 },
    Sweep,
    Claim { node: usize },
    Renew { node: usize },
    Record { node: usize },
    Settle { node: usize },
    Release { node: usize },
    StartAttempt { node: usize },
    Post { node: usize, taken: bool },
    FinishAttempt { node: usize },
    Crash { node: usize },
}

impl Step {
    pub fn decode(number: u32) -> Self {
        let (node, rest) = ((number / 16 % 2) as usize, number / 32);
        match number % 16 {
            0 | 1 => Self::Submit { pages: 1 + rest as usize % 3 },
            2 => Self::Cancel { job: rest as usize % 4 },
            3 => Self::Replay { job: rest as usize % 4 },
            4 => Self::Wait { seconds: [1, LEASE.as_secs() / 2, LEASE.as_secs()][rest as usize % 3] },
            5 => Self::Sweep,
            6 | 7 => Self::Claim { node },
            8 => Self::Renew { node },
            9 | 10 => Self::Record { node },
            11 => Self::Settle { node },
            12 => Self::Release { node },
            13 => Self::StartAttempt { node },
            14 if rest % 3 == 0 => Self::Crash { node },
            14 => Self::Post { node, taken: rest % 2 == 0 },
            _ => Self::FinishAttempt { node },
        }
    }
}

/// A store under test, its time, and what is to happen to it when a process dies.
pub struct Subject {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    pub crashed: Box<dyn Fn()>,
}

/// A promise that was broken, in words.
pub type Broken = String;

/// What is known of a job from outside.
#[derive(Default)]
struct Known {
    pages: u32,
    /// Pages whose record was acknowledged.
    recorded: BTreeSet<u32>,
    /// The newest lease, while it is good, and when it ends.
    lease: Option<(Lease, Timestamp)>,
    token: u64,
    settled: Option<JobState>,
    /// When the attempt under way ends at the latest.
    sending_until: Option<Timestamp>,
    /// Before when a delivery that was cut short must not be sent again.
    rests_until: Option<Timestamp>,
    /// A receiver said yes.
    taken: bool,
}

/// The run so far.
pub struct World {
    subject: Subject,
    jobs: BTreeMap<JobId, Known>,
    order: Vec<JobId>,
    nodes: [Node; 2],
}

fn broken<T>(what: impl Into<String>) -> Result<T, Broken> {
    Err(what.into())
}

fn ensure(holds: bool, what: &str, job: &JobId) -> Result<(), Broken> {
    if holds { Ok(()) } else { broken(format!("{what}: {job}")) }
}

/// Runs the steps, lets everything come to its end, and says which promise was broken, if one was.
pub async fn run(subject: Subject, steps: &[Step]) -> Result<(), Broken> {
    let nodes = [Node::new("a"), Node::new("b")];
    let mut world = World { subject, jobs: BTreeMap::new(), order: Vec::new(), nodes };
    for (number, step) in steps.iter().enumerate() {
        world.step(*step).await.map_err(|what| format!("step {number}, {step:?}: {what}"))?;
    }
    world.end().await.map_err(|what| format!("at the end: {what}"))
}

impl World {
    async fn step(&mut self, step: Step) -> Result<(), Broken> {
        match step {
            Step::Submit { pages } => self.submit(pages).await,
            Step::Cancel { job } => self.cancel(job).await,
            Step::Replay { job } => self.replay(job).await,
            Step::Wait { seconds } => {
                self.subject.clock.advance(Duration::from_secs(seconds));
                Ok(())
            }
            Step::Sweep => self.subject.store.requeue().await.map(|_| ()).map_err(|error| error.to_string()),
            Step::Claim { node } => self.claim(node).await,
            Step::Renew { node } => self.renew(node).await,
            Step::Record { node } => self.record(node).await,
            Step::Settle { node } => self.settle(node).await,
            Step::Release { node } => self.release(node).await,
            Step::StartAttempt { node } => self.start_attempt(node).await,
            Step::Post { node, taken } => self.post(node, taken),
            Step::FinishAttempt { node } => self.finish_attempt(node).await,
            Step::Crash { node } => {
                self.nodes[node].crash();
                (self.subject.crashed)();
                Ok(())
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.subject.clock.now()
    }

    fn in_a_hold(&self) -> Timestamp {
        self.now().saturating_add(LEASE).unwrap_or(Timestamp::MAX)
    }

    fn known(&mut self, job: &JobId) -> &mut Known {
        self.jobs.entry(job.clone()).or_default()
    }

    async fn submit(&mut self, pages: usize) -> Result<(), Broken> {
        let mut job = crawl(pages);
        // Some of them in another line.
        job.spec.interactive = pages == 2;
        let id = job.id.clone();
        match self.subject.store.submit(job).await {
            Ok(Submission::Admitted) => {}
            other => return broken(format!("a submission was not admitted: {other:?}")),
        }
        self.known(&id).pages = u32::try_from(pages).unwrap_or(u32::MAX);
        self.order.push(id);
        Ok(())
    }

    async fn cancel(&mut self, job: usize) -> Result<(), Broken> {
        let Some(id) = self.order.get(job).cloned() else { return Ok(()) };
        let answer = self.subject.store.cancel(&id, None).await;
        let known = self.known(&id);
        ensure(answer.is_ok() == known.settled.is_none(), "cancelled and settled, or neither", &id)?;
        if answer.is_ok() {
            known.settled = Some(JobState::Cancelled);
            known.lease = None;
        }
        self.agrees(&id).await
    }

    /// A replay asks for the webhook again, also while it is being sent: whether it was taken before does not count any
    /// more, and one that waits does so no longer.
    async fn replay(&mut self, job: usize) -> Result<(), Broken> {
        let Some(id) = self.order.get(job).cloned() else { return Ok(()) };
        let (answer, now) = (self.subject.store.replay(&id, None).await, self.now());
        let known = self.known(&id);
        ensure(answer.is_ok() == known.settled.is_some(), "replayed before it was settled, or not at all", &id)?;
        if answer.is_ok() {
            known.taken = false;
            if known.sending_until.is_none_or(|end| end <= now) {
                known.rests_until = None;
            }
        }
        Ok(())
    }

    /// What the store says of a job is what was acknowledged.
    async fn agrees(&mut self, id: &JobId) -> Result<(), Broken> {
        let job = self.subject.store.job(id, None).await.map_err(|error| error.to_string())?;
        let Some(job) = job else { return broken(format!("forgotten: {id}")) };
        let known = self.known(id);
        match &known.settled {
            Some(state) => {
                ensure(job.state == *state, "not as it was settled", id)?;
                ensure(job.delivery.is_some(), "settled without its webhook", id)
            }
            None => ensure(!job.state.is_settled(), "settled by nobody", id),
        }
    }
}

#[cfg(test)]
mod tests;
