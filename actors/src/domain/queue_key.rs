//! The queues that jobs wait in.

use std::fmt;

use super::id::Principal;

/// Identifies a queue. Jobs are claimed round-robin over the queues, oldest first within a queue. Each principal has two
/// queues, interactive and batch, so a synchronous request never waits behind that principal's own batch jobs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueKey {
    pub principal: Principal,
    pub interactive: bool,
}

impl QueueKey {
    /// The queues that a running job of this queue does not yield to, ordered by name: its own, and for an interactive job
    /// also its principal's batch queue.
    pub fn does_not_yield_to(&self) -> [Self; 2] {
        [Self { interactive: false, ..self.clone() }, self.clone()]
    }

    pub fn batch(principal: Principal) -> Self {
        Self { principal, interactive: false }
    }
}

/// The queue's name in the stores.
impl fmt::Display for QueueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.principal.as_str())?;
        f.write_str(if self.interactive { "\u{1f}interactive" } else { "" })
    }
}
