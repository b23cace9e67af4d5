//! Counts the work and the output of one page and stops both at their limits.
//!
//! Work is counted in steps instead of time, so the limit is the same on every machine and in every run. Walking to a
//! node is one step, counted inside [`Tree`](crate::tree::Tree), so no walk is uncounted; work on text is counted by
//! its bytes. The deadline is a second limit, for slow machines and for work that is not counted, such as a regular
//! expression between two matches.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::ReadError;
use crate::limits::Limits;

/// Steps between two looks at the clock.
const STEPS_PER_CLOCK_CHECK: u64 = 4096;
/// Bytes of text that are read, compared or written at the cost of one step.
const BYTES_PER_STEP: usize = 64;

/// The number of steps left, shared by all clones.
#[derive(Clone, Debug)]
pub(crate) struct WorkCounter(Rc<Cell<u64>>);

impl Default for WorkCounter {
    fn default() -> Self {
        Self::with_steps(u64::MAX)
    }
}

impl WorkCounter {
    fn with_steps(steps: u64) -> Self {
        Self(Rc::new(Cell::new(steps)))
    }

    /// Takes one step. Returns false if none is left; the caller then stops, because its result is discarded.
    #[inline]
    pub(crate) fn step(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }

    #[inline]
    pub(crate) fn spend(&self, steps: usize) {
        self.0.set(self.0.get().saturating_sub(steps as u64));
    }

    #[inline]
    pub(crate) fn spend_bytes(&self, bytes: usize) {
        self.spend(bytes / BYTES_PER_STEP);
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.0.get() == 0
    }
}

/// The work, time and output that one page may still use.
pub(crate) struct Budget {
    pub(crate) work: WorkCounter,
    max_work: u64,
    deadline: Option<(Instant, Duration)>,
    /// The clock is checked when at most this many steps are left.
    next_clock_check: Cell<u64>,
    /// Bytes that all outputs together may still have.
    total_left: Cell<usize>,
    /// Bytes that the current output may still have.
    output_left: Cell<usize>,
    output_truncated: Cell<bool>,
}

impl Budget {
    pub(crate) fn start(limits: &Limits) -> Self {
        Self {
            work: WorkCounter::with_steps(limits.max_work),
            max_work: limits.max_work,
            deadline: limits.deadline.map(|limit| (Instant::now(), limit)),
            next_clock_check: Cell::new(limits.max_work.saturating_sub(STEPS_PER_CLOCK_CHECK)),
            total_left: Cell::new(usize::MAX),
            output_left: Cell::new(usize::MAX),
            output_truncated: Cell::new(false),
        }
    }

    /// Takes one step; an error if the work limit or the deadline has been reached.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), ReadError> {
        self.work.step();
        self.check()
    }

    /// An error if the work limit or the deadline has been reached.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        if self.work.0.get() <= self.next_clock_check.get() { self.check_limits() } else { Ok(()) }
    }

    /// [`Self::check`] that always looks at the clock, before work that is not counted.
    pub(crate) fn check_clock(&self) -> Result<(), ReadError> {
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), ReadError> {
        if self.work.is_exhausted() {
            return Err(ReadError::WorkLimit { limit: self.max_work });
        }
        self.next_clock_check.set(self.work.0.get().saturating_sub(STEPS_PER_CLOCK_CHECK));
        match self.deadline {
            Some((start, limit)) if start.elapsed() > limit => Err(ReadError::Deadline { limit }),
            _ => Ok(()),
        }
    }

    /// Limits the bytes that all outputs may have together from now on.
    pub(crate) fn limit_output(&self, bytes: usize) {
        self.total_left.set(bytes);
    }

    /// Begins an output of at most `max` bytes. Returns the bytes that it may have.
    pub(crate) fn begin_output(&self, max: usize) -> usize {
        let limit = max.min(self.total_left.get());
        self.output_left.set(limit);
        limit
    }

    /// Charges `bytes` to the current output. Returns false if they exceed its limit or that of all outputs.
    pub(crate) fn reserve_output(&self, bytes: usize) -> bool {
        let left = self.output_left.get().checked_sub(bytes);
        self.output_left.set(left.unwrap_or(0));
        self.total_left.set(self.total_left.get().saturating_sub(bytes));
        self.output_truncated.set(self.output_truncated.get() || left.is_none());
        left.is_some()
    }

    /// Whether a reservation has failed.
    pub(crate) fn output_truncated(&self) -> bool {
        self.output_truncated.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_bytes_count_against_the_work_limit() {
        let limits = Limits { max_work: 3, deadline: None, ..Limits::default() };
        let budget = Budget::start(&limits);
        assert!(budget.step().is_ok() && budget.work.step());
        budget.work.spend_bytes(63);
        assert!(budget.check().is_ok());
        budget.work.spend_bytes(64);
        let error = budget.check().expect_err("no step is left");
        assert_eq!(error.to_string(), "page exceeds the work limit of 3 steps");
        assert!(!budget.work.step());
    }

    #[test]
    fn failed_reservation_marks_the_output_as_truncated() {
        let budget = Budget::start(&Limits::default());
        assert_eq!(budget.begin_output(10), 10);
        assert!(budget.reserve_output(10) && !budget.output_truncated());
        assert!(!budget.reserve_output(1) && budget.output_truncated());
    }
    #[test]
    fn outputs_share_the_total_limit() {
        let budget = Budget::start(&Limits::default());
        budget.limit_output(15);
        assert_eq!(budget.begin_output(10), 10);
        assert!(budget.reserve_output(9));
        assert_eq!(budget.begin_output(10), 6);
        assert!(budget.reserve_output(6) && !budget.output_truncated());
        assert_eq!(budget.begin_output(10), 0);
    }
}
