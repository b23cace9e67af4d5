//! The progress of work: it beats whenever a step is done, and its supervisor measures the silence.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static HEARTBEAT: Heartbeat;
}

/// The time of the last beat. All clones share it.
#[derive(Clone, Debug)]
pub struct Heartbeat(Arc<Mutex<Instant>>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Heartbeat {
    pub fn silent_for(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Runs `work` with this heartbeat as the one of its task.
    pub async fn over<F: Future>(self, work: F) -> F::Output {
        HEARTBEAT.scope(self, work).await
    }
}

/// Beats the heartbeat of the current task, if it has one.
pub fn beat() {
    let _ =
        HEARTBEAT.try_with(|heartbeat| *heartbeat.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now());
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

#[cfg(test)]
mod tests {
    use super::*;

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
