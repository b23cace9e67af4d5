//! Whether work gets on: it beats whenever something is done, and whoever watches asks how long it has been silent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static HEARTBEAT: Heartbeat;
}

/// Cheap to clone: every clone is the same pulse.
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

    /// What runs in `work`, on its task, beats this pulse.
    pub async fn over<F: Future>(self, work: F) -> F::Output {
        HEARTBEAT.scope(self, work).await
    }
}

/// The work that calls it gets on: a page or an answer is there, or it waits for its turn among others. Outside of any
/// work it does nothing.
pub fn beat() {
    let _ =
        HEARTBEAT.try_with(|heartbeat| *heartbeat.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now());
}

/// Waits for `turn`, which may take as long as there are others before it, and beats meanwhile.
pub async fn while_waiting<F: Future>(turn: F) -> F::Output {
    const EVERY: Duration = Duration::from_secs(1);
    let mut turn = std::pin::pin!(turn);
    loop {
        match tokio::time::timeout(EVERY, &mut turn).await {
            Ok(come) => return come,
            Err(_) => beat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_hangs_falls_silent_and_work_that_waits_for_its_turn_does_not() {
        let heartbeat = Heartbeat::default();
        let hour = Duration::from_secs(3600);
        heartbeat.clone().over(while_waiting(tokio::time::sleep(hour))).await;
        assert!(heartbeat.silent_for() <= Duration::from_secs(1));
        heartbeat.clone().over(tokio::time::sleep(hour)).await;
        assert_eq!(heartbeat.silent_for().as_secs() / 3600, 1);
    }
}
