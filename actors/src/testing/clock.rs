//! A clock that goes when it is told to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::ports::Clock;

/// Starts on 2025-10-21 at 10:30 UTC.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(1_761_042_600_000_000) }
    }
}

impl ManualClock {
    pub fn advance(&self, time: Duration) {
        self.micros.fetch_add(i64::try_from(time.as_micros()).expect("tests do not wait for ages"), Ordering::SeqCst);
    }

    pub fn turn_back(&self, time: Duration) {
        self.micros.fetch_sub(i64::try_from(time.as_micros()).expect("tests do not wait for ages"), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(Ordering::SeqCst)).expect("tests stay in range")
    }
}
