//! A rate that is kept: so much a minute, in advance by what was saved up.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of one minute's worth. Who takes more than there is waits until it has flowed in.
#[derive(Debug)]
pub struct Pace {
    per_minute: f64,
    left: f64,
    since: Instant,
}

impl Pace {
    pub fn new(per_minute: u32, now: Instant) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), left: f64::from(per_minute.max(1)), since: now }
    }

    /// How long it is until `amount` may be used. Nothing is taken.
    pub fn wait(&mut self, amount: f64, now: Instant) -> Duration {
        self.flow(now);
        // What is larger than a whole minute's worth goes when the bucket is full.
        let missing = amount.min(self.per_minute) - self.left;
        Duration::from_secs_f64((missing / self.per_minute * 60.0).max(0.0))
    }

    /// Takes it, now or in advance.
    pub fn take(&mut self, amount: f64, now: Instant) {
        self.flow(now);
        self.left -= amount;
    }

    fn flow(&mut self, now: Instant) {
        let minutes = now.saturating_duration_since(self.since).as_secs_f64() / 60.0;
        self.left = (self.left + minutes * self.per_minute).min(self.per_minute);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_goes_at_once_and_the_rest_in_its_time() {
        let start = Instant::now();
        let mut pace = Pace::new(60, start);
        for _ in 0..60 {
            assert_eq!(pace.wait(1.0, start), Duration::ZERO);
            pace.take(1.0, start);
        }
        assert_eq!(pace.wait(1.0, start).as_millis(), 1000);
        assert_eq!(pace.wait(1.0, start + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn more_than_a_minutes_worth_goes_by_itself() {
        let start = Instant::now();
        let mut pace = Pace::new(60, start);
        assert_eq!(pace.wait(1000.0, start), Duration::ZERO);
        pace.take(1000.0, start);
        assert!(pace.wait(1.0, start) > Duration::from_secs(900));
    }
}
