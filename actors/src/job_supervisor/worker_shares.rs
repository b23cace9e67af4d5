//! How many workers of a pool each principal and each queue holds.

use std::collections::HashMap;

use crate::domain::id::Principal;
use crate::domain::queue_key::QueueKey;

#[derive(Clone, Debug)]
pub struct WorkerShares {
    workers: usize,
    pub by_principal: HashMap<Principal, usize>,
    by_queue: HashMap<QueueKey, usize>,
}

impl WorkerShares {
    pub fn new(workers: usize) -> Self {
        Self { workers, by_principal: HashMap::new(), by_queue: HashMap::new() }
    }

    pub fn add(&mut self, queue: &QueueKey) {
        *self.by_principal.entry(queue.principal.clone()).or_default() += 1;
        *self.by_queue.entry(queue.clone()).or_default() += 1;
    }

    pub fn held_in(&self, queue: &QueueKey) -> usize {
        self.by_queue.get(queue).copied().unwrap_or(0)
    }

    /// Whether a further job of this queue must wait while others wait: its principal, or for an interactive queue that
    /// queue alone, holds half of the workers.
    pub fn is_used_up(&self, queue: &QueueKey) -> bool {
        let held = match queue.interactive {
            true => self.held_in(queue),
            false => self.by_principal.get(&queue.principal).copied().unwrap_or(0),
        };
        held > 0 && 2 * held >= self.workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_is_used_up_when_it_holds_half_of_the_workers() {
        let batch = QueueKey::batch(Principal::new("a"));
        let interactive = QueueKey { interactive: true, ..batch.clone() };
        let mut shares = WorkerShares::new(4);
        shares.add(&batch);
        assert!(!shares.is_used_up(&batch));
        shares.add(&batch);
        assert!(shares.is_used_up(&batch) && !shares.is_used_up(&interactive));
        shares.add(&interactive);
        shares.add(&interactive);
        assert!(shares.is_used_up(&interactive) && !shares.is_used_up(&QueueKey::batch(Principal::new("b"))));
    }

    #[test]
    fn only_worker_is_available_to_every_queue() {
        let shares = WorkerShares::new(1);
        assert!(!shares.is_used_up(&QueueKey::batch(Principal::new("a"))));
    }
}
