//! A store in memory that keeps the whole contract: small enough to be read in one go, and to find faults in others by.

mod deliveries;
mod jobs;
mod port;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{DeliveryState, LoggedAttempt};
use crate::domain::id::{JobId, Principal, TaskType};
use crate::domain::job::{Job, JobState};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::retention::Retention;
use crate::ports::{Clock, Idempotency, StoreError};

/// Cheap to clone: every clone is the same store, as every process on one disk sees it.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    pub fn new(clock: Arc<dyn Clock>, retention: Retention) -> Self {
        let state = State { rows: BTreeMap::new(), next: 1, last_change: 0, last_served: HashMap::new(), retention };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// The state, and the time.
    fn state(&self) -> (MutexGuard<'_, State>, Timestamp) {
        (self.state.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now())
    }
}

struct State {
    /// By the order of submission.
    rows: BTreeMap<u64, Row>,
    next: u64,
    last_change: u64,
    /// From which line a job of each kind was claimed last.
    last_served: HashMap<TaskType, QueueKey>,
    retention: Retention,
}

/// A job and everything that belongs to it.
struct Row {
    job: Job,
    /// The number of its last change.
    changed: u64,
    idempotency: Option<Idempotency>,
    token: u64,
    lease_until: Option<Timestamp>,
    progress_in_attempt: u32,
    pages: BTreeMap<u32, PageRecord>,
    checkpoints: BTreeMap<String, Bytes>,
    interruptions: u32,
    again: bool,
    sent_until: Option<Timestamp>,
    attempts: Vec<LoggedAttempt>,
}

impl State {
    fn find(&mut self, id: &JobId) -> Option<&mut Row> {
        self.rows.values_mut().find(|row| row.job.id == *id)
    }

    /// Numbers a change of this job.
    fn note_change(&mut self, id: &JobId) {
        self.last_change += 1;
        let number = self.last_change;
        if let Some(row) = self.find(id) {
            row.changed = number;
        }
    }

    fn visible(&mut self, id: &JobId, principal: Option<&Principal>) -> Result<&mut Row, StoreError> {
        let row = self.find(id).filter(|row| principal.is_none_or(|principal| *principal == row.job.principal));
        row.ok_or(StoreError::NotFound)
    }

    /// The job of a lease that is still good.
    fn held(&mut self, lease: &Lease) -> Result<&mut Row, StoreError> {
        let held = |row: &&mut Row| matches!(&row.job.state, JobState::Running { lease: newest } if newest == lease);
        self.find(&lease.job).filter(held).ok_or(StoreError::LeaseLost)
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

/// `moment + wait`, at most the end of time.
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

        async fn let_time_pass(&self, time: Duration) {
            self.clock.advance(time);
        }
    }

    crate::store_contract!(Memory::new());
}
