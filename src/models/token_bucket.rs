//! A token bucket: a rate per minute with a burst of one minute's amount.

use std::time::Duration;

use tokio::time::Instant;

/// The available amount can be negative: it can be taken in advance.
#[derive(Debug)]
pub struct TokenBucket {
    per_minute: f64,
    available: f64,
    updated: Instant,
}

impl TokenBucket {
    pub fn new(per_minute: u32, now: Instant) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        Self { per_minute, available: per_minute, updated: now }
    }

    /// The time until `amount` is available. An amount larger than the bucket is available when the bucket is full.
    pub fn delay(&mut self, amount: f64, now: Instant) -> Duration {
        self.refill(now);
        let missing = amount.min(self.per_minute) - self.available;
        Duration::from_secs_f64((missing / self.per_minute * 60.0).max(0.0))
    }

    /// Takes `amount`, in advance if necessary.
    pub fn take(&mut self, amount: f64, now: Instant) {
        self.refill(now);
        self.available -= amount;
    }

    fn refill(&mut self, now: Instant) {
        let minutes = now.saturating_duration_since(self.updated).as_secs_f64() / 60.0;
        self.available = (self.available + minutes * self.per_minute).min(self.per_minute);
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minutes_amount_is_available_at_once() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(60, start);
        for _ in 0..60 {
            assert_eq!(bucket.delay(1.0, start), Duration::ZERO);
            bucket.take(1.0, start);
        }
        assert_eq!(bucket.delay(1.0, start).as_millis(), 1000);
        assert_eq!(bucket.delay(1.0, start + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn amount_larger_than_the_bucket_needs_a_full_bucket() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(60, start);
        assert_eq!(bucket.delay(1000.0, start), Duration::ZERO);
        bucket.take(1000.0, start);
        assert!(bucket.delay(1.0, start) > Duration::from_secs(900));
    }
}
