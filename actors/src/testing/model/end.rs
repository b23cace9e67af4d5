//! The end of a run: everybody dies, one process comes back and does what is left, and somebody asks for
//! the first job's webhook again; then nothing may be missing.

use std::time::Duration;

use super::node::{Node, everything};
use super::{Broken, Step, World, broken, ensure};
use crate::domain::delivery::DeliveryState;
use crate::testing::contract::LEASE;

/// More than enough for what a run can leave behind.
const ROUNDS: usize = 400;

impl World {
    pub(super) async fn end(mut self) -> Result<(), Broken> {
        self.nodes = [Node::new("last"), Node::new("idle")];
        (self.subject.crashed)();
        self.subject.clock.advance(LEASE);
        let mut replayed = false;
        for _ in 0..ROUNDS {
            if self.is_over().await? {
                if std::mem::replace(&mut replayed, true) {
                    return self.reckon().await;
                }
                self.replay(0).await?;
            }
            let node = 0;
            let work = [Step::Sweep, Step::Claim { node }, Step::Record { node }, Step::Record { node }];
            let ends = [Step::Record { node }, Step::Settle { node }, Step::StartAttempt { node }];
            let tells = [Step::Post { node, taken: true }, Step::FinishAttempt { node }, Step::Wait { seconds: 15 }];
            for step in work.into_iter().chain(ends).chain(tells) {
                self.step(step).await?;
            }
        }
        broken("work is left that nobody finds")
    }

    async fn is_over(&mut self) -> Result<bool, Broken> {
        let store = &self.subject.store;
        let counts = store.counts().await.map_err(|error| error.to_string())?;
        let due = store.due(everything()).await.map_err(|error| error.to_string())?;
        Ok(counts.queued + counts.running + counts.pending_deliveries == 0 && due.is_empty())
    }

    async fn reckon(&mut self) -> Result<(), Broken> {
        for id in self.order.clone() {
            ensure(self.known(&id).settled.is_some(), "never settled", &id)?;
            self.agrees(&id).await?;
            let job = self.subject.store.job(&id, None).await.map_err(|error| error.to_string())?;
            let delivered = job.and_then(|job| job.delivery).map(|delivery| delivery.state);
            ensure(delivered == Some(DeliveryState::Delivered), "its webhook has no good end", &id)?;
            ensure(self.known(&id).taken, "its receiver never took the webhook", &id)?;
        }
        self.subject.clock.advance(Duration::from_secs(1));
        Ok(())
    }
}
