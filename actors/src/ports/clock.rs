//! The current time.

use jiff::Timestamp;

/// Time for timestamps. Delays are measured by the runtime's monotonic clock instead.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// The start time of the process plus its monotonic age, so changes of the system clock have no effect: for expiry and
    /// due times within the life of a process.
    fn steady(&self) -> Timestamp {
        self.now()
    }
}
