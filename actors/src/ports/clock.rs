//! The time of day.

use jiff::Timestamp;

/// Where a moment is needed for a person or a stamp. Waiting is measured by the runtime's own monotonic time instead.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// The same, but that it goes on evenly from the start of the process, whoever sets the clock: for what ends or comes
    /// due within the life of a process.
    fn steady(&self) -> Timestamp {
        self.now()
    }
}
