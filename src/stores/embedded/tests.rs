//! The store contract and the two-node model on SQLite, and the tests of this backend.

mod clock;
mod file;

use std::sync::Arc;
use std::time::Duration;

use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobFilter, JobStore, PageLimit, Store};
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::{Harness, LEASE, RETENTION};
use opilio_actors::testing::jobs::{crawl, node};
use opilio_actors::testing::model;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{EmbeddedStore, OpenError};
use crate::stores::StoreSettings;

struct Embedded {
    store: EmbeddedStore,
    clock: Arc<ManualClock>,
    directory: TempDir,
}

impl Embedded {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let store = open(&directory, &clock).unwrap();
        Self { store, clock, directory }
    }
}

fn open(directory: &TempDir, clock: &Arc<ManualClock>) -> Result<EmbeddedStore, OpenError> {
    let settings = StoreSettings { retention: RETENTION, max_queued: Some(1000), max_per_principal: None };
    EmbeddedStore::open(directory.path(), clock.clone(), settings)
}

fn database(directory: &TempDir) -> Connection {
    Connection::open(directory.path().join("opilio.db")).unwrap()
}

impl Harness for Embedded {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }
}

opilio_actors::store_contract!(Embedded::new());

#[test]
fn model_finds_no_violation() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let violation = model::search(40, |steps| {
        let Embedded { store, clock, directory: _directory } = Embedded::new();
        let subject = model::Subject { store: Arc::new(store), clock, on_crash: Box::new(|| {}) };
        runtime.block_on(model::run(subject, steps))
    });
    assert_eq!(violation, None);
}

#[actix::test]
async fn restart_requeues_running_jobs() {
    let Embedded { store, clock, directory } = Embedded::new();
    store.submit(crawl(2)).await.unwrap();
    let before = store.claim(&node("old"), CRAWL, 1, LEASE).await.unwrap();
    drop(store);
    let store = open(&directory, &clock).unwrap();
    let after = store.claim(&node("new"), CRAWL, 1, LEASE).await.unwrap();
    assert_eq!(after[0].job.id, before[0].job.id);
}

#[actix::test]
async fn unreadable_job_blocks_no_other_job() {
    let Embedded { store, clock, directory } = Embedded::new();
    let (unreadable, readable) = (crawl(1), crawl(1));
    store.submit(unreadable.clone()).await.unwrap();
    store.submit(readable.clone()).await.unwrap();
    let db = database(&directory);
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [unreadable.id.as_str()]).unwrap();
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.unwrap();
    assert_eq!(claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&readable.id]);
    let all =
        JobFilter { principal: None, status: None, kind: None, webhook: None, cursor: None, limit: PageLimit::of(9) };
    let listed = store.jobs(all).await.unwrap().jobs;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&readable.id]);
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [readable.id.as_str()]).unwrap();
    clock.advance(LEASE);
    store.requeue().await.unwrap();
}
