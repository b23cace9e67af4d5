//! A pause for a model that keeps failing, or that asks to be left alone: then nobody asks it until the pause is over.

use std::time::Duration;

use opilio_actors::ports::ModelError;
use tokio::time::Instant;

/// No pause is doubled more often.
const MOST_DOUBLINGS: u32 = 4;

/// What is known of how a model does.
#[derive(Debug)]
pub struct Health {
    failures_before_pause: u32,
    pause: Duration,
    failures: u32,
    pauses: u32,
    resting: Option<Resting>,
}

#[derive(Debug)]
struct Resting {
    until: Instant,
    kind: &'static str,
    reason: String,
    /// Somebody is finding out whether it is well again.
    probed: bool,
}

impl Health {
    pub fn new(failures_before_pause: u32, pause: Duration) -> Self {
        Self { failures_before_pause, pause, failures: 0, pauses: 0, resting: None }
    }

    /// Whether it may be asked now. After a pause one may ask; the others wait for what comes of it.
    pub fn admit(&mut self, now: Instant) -> Result<(), ModelError> {
        let Some(resting) = &mut self.resting else { return Ok(()) };
        let left = resting.until.saturating_duration_since(now);
        if left.is_zero() {
            resting.probed = true;
            // One who never comes back holds up the others no longer than another pause.
            resting.until = now + self.pause;
            return Ok(());
        }
        let wait = if resting.probed { left.min(Duration::from_secs(1)) } else { left };
        Err(ModelError::Resting { wait, kind: resting.kind, reason: resting.reason.clone() })
    }

    /// It answered, whatever the answer was worth.
    pub fn well(&mut self) {
        (self.failures, self.pauses, self.resting) = (0, 0, None);
    }

    /// It did not answer. A wait that it asks for is kept at once; failures are counted.
    pub fn unwell(&mut self, error: &ModelError, now: Instant) {
        self.failures += 1;
        let asked = error.wait();
        if let Some(resting) = self.resting.as_mut().filter(|resting| !resting.probed && now < resting.until) {
            // It was asked before the pause began.
            resting.until = resting.until.max(now + asked.unwrap_or_default());
            return;
        }
        let failing = self.failures >= self.failures_before_pause || self.resting.is_some();
        if asked.is_none() && !failing {
            return;
        }
        let own = if failing { self.pause * (1 << self.pauses.min(MOST_DOUBLINGS)) } else { Duration::ZERO };
        self.pauses += u32::from(failing);
        let (kind, reason) = (error.kind(), error.to_string());
        let until = now + own.max(asked.unwrap_or_default());
        self.resting = Some(Resting { until, kind, reason, probed: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(30);

    fn overloaded() -> ModelError {
        ModelError::Overloaded { who: "x".to_owned(), status: 500, wait: None }
    }

    #[test]
    fn one_that_keeps_failing_is_paused_and_then_asked_once() {
        let (mut health, start) = (Health::new(3, PAUSE), Instant::now());
        for _ in 0..3 {
            assert_eq!(health.admit(start), Ok(()));
            health.unwell(&overloaded(), start);
        }
        let resting = health.admit(start).expect_err("it rests");
        assert_eq!((resting.kind(), resting.wait()), ("overloaded", Some(PAUSE)));
        assert_eq!(health.admit(start + PAUSE), Ok(()));
        assert!(health.admit(start + PAUSE).is_err(), "one asks first");
        health.unwell(&overloaded(), start + PAUSE);
        assert_eq!(health.admit(start + PAUSE).expect_err("it rests").wait(), Some(2 * PAUSE));
        health.well();
        assert_eq!(health.admit(start + PAUSE), Ok(()));
    }

    #[test]
    fn one_who_never_came_back_does_not_keep_it_paused_for_ever() {
        let (mut health, start) = (Health::new(1, PAUSE), Instant::now());
        health.unwell(&overloaded(), start);
        assert_eq!(health.admit(start + PAUSE), Ok(()));
        assert_eq!(health.admit(start + 3 * PAUSE), Ok(()));
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_at_once() {
        let (mut health, start) = (Health::new(5, PAUSE), Instant::now());
        let wait = Some(Duration::from_secs(7));
        health.unwell(&ModelError::RateLimited { who: "x".to_owned(), wait }, start);
        assert_eq!(health.admit(start).expect_err("it rests").wait(), wait);
        assert_eq!(health.admit(start + Duration::from_secs(7)), Ok(()));
    }
}
