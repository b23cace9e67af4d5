//! A clock that only the test advances.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::ports::Clock;

/// Starts at 2025-10-21T10:30:00Z.
#[derive(Debug)]
pub struct ManualClock {
    monotonic_micros: AtomicI64,
    /// The difference between wall-clock and monotonic time.
    offset_micros: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { monotonic_micros: AtomicI64::new(1_761_042_600_000_000), offset_micros: AtomicI64::new(0) }
    }
}

impl ManualClock {
    pub fn advance(&self, time: Duration) {
        self.monotonic_micros.fetch_add(micros(time), Ordering::SeqCst);
    }

    /// Sets the wall clock forward; monotonic time does not change.
    pub fn set_forward(&self, by: Duration) {
        self.offset_micros.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Sets the wall clock back; monotonic time does not change.
    pub fn set_back(&self, by: Duration) {
        self.offset_micros.fetch_sub(micros(by), Ordering::SeqCst);
    }

    /// Sets both clocks back, as a process sees it that starts after the wall clock was set back.
    pub fn set_back_before_start(&self, by: Duration) {
        self.monotonic_micros.fetch_sub(micros(by), Ordering::SeqCst);
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).expect("test times are in range")
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).expect("test times are in range")
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::at(self.monotonic_micros.load(Ordering::SeqCst) + self.offset_micros.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Self::at(self.monotonic_micros.load(Ordering::SeqCst))
    }
}
