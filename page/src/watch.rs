//! Keeps an eye on the time that a page takes.

use std::cell::Cell;
use std::time::Instant;

use crate::{Limits, Unreadable};

/// The clock is looked at once in this many steps.
const STEPS_A_LOOK: u32 = 512;

pub(crate) struct Watch {
    limits: Option<(Instant, std::time::Duration)>,
    steps: Cell<u32>,
}

impl Watch {
    pub(crate) fn start(limits: &Limits) -> Self {
        Self { limits: limits.deadline.map(|bound| (Instant::now(), bound)), steps: Cell::new(0) }
    }

    /// One small step of work was done; an error once the time is over.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), Unreadable> {
        let steps = self.steps.get() + 1;
        if steps < STEPS_A_LOOK {
            self.steps.set(steps);
            return Ok(());
        }
        self.steps.set(0);
        self.look()
    }

    /// An error once the time is over.
    pub(crate) fn look(&self) -> Result<(), Unreadable> {
        match self.limits {
            Some((start, bound)) if start.elapsed() > bound => Err(Unreadable::TooSlow { bound }),
            _ => Ok(()),
        }
    }
}
