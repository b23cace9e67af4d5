//! Counts the work that a page causes and what is kept of it, and ends both at their limits.
//!
//! Counting makes the bounds the same on every machine and in every run. A unit is about what it takes to visit a node:
//! every step of a walk over the tree is counted where it is taken ([`Tree`](crate::tree::Tree)), so that nothing that
//! walks can go uncounted; what is done with texts counts by their bytes. The clock is the second line, for what a unit
//! costs on a busy machine and for what no count sees into: a caller's regular expression on its way to the next match.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::{Limits, ReadError};

/// The clock is looked at once in so many units.
const UNITS_A_LOOK: u64 = 4096;
/// As many bytes of text are read, compared or written at the cost of one unit.
const BYTES_A_UNIT: usize = 64;

/// The units that are left, shared by all who spend them.
#[derive(Clone, Debug)]
pub(crate) struct Work(Rc<Cell<u64>>);

impl Default for Work {
    fn default() -> Self {
        Self::of(u64::MAX)
    }
}

impl Work {
    fn of(units: u64) -> Self {
        Self(Rc::new(Cell::new(units)))
    }

    /// Spends one unit; false where none is left. Whoever walks stops there: what it found is no longer asked for.
    #[inline]
    pub(crate) fn step(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }

    #[inline]
    pub(crate) fn spend(&self, units: usize) {
        self.0.set(self.0.get().saturating_sub(units as u64));
    }

    /// So many bytes of text are gone through.
    #[inline]
    pub(crate) fn spend_bytes(&self, bytes: usize) {
        self.spend(bytes / BYTES_A_UNIT);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.get() == 0
    }
}

pub(crate) struct Watch {
    pub(crate) work: Work,
    max_work: u64,
    deadline: Option<(Instant, Duration)>,
    /// The clock is looked at when no more units than these are left.
    look_at: Cell<u64>,
    /// Bytes that lists may still hold.
    room: Cell<usize>,
    full: Cell<bool>,
}

impl Watch {
    pub(crate) fn start(limits: &Limits) -> Self {
        Self {
            work: Work::of(limits.max_work),
            max_work: limits.max_work,
            deadline: limits.deadline.map(|limit| (Instant::now(), limit)),
            look_at: Cell::new(limits.max_work.saturating_sub(UNITS_A_LOOK)),
            room: Cell::new(usize::MAX),
            full: Cell::new(false),
        }
    }

    /// Spends one unit; an error once the work, or the time, is over.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), ReadError> {
        self.work.step();
        self.check()
    }

    /// An error once the work, or the time, is over.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        if self.work.0.get() <= self.look_at.get() { self.look() } else { Ok(()) }
    }

    fn look(&self) -> Result<(), ReadError> {
        if self.work.is_over() {
            return Err(ReadError::WorkLimit { limit: self.max_work });
        }
        self.look_at.set(self.work.0.get().saturating_sub(UNITS_A_LOOK));
        match self.deadline {
            Some((start, limit)) if start.elapsed() > limit => Err(ReadError::Deadline { limit }),
            _ => Ok(()),
        }
    }

    /// Lists may hold so many bytes together from here on.
    pub(crate) fn allow(&self, bytes: usize) {
        self.room.set(bytes);
    }

    /// Whether so many bytes more may be kept in a list.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        let left = self.room.get().checked_sub(bytes);
        self.room.set(left.unwrap_or(0));
        self.full.set(self.full.get() || left.is_none());
        left.is_some()
    }

    /// Something was left out of a list.
    pub(crate) fn is_full(&self) -> bool {
        self.full.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_at_its_limit_wherever_it_was_spent() {
        let limits = Limits { max_work: 3, deadline: None, ..Limits::default() };
        let watch = Watch::start(&limits);
        assert!(watch.step().is_ok() && watch.work.step());
        watch.work.spend_bytes(63);
        assert!(watch.check().is_ok());
        watch.work.spend_bytes(64);
        let error = watch.check().expect_err("it is over");
        assert_eq!(error.to_string(), "page exceeds the work limit of 3 steps");
        assert!(!watch.work.step());
    }

    #[test]
    fn what_is_too_long_for_a_list_is_left_out_and_remembered() {
        let watch = Watch::start(&Limits::default());
        watch.allow(10);
        assert!(watch.has_room_for(10) && !watch.is_full());
        assert!(!watch.has_room_for(1) && watch.is_full());
    }
}
