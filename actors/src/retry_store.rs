//! Retries of store operations while the store is unavailable.

use std::time::Duration;

use crate::domain::retry::Backoff;
use crate::heartbeat;
use crate::ports::StoreError;

const RETRY: Backoff = Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(5), jitter: 0.5 };

/// Repeats `operation` with back-off until it succeeds or fails permanently. A write under a lease ends at the latest when
/// the store is available again and the lease has expired.
pub async fn retry_transient<T, F>(mut operation: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut attempt = 1;
    loop {
        match operation().await {
            Err(error) if error.is_transient() => {
                // Waiting for the store does not count as a stall.
                heartbeat::beat();
                tokio::time::sleep(RETRY.delay_after(attempt, fastrand::f64())).await;
                attempt = attempt.saturating_add(1);
            }
            result => return result,
        }
    }
}
