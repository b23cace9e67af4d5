//! An in-memory store that fulfils the whole contract; the reference for the other backends.

mod deliveries;
mod delivery_store;
mod job_store;
mod jobs;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{DeliveryState, LoggedAttempt};
use crate::domain::id::{JobId, Principal};
use crate::domain::job::{Job, JobState};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::retention::Retention;
use crate::ports::{Clock, Idempotency, StoreError};

/// Clones share one store.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    pub fn new(clock: Arc<dyn Clock>, retention: Retention) -> Self {
        let state =
            State { rows: BTreeMap::new(), next_seq: 1, last_change: 0, last_claimed_queue: HashMap::new(), retention };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// The locked state and the present time.
    fn state(&self) -> (MutexGuard<'_, State>, Timestamp) {
        (self.state.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now())
    }
}

struct State {
    /// In order of submission.
    rows: BTreeMap<u64, Row>,
    next_seq: u64,
    last_change: u64,
    /// The queue of the last claimed job of each type.
    last_claimed_queue: HashMap<JobKind, QueueKey>,
    retention: Retention,
}

/// A job with everything that belongs to it.
struct Row {
    job: Job,
    change_number: u64,
    idempotency: Option<Idempotency>,
    token: u64,
    lease_until: Option<Timestamp>,
    pages: BTreeMap<u32, PageRecord>,
    checkpoints: BTreeMap<String, Bytes>,
    interruptions: u32,
    replay_requested: bool,
    attempt_until: Option<Timestamp>,
    attempts: Vec<LoggedAttempt>,
}

impl State {
    fn find(&mut self, id: &JobId) -> Option<&mut Row> {
        self.rows.values_mut().find(|row| row.job.id == *id)
    }

    /// Assigns the next change number to the job.
    fn note_change(&mut self, id: &JobId) {
        self.last_change += 1;
        let number = self.last_change;
        if let Some(row) = self.find(id) {
            row.change_number = number;
        }
    }

    fn visible(&mut self, id: &JobId, principal: Option<&Principal>) -> Result<&mut Row, StoreError> {
        let row = self.find(id).filter(|row| principal.is_none_or(|principal| *principal == row.job.principal));
        row.ok_or(StoreError::NotFound)
    }

    /// The job that `lease` belongs to; `LeaseLost` if the lease is stale.
    fn leased(&mut self, lease: &Lease) -> Result<&mut Row, StoreError> {
        let current =
            |row: &&mut Row| matches!(&row.job.state, JobState::Running { lease: current } if current == lease);
        self.find(&lease.job).filter(current).ok_or(StoreError::LeaseLost)
    }
}

impl Row {
    fn is_ready(&self) -> bool {
        self.job.state == JobState::Queued { not_before: None }
    }

    fn is_pending(&self) -> bool {
        let state = self.job.delivery.as_ref().map(|delivery| &delivery.state);
        matches!(state, Some(DeliveryState::Pending { .. }))
    }
}

/// `moment + wait`, saturating.
fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Store;
    use crate::testing::clock::ManualClock;
    use crate::testing::contract::{Harness, RETENTION};

    struct Memory {
        store: MemoryStore,
        clock: Arc<ManualClock>,
    }

    impl Memory {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::default());
            Self { store: MemoryStore::new(clock.clone(), RETENTION), clock }
        }
    }

    impl Harness for Memory {
        fn store(&self) -> &dyn Store {
            &self.store
        }

        async fn advance(&self, time: Duration) {
            self.clock.advance(time);
        }
    }

    crate::store_contract!(Memory::new());
}
