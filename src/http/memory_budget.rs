//! A limit on the bytes of one kind that are in memory at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::error::ApiError;

/// Responses up to this size are not counted, so that short ones succeed while the budget is exhausted. The connection
/// limit bounds their number.
pub const UNCOUNTED: usize = 1 << 16;

/// Clones share the budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reserved: AtomicUsize,
    limit: usize,
    freed: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExhausted;

impl From<BudgetExhausted> for ApiError {
    fn from(BudgetExhausted: BudgetExhausted) -> Self {
        Self::Unavailable
    }
}

impl MemoryBudget {
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { reserved: AtomicUsize::new(0), limit, freed: Notify::new() }))
    }

    /// An empty reservation that can grow.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Reserves memory for `pieces` until the last slice of them is dropped. Pieces larger than the limit are admitted if
    /// nothing else is reserved.
    pub fn hold(&self, pieces: Vec<Bytes>) -> Result<Vec<Bytes>, BudgetExhausted> {
        let bytes = pieces.iter().map(Bytes::len).sum();
        if bytes <= UNCOUNTED {
            return Ok(pieces);
        }
        let reserve = |reserved: usize| {
            let sum = reserved.saturating_add(bytes);
            (reserved == 0 || sum <= self.0.limit).then_some(sum)
        };
        let reserved = &self.0.reserved;
        reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserve).map_err(|_| BudgetExhausted)?;
        let reservation = Arc::new(Reservation { budget: self.clone(), bytes });
        let held = |piece| Bytes::from_owner(HeldBytes { piece, _reservation: Arc::clone(&reservation) });
        Ok(pieces.into_iter().map(held).collect())
    }

    /// Waits until a reservation is dropped, at most `max_wait`.
    pub async fn wait_freed(&self, max_wait: Duration) {
        let _ = timeout(max_wait, self.0.freed.notified()).await;
    }
}

/// A part of a budget, returned on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// # Errors
    /// The budget is exhausted.
    pub fn grow(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        self.bytes += bytes;
        let before = self.budget.0.reserved.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.budget.0.limit { Err(BudgetExhausted) } else { Ok(()) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.reserved.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.0.freed.notify_one();
    }
}

/// One of several pieces that share a reservation.
struct HeldBytes {
    piece: Bytes,
    _reservation: Arc<Reservation>,
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(budget: &MemoryBudget) -> usize {
        budget.0.reserved.load(Ordering::Relaxed)
    }

    #[test]
    fn growing_reservations_share_the_budget() {
        let budget = MemoryBudget::new(10);
        let (mut first, mut second) = (budget.reserve(), budget.reserve());
        assert!(first.grow(6).is_ok() && second.grow(4).is_ok() && second.grow(1).is_err());
        drop(second);
        assert!(first.grow(4).is_ok());
        drop(first);
        assert_eq!(reserved(&budget), 0);
    }

    #[actix_web::test]
    async fn pieces_are_counted_until_their_last_slice_is_dropped() {
        let (budget, piece) = (MemoryBudget::new(3 * UNCOUNTED), Bytes::from(vec![7; UNCOUNTED]));
        let two = budget.hold(vec![piece.clone(), piece.clone()]).expect("within the budget");
        assert_eq!(reserved(&budget), 2 * UNCOUNTED);
        assert_eq!(budget.hold(vec![piece.clone(); 2]).err(), Some(BudgetExhausted));
        let slice = two[1].slice(5..6);
        drop(two);
        assert_eq!((reserved(&budget), &slice[..]), (2 * UNCOUNTED, &[7][..]));
        let waiting = budget.clone();
        tokio::join!(waiting.wait_freed(Duration::from_secs(60)), async { drop(slice) });
        assert_eq!(reserved(&budget), 0);
    }

    #[test]
    fn oversized_pieces_are_admitted_alone_and_small_ones_always() {
        let budget = MemoryBudget::new(UNCOUNTED);
        let large = budget.hold(vec![Bytes::from(vec![0; 5 * UNCOUNTED])]).expect("nothing else is reserved");
        assert!(budget.hold(vec![Bytes::from(vec![0; UNCOUNTED + 1])]).is_err());
        assert!(budget.hold(vec![Bytes::from_static(b"small")]).is_ok());
        drop(large);
        assert!(budget.hold(vec![Bytes::from(vec![0; UNCOUNTED + 1])]).is_ok());
    }
}
