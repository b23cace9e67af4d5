//! The progress of work, what it waits for, and the request to yield: work beats whenever a step is done, its supervisor
//! measures the silence and can ask it to yield.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static HEARTBEAT: Heartbeat;
}

/// The time of the last beat, what the work waits for, and whether it should yield. All clones share them.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    last_beat: Arc<Mutex<Instant>>,
    /// The waits in progress, each with the number of its waiters.
    waits: Arc<Mutex<BTreeMap<String, usize>>>,
    yield_requested: CancellationToken,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            last_beat: Arc::new(Mutex::new(Instant::now())),
            waits: Arc::default(),
            yield_requested: CancellationToken::new(),
        }
    }
}

impl Heartbeat {
    pub fn silent_for(&self) -> Duration {
        self.last_beat.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// What the work waits for, for users; one of several waits.
    pub fn waits_for(&self) -> Option<String> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).keys().next().cloned()
    }

    /// Asks the work to yield its worker as soon as that wastes no request to a model.
    pub fn request_yield(&self) {
        self.yield_requested.cancel();
    }

    pub fn is_yield_requested(&self) -> bool {
        self.yield_requested.is_cancelled()
    }

    /// Runs `work` with this heartbeat as the one of its task.
    pub async fn over<F: Future>(self, work: F) -> F::Output {
        HEARTBEAT.scope(self, work).await
    }
}

/// Beats the heartbeat of the current task, if it has one.
pub fn beat() {
    let _ = HEARTBEAT.try_with(|heartbeat| {
        *heartbeat.last_beat.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    });
}

/// Whether the current task should yield.
pub fn is_yield_requested() -> bool {
    HEARTBEAT.try_with(Heartbeat::is_yield_requested).unwrap_or(false)
}

/// Returns when the current task should yield.
pub async fn yield_requested() {
    match HEARTBEAT.try_with(|heartbeat| heartbeat.yield_requested.clone()) {
        Ok(requested) => requested.cancelled_owned().await,
        Err(_) => std::future::pending().await,
    }
}

/// Beats while it waits for `permit`: waiting in a queue does not count as a stall.
pub async fn while_waiting<F: Future>(permit: F) -> F::Output {
    const INTERVAL: Duration = Duration::from_secs(1);
    let mut permit = std::pin::pin!(permit);
    loop {
        match tokio::time::timeout(INTERVAL, &mut permit).await {
            Ok(output) => return output,
            Err(_) => beat(),
        }
    }
}

/// [`while_waiting`], and notes meanwhile what the current task waits for.
pub async fn while_waiting_for<F: Future>(what: String, permit: F) -> F::Output {
    let _wait = HEARTBEAT.try_with(|heartbeat| Wait::begin(heartbeat.clone(), what)).ok();
    while_waiting(permit).await
}

/// Ends the wait when it is dropped.
struct Wait {
    heartbeat: Heartbeat,
    what: String,
}

impl Wait {
    fn begin(heartbeat: Heartbeat, what: String) -> Self {
        *heartbeat.waits.lock().unwrap_or_else(PoisonError::into_inner).entry(what.clone()).or_default() += 1;
        Self { heartbeat, what }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = self.heartbeat.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waits.get_mut(&self.what) {
            *count -= 1;
            if *count == 0 {
                waits.remove(&self.what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_are_noted_until_they_end() {
        let heartbeat = Heartbeat::default();
        let permit = async { heartbeat.waits_for() };
        let noted = heartbeat.clone().over(while_waiting_for("a".to_owned(), permit)).await;
        assert_eq!((noted.as_deref(), heartbeat.waits_for()), (Some("a"), None));
        let cancelled = heartbeat.clone().over(while_waiting_for("b".to_owned(), std::future::pending::<()>()));
        assert!(futures_util::FutureExt::now_or_never(cancelled).is_none());
        assert_eq!(heartbeat.waits_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_work_is_silent_and_waiting_work_is_not() {
        let heartbeat = Heartbeat::default();
        let hour = Duration::from_secs(3600);
        heartbeat.clone().over(while_waiting(tokio::time::sleep(hour))).await;
        assert!(heartbeat.silent_for() <= Duration::from_secs(1));
        heartbeat.clone().over(tokio::time::sleep(hour)).await;
        assert_eq!(heartbeat.silent_for().as_secs() / 3600, 1);
    }
}
