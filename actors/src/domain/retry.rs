//! When to retry: pure arithmetic that takes time and randomness as arguments.

use std::num::NonZeroU32;
use std::time::Duration;

use super::delivery::{AttemptOutcome, RetryDecision};

/// Exponential back-off with an upper bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
    /// Width of the random spread as a share of the delay: 0 for none, 0.5 for 75 % to 125 %.
    pub jitter: f64,
}

impl Backoff {
    /// The delay after attempt `attempt` (1 for the first): `initial × 2^(attempt-1)`, at most `max`. `random` (0.0 to 1.0)
    /// selects a value within the jitter; 0.5 is the middle.
    pub fn delay_after(&self, attempt: u32, random: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(63);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let delay = match u32::try_from(factor) {
            Ok(factor) => self.initial.saturating_mul(factor),
            Err(_) if self.initial.is_zero() => Duration::ZERO,
            Err(_) => self.max,
        };
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (random.clamp(0.0, 1.0) - 0.5);
        delay.min(self.max).mul_f64(spread).min(self.max)
    }
}

/// How webhooks are retried.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPolicy {
    pub max_attempts: NonZeroU32,
    pub backoff: Backoff,
    /// Statuses to retry in addition to 5xx, e.g. 429.
    pub retry_statuses: Vec<u16>,
    /// Attempts that a crash of Opilio may interrupt before the delivery is given up.
    pub max_interruptions: u32,
}

impl DeliveryPolicy {
    /// The delay after `interruptions` consecutive attempts that ended with their process, so that a crash loop does not
    /// use up the delivery's interruptions at once.
    pub fn delay_after_interruption(&self, interruptions: u32) -> Duration {
        self.backoff.delay_after(interruptions, 0.5)
    }

    /// Whether the delivery may be the cause of the crashes: more than half of its interruptions are used. Suspects are
    /// sent one at a time, so that an unaffected delivery is not given up together with the cause.
    pub fn is_suspect(&self, interruptions: u32) -> bool {
        interruptions > self.max_interruptions / 2
    }

    /// What `outcome` of attempt `attempt` (1 for the first) means for the delivery.
    pub fn decide(&self, attempt: u32, outcome: &AttemptOutcome, random: f64) -> RetryDecision {
        let retry_after = match outcome {
            AttemptOutcome::Answered { status: 200..=299, .. } => return RetryDecision::Delivered,
            AttemptOutcome::Answered { status, .. } if !self.retries(*status) => return RetryDecision::Refused,
            AttemptOutcome::Unsendable { .. } => return RetryDecision::Refused,
            AttemptOutcome::Answered { retry_after, .. } => *retry_after,
            AttemptOutcome::Failed { .. } => None,
        };
        if attempt >= self.max_attempts.get() {
            return RetryDecision::Exhausted;
        }
        let delay = self.backoff.delay_after(attempt, random);
        RetryDecision::RetryIn(retry_after.map_or(delay, |requested| delay.max(requested.min(self.backoff.max))))
    }

    fn retries(&self, status: u16) -> bool {
        (500..=599).contains(&status) || self.retry_statuses.contains(&status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> DeliveryPolicy {
        DeliveryPolicy {
            max_attempts: NonZeroU32::new(5).expect("not zero"),
            backoff: Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(32), jitter: 0.0 },
            retry_statuses: vec![],
            max_interruptions: 10,
        }
    }

    fn answered(status: u16, retry_after: Option<u64>) -> AttemptOutcome {
        AttemptOutcome::Answered { status, retry_after: retry_after.map(Duration::from_secs), excerpt: String::new() }
    }

    fn retry_in(seconds: u64) -> RetryDecision {
        RetryDecision::RetryIn(Duration::from_secs(seconds))
    }

    #[test]
    fn delays_double_until_attempts_are_exhausted() {
        let steps: Vec<_> = (1..=5).map(|n| policy().decide(n, &answered(500, None), 0.7)).collect();
        assert_eq!(steps, [retry_in(1), retry_in(2), retry_in(4), retry_in(8), RetryDecision::Exhausted]);
    }

    #[test]
    fn delay_never_exceeds_the_maximum() {
        for attempt in [6, 7, 33, 64, 65, u32::MAX] {
            assert_eq!(policy().backoff.delay_after(attempt, 1.0), Duration::from_secs(32));
        }
    }

    #[test]
    fn client_errors_and_redirects_are_not_retried() {
        for status in [300, 301, 302, 303, 304, 400, 401, 404, 410, 429, 499, 600] {
            assert_eq!(policy().decide(1, &answered(status, None), 0.0), RetryDecision::Refused, "{status}");
        }
        let with_429 = DeliveryPolicy { retry_statuses: vec![429], ..policy() };
        assert_eq!(with_429.decide(1, &answered(429, Some(7)), 0.0), retry_in(7));
    }

    #[test]
    fn any_2xx_is_delivered() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(policy().decide(5, &answered(status, None), 0.0), RetryDecision::Delivered);
        }
    }

    #[test]
    fn retry_after_lengthens_a_delay_up_to_the_maximum() {
        assert_eq!(policy().decide(1, &answered(503, Some(9)), 0.0), retry_in(9));
        assert_eq!(policy().decide(1, &answered(503, Some(3600)), 0.0), retry_in(32));
        assert_eq!(policy().decide(4, &answered(503, Some(1)), 0.0), retry_in(8), "it never shortens one");
    }

    #[test]
    fn rapid_crashes_do_not_exhaust_a_delivery() {
        let delays: Duration = (1..=policy().max_interruptions).map(|n| policy().delay_after_interruption(n)).sum();
        assert_eq!(delays, Duration::from_secs(1 + 2 + 4 + 8 + 16 + 5 * 32));
    }

    #[test]
    fn delivery_becomes_a_suspect_after_half_its_interruptions() {
        let suspects: Vec<_> = (0..=10).filter(|n| policy().is_suspect(*n)).collect();
        assert_eq!(suspects, [6, 7, 8, 9, 10]);
        let strict = DeliveryPolicy { max_interruptions: 1, ..policy() };
        assert!(strict.is_suspect(1) && !strict.is_suspect(0));
    }

    #[test]
    fn jitter_spreads_a_delay_around_its_value() {
        let backoff = Backoff { jitter: 0.5, ..policy().backoff };
        assert_eq!(backoff.delay_after(2, 0.0), Duration::from_millis(1500));
        assert_eq!(backoff.delay_after(2, 1.0), Duration::from_millis(2500));
    }
}
