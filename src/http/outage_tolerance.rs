//! How long a synchronous request tolerates an unavailable store.

use std::time::Duration;

use opilio_actors::ports::StoreError;
use tokio::time::Instant;

/// Longer than a restart of the store or a lost connection.
const TOLERANCE: Duration = Duration::from_secs(30);

pub struct OutageTolerance {
    last_response: Instant,
}

impl OutageTolerance {
    /// Starts with an available store.
    pub fn new() -> Self {
        Self { last_response: Instant::now() }
    }

    /// Whether the read failed because of an outage that is still tolerated. The caller then retries.
    pub fn tolerates<T>(&mut self, read: &Result<T, StoreError>) -> bool {
        if !matches!(read, Err(StoreError::Unavailable(_))) {
            *self = Self::new();
            return false;
        }
        self.last_response.elapsed() < TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn outage_is_tolerated_for_thirty_seconds_since_the_last_response() {
        let unavailable = || Err::<(), _>(StoreError::Unavailable("connection lost".to_owned()));
        let second = Duration::from_secs(1);
        let mut tolerance = OutageTolerance::new();
        advance(29 * second).await;
        assert!(tolerance.tolerates(&unavailable()));
        assert!(!tolerance.tolerates(&Ok(())));
        advance(29 * second).await;
        assert!(tolerance.tolerates(&unavailable()), "the store responded meanwhile");
        advance(second).await;
        assert!(!tolerance.tolerates(&unavailable()));
        assert!(!tolerance.tolerates::<()>(&Err(StoreError::Damaged("a job".to_owned()))));
    }
}
