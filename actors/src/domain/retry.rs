//! When to try again. Pure arithmetic: time and chance come in as arguments.

use std::num::NonZeroU32;
use std::time::Duration;

use super::delivery::{AttemptOutcome, RetryDecision};

/// Doubling waits with an upper bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub initial: Duration,
    pub max: Duration,
    /// 0 for none; 0.5 spreads a wait over 75 % to 125 % of itself.
    pub jitter: f64,
}

impl Backoff {
    /// The wait after attempt `attempt` (1 for the first): `initial × 2^(attempt-1)`, at most `max`, spread by `chance`
    /// (0.0 to 1.0).
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(63);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let plain = match u32::try_from(factor) {
            Ok(factor) => self.initial.saturating_mul(factor),
            Err(_) if self.initial.is_zero() => Duration::ZERO,
            Err(_) => self.max,
        };
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (chance.clamp(0.0, 1.0) - 0.5);
        plain.min(self.max).mul_f64(spread).min(self.max)
    }
}

/// How webhooks are retried.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryPolicy {
    pub max_attempts: NonZeroU32,
    pub backoff: Backoff,
    /// Answers to retry besides 5xx, e.g. 429.
    pub retry_statuses: Vec<u16>,
    /// Attempts that may be cut short by a crash of ours before the delivery is given up.
    pub max_interruptions: u32,
}

impl DeliveryPolicy {
    /// How long a delivery rests whose attempts were cut short by the end of their process so many times in a row. A
    /// process that dies again and again does not use up the delivery's interruptions at once.
    pub fn rest(&self, interruptions: u32) -> Duration {
        self.backoff.wait(interruptions, 0.5)
    }

    /// Past half of its interruptions a delivery may be what ended the processes, or have been beside it each time: such
    /// ones are sent one at a time, so that the innocent among them are not given up with the guilty.
    pub fn is_suspect(&self, interruptions: u32) -> bool {
        interruptions > self.max_interruptions / 2
    }

    /// What `outcome` of attempt `attempt` (1 for the first) means for the delivery.
    pub fn next(&self, attempt: u32, outcome: &AttemptOutcome, chance: f64) -> RetryDecision {
        let asked_wait = match outcome {
            AttemptOutcome::Answered { status: 200..=299, .. } => return RetryDecision::Delivered,
            AttemptOutcome::Answered { status, .. } if !self.retries(*status) => return RetryDecision::Refused,
            AttemptOutcome::Unsendable { .. } => return RetryDecision::Refused,
            AttemptOutcome::Answered { retry_after, .. } => *retry_after,
            AttemptOutcome::Failed { .. } => None,
        };
        if attempt >= self.max_attempts.get() {
            return RetryDecision::Exhausted;
        }
        let wait = self.backoff.wait(attempt, chance);
        RetryDecision::RetryIn(asked_wait.map_or(wait, |asked| wait.max(asked.min(self.backoff.max))))
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
    fn the_waits_are_1_2_4_8_seconds_and_then_it_is_over() {
        let steps: Vec<_> = (1..=5).map(|n| policy().next(n, &answered(500, None), 0.7)).collect();
        assert_eq!(steps, [retry_in(1), retry_in(2), retry_in(4), retry_in(8), RetryDecision::Exhausted]);
    }

    #[test]
    fn no_wait_exceeds_the_maximum_however_many_attempts() {
        for attempt in [6, 7, 33, 64, 65, u32::MAX] {
            assert_eq!(policy().backoff.wait(attempt, 1.0), Duration::from_secs(32));
        }
    }

    #[test]
    fn client_errors_and_redirects_are_not_retried() {
        for status in [300, 301, 302, 303, 304, 400, 401, 404, 410, 429, 499, 600] {
            assert_eq!(policy().next(1, &answered(status, None), 0.0), RetryDecision::Refused, "{status}");
        }
        let patient = DeliveryPolicy { retry_statuses: vec![429], ..policy() };
        assert_eq!(patient.next(1, &answered(429, Some(7)), 0.0), retry_in(7));
    }

    #[test]
    fn any_2xx_is_delivery() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(policy().next(5, &answered(status, None), 0.0), RetryDecision::Delivered);
        }
    }

    #[test]
    fn retry_after_lengthens_a_wait_up_to_the_maximum_and_never_shortens_it() {
        assert_eq!(policy().next(1, &answered(503, Some(9)), 0.0), retry_in(9));
        assert_eq!(policy().next(1, &answered(503, Some(3600)), 0.0), retry_in(32));
        assert_eq!(policy().next(4, &answered(503, Some(1)), 0.0), retry_in(8));
    }

    #[test]
    fn ten_deaths_of_the_process_in_quick_succession_exhaust_no_delivery() {
        let rests: Duration = (1..=policy().max_interruptions).map(|n| policy().rest(n)).sum();
        assert_eq!(rests, Duration::from_secs(1 + 2 + 4 + 8 + 16 + 5 * 32));
    }

    #[test]
    fn the_last_attempts_before_a_delivery_is_given_up_are_made_apart_from_others_like_it() {
        let suspects: Vec<_> = (0..=10).filter(|n| policy().is_suspect(*n)).collect();
        assert_eq!(suspects, [6, 7, 8, 9, 10]);
        let strict = DeliveryPolicy { max_interruptions: 1, ..policy() };
        assert!(strict.is_suspect(1) && !strict.is_suspect(0));
    }

    #[test]
    fn jitter_spreads_a_wait_around_itself() {
        let backoff = Backoff { jitter: 0.5, ..policy().backoff };
        assert_eq!(backoff.wait(2, 0.0), Duration::from_millis(1500));
        assert_eq!(backoff.wait(2, 1.0), Duration::from_millis(2500));
    }
}
