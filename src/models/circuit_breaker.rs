//! A circuit breaker: no requests are sent to a model that keeps failing until its cooldown has ended.

use std::time::Duration;

use opilio_actors::ports::ModelError;
use tokio::time::Instant;

/// A cooldown is at most `2^MAX_DOUBLINGS` times as long as the first.
const MAX_DOUBLINGS: u32 = 4;

/// How long other requests wait while a probe is in progress.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// The circuit breaker of one model.
#[derive(Debug)]
pub struct CircuitBreaker {
    failures_before_cooldown: u32,
    cooldown: Duration,
    /// Consecutive failures.
    failures: u32,
    /// Consecutive cooldowns.
    cooldowns: u32,
    open: Option<Open>,
}

/// The breaker is open: the error that opened it, and until when.
#[derive(Debug)]
struct Open {
    until: Instant,
    kind: &'static str,
    reason: String,
    /// One request is testing whether the model has recovered.
    probing: bool,
}

impl CircuitBreaker {
    pub fn new(failures_before_cooldown: u32, cooldown: Duration) -> Self {
        Self { failures_before_cooldown, cooldown, failures: 0, cooldowns: 0, open: None }
    }

    /// Whether a request can be sent now. After a cooldown one request is the probe; the others wait for its result.
    pub fn admit(&mut self, now: Instant) -> Result<(), ModelError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let remaining = open.until.saturating_duration_since(now);
        if remaining.is_zero() {
            open.probing = true;
            // A probe without a result delays the other requests for one more cooldown at most.
            open.until = now + self.cooldown;
            return Ok(());
        }
        let retry_after = if open.probing { remaining.min(PROBE_WAIT) } else { remaining };
        Err(ModelError::Cooldown { retry_after, kind: open.kind, reason: open.reason.clone() })
    }

    /// Closes the breaker: the model responded.
    pub fn record_success(&mut self) {
        (self.failures, self.cooldowns, self.open) = (0, 0, None);
    }

    /// Opens the breaker if the provider requests a delay, or after enough consecutive failures.
    pub fn record_failure(&mut self, error: &ModelError, now: Instant) {
        self.failures += 1;
        let retry_after = error.retry_after();
        if let Some(open) = self.open.as_mut().filter(|open| !open.probing && now < open.until) {
            // The request was sent before the cooldown began.
            open.until = open.until.max(now + retry_after.unwrap_or_default());
            return;
        }
        let failing = self.failures >= self.failures_before_cooldown || self.open.is_some();
        if retry_after.is_none() && !failing {
            return;
        }
        let cooldown = if failing { self.cooldown * (1 << self.cooldowns.min(MAX_DOUBLINGS)) } else { Duration::ZERO };
        self.cooldowns += u32::from(failing);
        let until = now + cooldown.max(retry_after.unwrap_or_default());
        self.open = Some(Open { until, kind: error.kind(), reason: error.to_string(), probing: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(30);

    fn overloaded() -> ModelError {
        ModelError::Overloaded { model: "x".to_owned(), status: 500, retry_after: None }
    }

    #[test]
    fn repeated_failures_open_the_breaker_and_one_probe_tests_it() {
        let (mut breaker, start) = (CircuitBreaker::new(3, COOLDOWN), Instant::now());
        for _ in 0..3 {
            assert_eq!(breaker.admit(start), Ok(()));
            breaker.record_failure(&overloaded(), start);
        }
        let error = breaker.admit(start).expect_err("it is open");
        assert_eq!((error.kind(), error.retry_after()), ("overloaded", Some(COOLDOWN)));
        assert_eq!(breaker.admit(start + COOLDOWN), Ok(()));
        assert!(breaker.admit(start + COOLDOWN).is_err(), "one probe at a time");
        breaker.record_failure(&overloaded(), start + COOLDOWN);
        let error = breaker.admit(start + COOLDOWN).expect_err("it is open");
        assert_eq!(error.retry_after(), Some(2 * COOLDOWN));
        breaker.record_success();
        assert_eq!(breaker.admit(start + COOLDOWN), Ok(()));
    }

    #[test]
    fn lost_probe_does_not_keep_the_breaker_open() {
        let (mut breaker, start) = (CircuitBreaker::new(1, COOLDOWN), Instant::now());
        breaker.record_failure(&overloaded(), start);
        assert_eq!(breaker.admit(start + COOLDOWN), Ok(()));
        assert_eq!(breaker.admit(start + 3 * COOLDOWN), Ok(()));
    }

    #[test]
    fn requested_delay_opens_the_breaker_at_once() {
        let (mut breaker, start) = (CircuitBreaker::new(5, COOLDOWN), Instant::now());
        let retry_after = Some(Duration::from_secs(7));
        breaker.record_failure(&ModelError::RateLimited { model: "x".to_owned(), retry_after }, start);
        assert_eq!(breaker.admit(start).expect_err("it is open").retry_after(), retry_after);
        assert_eq!(breaker.admit(start + Duration::from_secs(7)), Ok(()));
    }
}
