//! How long whoever waits for a job bears with a store that is away.

use std::time::Duration;

use opilio_actors::ports::StoreError;
use tokio::time::Instant;

/// A store that is restarted, or whose line is cut, is there again within this time; one that is not is away.
const LONGEST: Duration = Duration::from_secs(30);

pub struct OutageTolerance {
    /// When the store last answered.
    heard: Instant,
}

impl OutageTolerance {
    /// It has just answered.
    pub fn new() -> Self {
        Self { heard: Instant::now() }
    }

    /// Whether what the store says, or does not say, is no answer yet.
    pub fn tolerates<T>(&mut self, said: &Result<T, StoreError>) -> bool {
        if !matches!(said, Err(StoreError::Unavailable(_))) {
            *self = Self::new();
            return false;
        }
        self.heard.elapsed() < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_may_be_away_for_half_a_minute_since_it_last_answered() {
        let away = || Err::<(), _>(StoreError::Unavailable("away".to_owned()));
        let second = Duration::from_secs(1);
        let mut outage_tolerance = OutageTolerance::new();
        advance(29 * second).await;
        assert!(outage_tolerance.tolerates(&away()));
        assert!(!outage_tolerance.tolerates(&Ok(())));
        advance(29 * second).await;
        assert!(outage_tolerance.tolerates(&away()), "it was there in between");
        advance(second).await;
        assert!(!outage_tolerance.tolerates(&away()));
        assert!(!outage_tolerance.tolerates::<()>(&Err(StoreError::Damaged("a job".to_owned()))));
    }
}
