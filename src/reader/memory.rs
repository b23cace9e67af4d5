//! A limit on the memory of all pages that are being read.

use std::sync::Arc;

use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fair_semaphore::FairSemaphore;

/// Bytes of one unit, in which memory is reserved.
const UNIT: usize = 1 << 20;
/// Memory that reading needs at least, per byte of a page: its text, its tree and its outputs.
const MIN_FACTOR: usize = 4;
/// Memory that reading needs at most, per byte of a page: small elements take many times their text.
const MAX_FACTOR: usize = 48;

/// Memory for pages that are being read. A page reserves its part before it waits for a thread.
pub struct ReadingMemory {
    units: Arc<Semaphore>,
    total: usize,
    /// Held by the page that reserves next, so that pages of all sizes are served fairly by principal.
    turnstile: Arc<FairSemaphore>,
}

/// The memory of one page, released on drop.
pub struct Reservation(#[allow(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit);

/// The page alone exceeds the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Page of {bytes} bytes needs more memory than limits.reading_memory ({limit} bytes)")]
pub struct TooLarge {
    bytes: usize,
    limit: usize,
}

impl ReadingMemory {
    pub fn new(bytes: usize) -> Self {
        let total = (bytes / UNIT).clamp(2, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { units: Arc::new(Semaphore::new(total)), total, turnstile: FairSemaphore::new(1) }
    }

    /// Waits for the memory of a page with this many bytes: at most half of all, so that one page never stops the others.
    ///
    /// # Errors
    /// The page alone exceeds the limit.
    pub async fn reserve(&self, bytes: usize, queue: &QueueKey) -> Result<Reservation, TooLarge> {
        let limit = self.total * UNIT;
        if bytes.saturating_mul(MIN_FACTOR) > limit {
            return Err(TooLarge { bytes, limit });
        }
        let units = bytes.saturating_mul(MAX_FACTOR).div_ceil(UNIT).clamp(1, self.total / 2);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let _turn = self.turnstile.acquire(queue).await;
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await;
        Ok(Reservation(permit.expect("the semaphore is never closed")))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opilio_actors::domain::id::Principal;
    use tokio::time::timeout;

    use super::*;

    const BRIEF: Duration = Duration::from_millis(20);

    fn queue(name: &str) -> QueueKey {
        QueueKey::batch(Principal::new(name))
    }

    #[tokio::test(start_paused = true)]
    async fn pages_wait_for_memory_and_too_large_ones_fail() {
        let memory = ReadingMemory::new(100 * UNIT);
        let queue = queue("a");
        let large = memory.reserve(20 * UNIT, &queue).await.expect("it gets half");
        let small = memory.reserve(UNIT, &queue).await.expect("48 of the other half");
        assert!(timeout(BRIEF, memory.reserve(UNIT, &queue)).await.is_err());
        drop(large);
        assert!(memory.reserve(UNIT, &queue).await.is_ok());
        drop(small);
        let error = memory.reserve(26 * UNIT, &queue).await.err().expect("it exceeds the limit").to_string();
        assert!(error.starts_with("Page of 27262976 bytes needs more memory"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_pages_of_one_principal_do_not_delay_another() {
        let memory = Arc::new(ReadingMemory::new(100 * UNIT));
        let held = memory.reserve(20 * UNIT, &queue("many")).await.expect("it gets half");
        let other = memory.reserve(20 * UNIT, &queue("many")).await.expect("it gets half");
        for _ in 0..100 {
            let memory = Arc::clone(&memory);
            tokio::spawn(async move { drop(memory.reserve(UNIT, &queue("many")).await) });
        }
        tokio::task::yield_now().await;
        let own = queue("one");
        let one = memory.reserve(UNIT, &own);
        let release = async {
            tokio::task::yield_now().await;
            drop((held, other));
        };
        let (one, ()) = tokio::join!(timeout(BRIEF, one), release);
        assert!(one.expect("it waits for one page at most").is_ok());
    }
}
