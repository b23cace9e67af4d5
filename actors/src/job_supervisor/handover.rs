//! State that outlives a crashed supervisor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::lease::Lease;

/// What a crashed supervisor passes on to its replacement. All clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Handover {
    leases: Arc<Mutex<Vec<Lease>>>,
    draining: Arc<AtomicBool>,
}

impl Handover {
    /// Leases for the replacement to release, so that their jobs do not wait until the leases expire.
    pub fn put_leases(&self, leases: Vec<Lease>) {
        *self.leases.lock().unwrap_or_else(PoisonError::into_inner) = leases;
    }

    pub fn take_leases(&self) -> Vec<Lease> {
        std::mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}
