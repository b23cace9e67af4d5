//! A count of things in use, which can be awaited.

use tokio::sync::watch;

#[derive(Clone, Debug)]
pub struct Counter(watch::Sender<usize>);

/// Counts one thing until it is dropped.
#[derive(Debug)]
pub struct Counted(watch::Sender<usize>);

impl Default for Counter {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Counter {
    pub fn count(&self) -> Counted {
        self.0.send_modify(|count| *count += 1);
        Counted(self.0.clone())
    }

    /// Waits until the count meets the condition.
    pub async fn wait_for(&self, condition: impl Fn(usize) -> bool) {
        // The sender is part of this value.
        let _ = self.0.subscribe().wait_for(|count| condition(*count)).await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
