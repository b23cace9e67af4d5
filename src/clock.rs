//! The system clock.

use std::time::Instant;

use jiff::Timestamp;
use opilio_actors::ports::Clock;

/// Wall-clock time, and monotonic time since the start.
pub struct SystemClock {
    started_at: Timestamp,
    started: Instant,
}

impl SystemClock {
    pub fn start() -> Self {
        Self { started_at: Timestamp::now(), started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Timestamp {
        self.started_at.saturating_add(self.started.elapsed()).unwrap_or(Timestamp::MAX)
    }
}
