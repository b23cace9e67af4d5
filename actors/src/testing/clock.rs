//! A clock that goes when it is told to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::ports::Clock;

/// Starts on 2025-10-21 at 10:30 UTC.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
    /// By how much somebody has set it, forward or back.
    set_by: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(1_761_042_600_000_000), set_by: AtomicI64::new(0) }
    }
}

impl ManualClock {
    pub fn advance(&self, time: Duration) {
        self.micros.fetch_add(micros(time), Ordering::SeqCst);
    }

    /// Somebody sets it forward; no time passes.
    pub fn set_forward(&self, by: Duration) {
        self.set_by.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Somebody sets it back; no time passes.
    pub fn set_back(&self, by: Duration) {
        self.set_by.fetch_sub(micros(by), Ordering::SeqCst);
    }

    /// As another process finds it that starts after somebody has set it back: its steady time begins there, too.
    pub fn set_back_for_good(&self, by: Duration) {
        self.micros.fetch_sub(micros(by), Ordering::SeqCst);
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).expect("tests stay in range")
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).expect("tests do not wait for ages")
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::at(self.micros.load(Ordering::SeqCst) + self.set_by.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Self::at(self.micros.load(Ordering::SeqCst))
    }
}
