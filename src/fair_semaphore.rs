//! A number of places, for which callers wait in lines: a place that becomes free goes to the lines in turn, so that
//! who waits with a thousand pages keeps another one waiting for no more than one of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use opilio_actors::domain::queue_key::QueueKey;
use tokio::sync::oneshot;

#[derive(Debug)]
pub struct FairSemaphore(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    lines: HashMap<QueueKey, VecDeque<oneshot::Sender<Permit>>>,
    /// Those that are not empty, in the order of their turns.
    turns: VecDeque<QueueKey>,
}

/// One of the places; dropping it gives it to whose turn it is.
#[derive(Debug)]
pub struct Permit(Option<Arc<FairSemaphore>>);

impl FairSemaphore {
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: places, lines: HashMap::new(), turns: VecDeque::new() })))
    }

    /// Waits at the end of this line. Who gives up waiting leaves nothing behind.
    pub async fn take(self: &Arc<Self>, queue: &QueueKey) -> Permit {
        let waiting = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.free > 0 {
                state.free -= 1;
                return Permit(Some(Arc::clone(self)));
            }
            let (give, waiting) = oneshot::channel();
            let waiting_there = state.lines.entry(queue.clone()).or_default();
            waiting_there.push_back(give);
            if waiting_there.len() == 1 {
                state.turns.push_back(queue.clone());
            }
            waiting
        };
        waiting.await.expect("a line is kept until everybody in it has his place or has left")
    }

    pub fn free(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).free
    }
}

impl State {
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        loop {
            let queue = self.turns.pop_front()?;
            let waiting_there = self.lines.get_mut(&queue)?;
            // Who has given up costs his line no turn.
            let next = std::iter::from_fn(|| waiting_there.pop_front()).find(|next| !next.is_closed());
            if waiting_there.is_empty() {
                self.lines.remove(&queue);
            } else {
                self.turns.push_back(queue);
            }
            if next.is_some() {
                return next;
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(places) = self.0.take() else { return };
        let mut place = Permit(Some(Arc::clone(&places)));
        loop {
            let mut state = places.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(next) = state.next() else {
                state.free += 1;
                place.0 = None;
                return;
            };
            drop(state);
            match next.send(place) {
                Ok(()) => return,
                // He does not wait any more.
                Err(left) => place = left,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opilio_actors::domain::id::Principal;

    use super::*;

    fn queue(name: &str) -> QueueKey {
        QueueKey::batch(Principal::new(name))
    }

    /// Who has waited so far gets a place, in this order.
    async fn order(places: &Arc<FairSemaphore>, waiting: &[&'static str]) -> Vec<&'static str> {
        let held = places.take(&queue("holder")).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for name in waiting.iter().copied() {
            let (places, tell) = (Arc::clone(places), tell.clone());
            tokio::spawn(async move {
                let _place = places.take(&queue(name)).await;
                let _ = tell.send(name);
            });
            tokio::task::yield_now().await;
        }
        drop((held, tell));
        let mut order = Vec::new();
        while let Some(name) = told.recv().await {
            order.push(name);
        }
        order
    }

    #[tokio::test]
    async fn a_place_goes_to_the_callers_in_turn_and_to_each_ones_pages_in_order() {
        let places = FairSemaphore::new(1);
        assert_eq!(order(&places, &["a", "a", "a", "b", "c", "b"]).await, ["a", "b", "c", "a", "b", "a"]);
        assert_eq!(places.free(), 1);
    }

    #[tokio::test]
    async fn who_waits_with_a_thousand_pages_goes_before_another_with_one_of_them() {
        let places = FairSemaphore::new(1);
        let mut waiting = vec!["many"; 1000];
        waiting.push("one");
        let order = order(&places, &waiting).await;
        assert_eq!(order.iter().position(|name| *name == "one"), Some(1));
        assert_eq!((order.len(), places.free()), (1001, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_give_up_cost_the_others_of_their_line_no_turn() {
        let places = FairSemaphore::new(1);
        let held = places.take(&queue("holder")).await;
        for _ in 0..100 {
            assert!(tokio::time::timeout(Duration::from_millis(1), places.take(&queue("impatient"))).await.is_err());
        }
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for name in ["patient", "patient", "patient", "impatient"] {
            let (places, tell) = (Arc::clone(&places), tell.clone());
            tokio::spawn(async move {
                let _place = places.take(&queue(name)).await;
                let _ = tell.send(name);
            });
            tokio::task::yield_now().await;
        }
        drop((held, tell));
        let first = [told.recv().await, told.recv().await];
        assert!(first.contains(&Some("impatient")), "{first:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_leaves_his_place_to_the_next() {
        let places = FairSemaphore::new(1);
        let held = places.take(&queue("a")).await;
        for _ in 0..3 {
            let waits = tokio::time::timeout(Duration::from_secs(1), places.take(&queue("a"))).await;
            assert!(waits.is_err());
        }
        drop(held);
        assert_eq!(places.free(), 1);
        drop(places.take(&queue("b")).await);
        assert_eq!(places.free(), 1);
    }
}
