//! Whether work gets on: it beats whenever something is done, and whoever watches asks how long it has been silent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static PULSE: Pulse;
}

/// Cheap to clone: every clone is the same pulse.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    pub fn silent_for(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// What runs in `work`, on its task, beats this pulse.
    pub async fn over<F: Future>(self, work: F) -> F::Output {
        PULSE.scope(self, work).await
    }
}

/// The work that calls it gets on: a page or an answer is there, or it waits for its turn among others. Outside of any
/// work it does nothing.
pub fn beat() {
    let _ = PULSE.try_with(|pulse| *pulse.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now());
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
        let pulse = Pulse::default();
        let hour = Duration::from_secs(3600);
        pulse.clone().over(while_waiting(tokio::time::sleep(hour))).await;
        assert!(pulse.silent_for() <= Duration::from_secs(1));
        pulse.clone().over(tokio::time::sleep(hour)).await;
        assert_eq!(pulse.silent_for().as_secs() / 3600, 1);
    }
}
