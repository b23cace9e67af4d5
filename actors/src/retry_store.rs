//! Writes that must not be given up because the store is away for a while.

use std::time::Duration;

use crate::domain::retry::Backoff;
use crate::heartbeat;
use crate::ports::StoreError;

const RETRY: Backoff = Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(5), jitter: 0.5 };

/// Repeats `write` until the store takes it or refuses it for good. It ends: a store that is back refuses a lease that
/// ran out meanwhile.
pub async fn retry_transient<T, F>(mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut attempt = 1;
    loop {
        match write().await {
            Err(error) if error.is_transient() => {
                // Work that waits for the store does not hang.
                heartbeat::beat();
                tokio::time::sleep(RETRY.delay_after(attempt, fastrand::f64())).await;
                attempt = attempt.saturating_add(1);
            }
            outcome => return outcome,
        }
    }
}
