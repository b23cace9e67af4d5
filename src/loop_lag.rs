//! How late the thread of the actors is: the delay of a timer on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

/// Time between two measurements.
const INTERVAL: Duration = Duration::from_millis(100);
/// A longer lag is logged.
const LOGGED: Duration = Duration::from_secs(1);
/// How long the largest lag is reported.
const REPORTED: Duration = Duration::from_secs(60);

/// The lag of the actors' thread. Clones share the measurements.
#[derive(Clone, Debug)]
pub struct LoopLag(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    measured: Instant,
    largest: Duration,
    largest_at: Instant,
}

impl LoopLag {
    /// Without measurements: the lag since `measured`.
    pub fn since(measured: Instant) -> Self {
        Self(Arc::new(Mutex::new(State { measured, largest: Duration::ZERO, largest_at: measured })))
    }

    /// Measures the thread that calls this, which has an actix system, as long as it runs.
    pub fn measure() -> Self {
        let lag = Self::since(Instant::now());
        let measured = lag.clone();
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                measured.record(Instant::now());
            }
        });
        lag
    }

    fn record(&self, now: Instant) {
        let lag = self.current();
        let mut state = self.state();
        state.measured = now;
        if lag >= state.largest || now.duration_since(state.largest_at) > REPORTED {
            (state.largest, state.largest_at) = (lag, now);
        }
        drop(state);
        if lag > LOGGED {
            warn!(target: "actors", ?lag, "actor loop lagged");
        }
    }

    /// The lag at this moment: the time since the measurement that is due.
    pub fn current(&self) -> Duration {
        self.state().measured.elapsed().saturating_sub(INTERVAL)
    }

    /// The largest lag of about the last minute.
    pub fn largest(&self) -> Duration {
        let recent = { self.state().largest };
        recent.max(self.current())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn blocked_thread_is_measured() {
        let lag = LoopLag::measure();
        tokio::time::sleep(INTERVAL * 2).await;
        std::thread::sleep(INTERVAL * 5);
        assert!(lag.current() >= INTERVAL * 3, "{lag:?}");
        tokio::time::sleep(INTERVAL * 2).await;
        assert!(lag.largest() >= INTERVAL * 3, "{lag:?}");
    }
}
