//! How many bytes of one kind may be in memory at the same moment, whoever they belong to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::error::ApiError;

/// So little is not counted: it is bounded by the number of connections, and short answers go on where long ones wait.
pub const SMALL: usize = 1 << 16;

/// Shared by all that clone it.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    taken: AtomicUsize,
    most: usize,
    freed: Notify,
}

/// There is no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExhausted;

impl From<BudgetExhausted> for ApiError {
    fn from(BudgetExhausted: BudgetExhausted) -> Self {
        Self::Unavailable
    }
}

impl MemoryBudget {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { taken: AtomicUsize::new(0), most, freed: Notify::new() }))
    }

    /// For what is still to come.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// The same pieces, which take their room until the last byte of them is dropped. What is too large for any room has
    /// it alone.
    pub fn hold(&self, pieces: Vec<Bytes>) -> Result<Vec<Bytes>, BudgetExhausted> {
        let bytes = pieces.iter().map(Bytes::len).sum();
        if bytes <= SMALL {
            return Ok(pieces);
        }
        let take = |taken: usize| {
            let sum = taken.saturating_add(bytes);
            (taken == 0 || sum <= self.0.most).then_some(sum)
        };
        self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| BudgetExhausted)?;
        let reservation = Arc::new(Reservation { budget: self.clone(), bytes });
        let held = |piece| Bytes::from_owner(Held { piece, _reservation: Arc::clone(&reservation) });
        Ok(pieces.into_iter().map(held).collect())
    }

    /// Returns when something was dropped since, or `patience` is over.
    pub async fn freed(&self, patience: Duration) {
        let _ = timeout(patience, self.0.freed.notified()).await;
    }
}

/// What is taken of a room, until it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// # Errors
    /// There is no room for so many more.
    pub fn grow(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        self.bytes += bytes;
        let before = self.budget.0.taken.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.budget.0.most { Err(BudgetExhausted) } else { Ok(()) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.0.freed.notify_one();
    }
}

/// One of several pieces that share a place.
struct Held {
    piece: Bytes,
    _reservation: Arc<Reservation>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &MemoryBudget) -> usize {
        budget.0.taken.load(Ordering::Relaxed)
    }

    #[test]
    fn those_that_grow_share_a_room_and_leave_it() {
        let budget = MemoryBudget::new(10);
        let (mut first, mut second) = (budget.reserve(), budget.reserve());
        assert!(first.grow(6).is_ok() && second.grow(4).is_ok() && second.grow(1).is_err());
        drop(second);
        assert!(first.grow(4).is_ok());
        drop(first);
        assert_eq!(taken(&budget), 0);
    }

    #[actix_web::test]
    async fn pieces_take_their_room_until_the_last_slice_of_them_is_dropped() {
        let (budget, piece) = (MemoryBudget::new(3 * SMALL), Bytes::from(vec![7; SMALL]));
        let two = budget.hold(vec![piece.clone(), piece.clone()]).expect("there is room");
        assert_eq!(taken(&budget), 2 * SMALL);
        assert_eq!(budget.hold(vec![piece.clone(); 2]).err(), Some(BudgetExhausted));
        let slice = two[1].slice(5..6);
        drop(two);
        assert_eq!((taken(&budget), &slice[..]), (2 * SMALL, &[7][..]));
        let waits = budget.clone();
        let (freed, ()) = tokio::join!(waits.freed(Duration::from_secs(60)), async { drop(slice) });
        assert_eq!((freed, taken(&budget)), ((), 0));
    }

    #[test]
    fn what_is_too_large_for_any_room_has_it_alone_and_what_is_small_is_always_let_in() {
        let budget = MemoryBudget::new(SMALL);
        let large = budget.hold(vec![Bytes::from(vec![0; 5 * SMALL])]).expect("nobody else is there");
        assert!(budget.hold(vec![Bytes::from(vec![0; SMALL + 1])]).is_err());
        assert!(budget.hold(vec![Bytes::from_static(b"small")]).is_ok());
        drop(large);
        assert!(budget.hold(vec![Bytes::from(vec![0; SMALL + 1])]).is_ok());
    }
}
