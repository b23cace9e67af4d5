//! The time of day.

use jiff::Timestamp;

/// Where a moment is needed for a person or a stamp. Waiting is measured by the runtime's own monotonic time instead.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}
