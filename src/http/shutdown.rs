//! Counts the synchronous requests in flight, so that a shutdown can wait for them and abort those that remain.

use std::sync::Arc;

use tokio::sync::watch::{Receiver, Sender};

/// Clones share the count.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<Sender<bool>>);

/// A request in flight, counted until it is dropped.
pub struct InFlight(Receiver<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(Sender::new(false)))
    }
}

impl Shutdown {
    pub fn register(&self) -> InFlight {
        InFlight(self.0.subscribe())
    }

    /// Returns when no request is in flight.
    pub async fn all_finished(&self) {
        self.0.closed().await;
    }

    /// Aborts the requests in flight and all later ones.
    pub fn abort(&self) {
        self.0.send_replace(true);
    }
}

impl InFlight {
    pub fn is_aborted(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the server aborts the request.
    pub async fn aborted(&mut self) {
        // Without a sender the request cannot be aborted.
        if self.0.wait_for(|aborted| *aborted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_in_flight_are_awaited_and_aborted() {
        let shutdown = Shutdown::default();
        shutdown.all_finished().await;
        let mut in_flight = shutdown.register();
        assert!(!in_flight.is_aborted());
        shutdown.abort();
        in_flight.aborted().await;
        assert!(in_flight.is_aborted() && shutdown.register().is_aborted());
        let ((), ()) = tokio::join!(shutdown.all_finished(), async { drop(in_flight) });
    }
}
