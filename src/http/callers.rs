//! The callers who wait for jobs: a server that leaves lets them have their answers, or tells them that there is none.

use std::sync::Arc;

use tokio::sync::watch::{Receiver, Sender};

/// Shared by all that clone it.
#[derive(Clone, Debug)]
pub struct Callers(Arc<Sender<bool>>);

/// One of them, until it is dropped.
pub struct Waiting(Receiver<bool>);

impl Default for Callers {
    fn default() -> Self {
        Self(Arc::new(Sender::new(false)))
    }
}

impl Callers {
    pub fn wait(&self) -> Waiting {
        Waiting(self.0.subscribe())
    }

    /// Returns when nobody waits.
    pub async fn gone(&self) {
        self.0.closed().await;
    }

    /// Tells all who wait that the server leaves.
    pub fn send_away(&self) {
        self.0.send_replace(true);
    }
}

impl Waiting {
    pub fn is_sent_away(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the server leaves.
    pub async fn sent_away(&mut self) {
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
        let callers = Callers::default();
        callers.gone().await;
        let mut waiting = callers.wait();
        assert!(!waiting.is_sent_away());
        callers.send_away();
        waiting.sent_away().await;
        assert!(waiting.is_sent_away() && callers.wait().is_sent_away());
        let ((), ()) = tokio::join!(callers.gone(), async { drop(waiting) });
    }
}
