//! The callers who wait for jobs: a server that leaves lets them have their answers, or tells them that there is none.

use std::sync::Arc;

use tokio::sync::watch::{Receiver, Sender};

/// Shared by all that clone it.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<Sender<bool>>);

/// One of them, until it is dropped.
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

    /// Returns when nobody waits.
    pub async fn all_finished(&self) {
        self.0.closed().await;
    }

    /// Tells all who wait that the server leaves.
    pub fn abort(&self) {
        self.0.send_replace(true);
    }
}

impl InFlight {
    pub fn is_aborted(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the server leaves.
    pub async fn aborted(&mut self) {
        // Where there is nobody left who could tell, that is no reason to leave.
        if self.0.wait_for(|leaves| *leaves).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_waited_for_and_told() {
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
