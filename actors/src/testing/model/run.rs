//! Executes a run. At its end both nodes crash, a new process finishes all work and replays one delivery, and nothing may
//! be missing.

use std::time::Duration;

use super::node_steps::all_due;
use super::state::{Node, RunState, Subject, Violation, ensure, violation};
use super::step::Step;
use crate::domain::delivery::DeliveryState;
use crate::testing::contract::LEASE;

/// More than a run can need to finish.
const MAX_ROUNDS: usize = 400;

/// Executes the steps and finishes all work; returns the first violation.
pub async fn run(subject: Subject, steps: &[Step]) -> Result<(), Violation> {
    let mut state = RunState::new(subject);
    for (number, step) in steps.iter().enumerate() {
        state.execute(*step).await.map_err(|what| format!("step {number}, {step:?}: {what}"))?;
    }
    state.finish().await.map_err(|what| format!("at the end: {what}"))
}

impl RunState {
    async fn execute(&mut self, step: Step) -> Result<(), Violation> {
        match step {
            Step::Submit { pages } => self.submit(pages).await,
            Step::Cancel { job } => self.cancel(job).await,
            Step::Replay { job } => self.replay(job).await,
            Step::Wait { seconds } => {
                self.subject.clock.advance(Duration::from_secs(seconds));
                Ok(())
            }
            Step::Sweep => {
                self.subject.store.requeue().await.map_err(|error| error.to_string())?;
                self.expire_leases();
                Ok(())
            }
            Step::Claim { node } => self.claim(node).await,
            Step::Renew { node } => self.renew(node).await,
            Step::Record { node } => self.record(node).await,
            Step::Settle { node } => self.settle(node).await,
            Step::Release { node } => self.release(node).await,
            Step::StartAttempt { node } => self.start_attempt(node).await,
            Step::Post { node, accepted } => {
                self.post(node, accepted);
                Ok(())
            }
            Step::FinishAttempt { node } => self.finish_attempt(node).await,
            Step::Crash { node } => {
                self.nodes[node].crash();
                (self.subject.on_crash)();
                Ok(())
            }
        }
    }

    async fn finish(mut self) -> Result<(), Violation> {
        self.nodes = [Node::new("last"), Node::new("idle")];
        (self.subject.on_crash)();
        self.subject.clock.advance(LEASE);
        let node = 0;
        let round = [
            Step::Sweep,
            Step::Claim { node },
            Step::Record { node },
            Step::Record { node },
            Step::Record { node },
            Step::Settle { node },
            Step::StartAttempt { node },
            Step::Post { node, accepted: true },
            Step::FinishAttempt { node },
            Step::Wait { seconds: LEASE.as_secs() / 2 },
        ];
        let mut replayed = false;
        for _ in 0..MAX_ROUNDS {
            if self.is_idle().await? {
                if std::mem::replace(&mut replayed, true) {
                    return self.check_all().await;
                }
                self.replay(0).await?;
            }
            for step in round {
                self.execute(step).await?;
            }
        }
        violation("unfinished work is never claimed")
    }

    async fn is_idle(&mut self) -> Result<bool, Violation> {
        let store = &self.subject.store;
        let counts = store.counts().await.map_err(|error| error.to_string())?;
        let due = store.due(all_due()).await.map_err(|error| error.to_string())?;
        Ok(counts.queued + counts.running + counts.pending_deliveries == 0 && due.is_empty())
    }

    async fn check_all(&mut self) -> Result<(), Violation> {
        for id in self.jobs.clone() {
            ensure(self.expected(&id).settled.is_some(), "never settled", &id)?;
            self.check_job(&id).await?;
            let job = self.subject.store.job(&id, None).await.map_err(|error| error.to_string())?;
            let delivery = job.and_then(|job| job.delivery).map(|delivery| delivery.state);
            ensure(delivery == Some(DeliveryState::Delivered), "not delivered", &id)?;
            ensure(self.expected(&id).accepted, "delivered, but never accepted by the receiver", &id)?;
        }
        Ok(())
    }
}
