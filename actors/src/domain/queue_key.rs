//! Where jobs and pages wait for their turn.

use std::fmt;

use super::id::Principal;

/// Turns go round the lines, in each of which the first goes first. A principal has two, so that nobody who waits for an
/// answer stands behind his own jobs that nobody waits for, and neither of them behind the other for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueKey {
    pub principal: Principal,
    pub interactive: bool,
}

impl QueueKey {
    /// The lines, in the order of their names, that this one's jobs may keep waiting while they hold workers: its own, and
    /// where somebody waits for them, the one of those of its principal that nobody waits for.
    pub fn lets_wait(&self) -> [Self; 2] {
        [Self { interactive: false, ..self.clone() }, self.clone()]
    }

    /// What nobody waits for.
    pub fn batch(principal: Principal) -> Self {
        Self { principal, interactive: false }
    }
}

/// A name that no other line has, as the stores write it down.
impl fmt::Display for QueueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.principal.as_str())?;
        f.write_str(if self.interactive { "\u{1f}attended" } else { "" })
    }
}
