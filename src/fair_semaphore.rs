//! A semaphore that is fair by queue: a released permit goes to the queues in rotation, and within a queue to the first
//! waiter. A principal with a thousand waiting pages delays another principal by at most one of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::oneshot;

#[derive(Debug)]
pub struct FairSemaphore(Mutex<State>);

#[derive(Debug)]
struct State {
    available: usize,
    waiters: HashMap<QueueKey, VecDeque<oneshot::Sender<Permit>>>,
    /// The queues with waiters; the first is served next.
    rotation: VecDeque<QueueKey>,
}

/// Released when dropped.
#[derive(Debug)]
pub struct Permit(Option<Arc<FairSemaphore>>);

impl FairSemaphore {
    pub fn new(permits: usize) -> Arc<Self> {
        let state = State { available: permits, waiters: HashMap::new(), rotation: VecDeque::new() };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Waits for a permit at the end of this queue. Cancel-safe.
    pub async fn acquire(self: &Arc<Self>, queue: &QueueKey) -> Permit {
        let receiver = {
            let mut state = self.state();
            if state.available > 0 {
                state.available -= 1;
                return Permit(Some(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            let waiters = state.waiters.entry(queue.clone()).or_default();
            waiters.push_back(sender);
            if waiters.len() == 1 {
                state.rotation.push_back(queue.clone());
            }
            receiver
        };
        receiver.await.expect("the sender is kept until it has sent the permit")
    }

    pub fn available(&self) -> usize {
        self.state().available
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes the next waiter.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        loop {
            let queue = self.rotation.pop_front()?;
            let waiters = self.waiters.get_mut(&queue)?;
            // Cancelled waiters are skipped, so that they do not use up the turn of their queue.
            let next = std::iter::from_fn(|| waiters.pop_front()).find(|waiter| !waiter.is_closed());
            if waiters.is_empty() {
                self.waiters.remove(&queue);
            } else {
                self.rotation.push_back(queue);
            }
            if next.is_some() {
                return next;
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(semaphore) = self.0.take() else { return };
        let mut permit = Permit(Some(Arc::clone(&semaphore)));
        loop {
            let mut state = semaphore.state();
            let Some(waiter) = state.next() else {
                state.available += 1;
                permit.0 = None;
                return;
            };
            drop(state);
            match waiter.send(permit) {
                Ok(()) => return,
                // Cancelled meanwhile.
                Err(returned) => permit = returned,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opilio_actors::domain::id::Principal;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    const BRIEF: Duration = Duration::from_millis(1);

    fn queue(name: &str) -> QueueKey {
        QueueKey::batch(Principal::new(name))
    }

    /// Waits in these queues, in this order, then releases `held`. Returns the order in which they are served.
    async fn served(semaphore: &Arc<FairSemaphore>, held: Permit, queues: &[&'static str]) -> Vec<&'static str> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for name in queues.iter().copied() {
            let (semaphore, sender) = (Arc::clone(semaphore), sender.clone());
            tokio::spawn(async move {
                let _permit = semaphore.acquire(&queue(name)).await;
                let _ = sender.send(name);
            });
            tokio::task::yield_now().await;
        }
        drop((held, sender));
        let mut served = Vec::new();
        while let Some(name) = receiver.recv().await {
            served.push(name);
        }
        served
    }

    #[tokio::test]
    async fn queues_are_served_in_rotation_and_waiters_in_order() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(&queue("holder")).await;
        let served = served(&semaphore, held, &["a", "a", "a", "b", "c", "b"]).await;
        assert_eq!(served, ["a", "b", "c", "a", "b", "a"]);
        assert_eq!(semaphore.available(), 1);
    }

    #[tokio::test]
    async fn long_queue_delays_another_by_one_permit() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(&queue("holder")).await;
        let mut queues = vec!["many"; 1000];
        queues.push("one");
        let served = served(&semaphore, held, &queues).await;
        assert_eq!(served.iter().position(|name| *name == "one"), Some(1));
        assert_eq!((served.len(), semaphore.available()), (1001, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_waiters_do_not_delay_their_queue() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(&queue("holder")).await;
        for _ in 0..100 {
            assert!(timeout(BRIEF, semaphore.acquire(&queue("cancelled"))).await.is_err());
        }
        let served = served(&semaphore, held, &["other", "other", "other", "cancelled"]).await;
        assert!(served[..2].contains(&"cancelled"), "{served:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_waiters_lose_no_permit() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(&queue("a")).await;
        for _ in 0..3 {
            assert!(timeout(BRIEF, semaphore.acquire(&queue("a"))).await.is_err());
        }
        drop(held);
        assert_eq!(semaphore.available(), 1);
        drop(semaphore.acquire(&queue("b")).await);
        assert_eq!(semaphore.available(), 1);
    }
}
