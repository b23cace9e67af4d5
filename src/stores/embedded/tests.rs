//! The store contract on SQLite, and what only a store in a file can get wrong.

use std::sync::Arc;
use std::time::Duration;

use opilio_actors::domain::id::TaskType;
use opilio_actors::ports::JobStore;
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::{HOLD, Harness, RETENTION};
use opilio_actors::testing::jobs::{crawl, node};
use opilio_actors::testing::model::{Step, Subject, run};
use proptest::collection::vec;
use proptest::prelude::{TestCaseError, any};
use proptest::test_runner::{Config, TestRng, TestRunner};
use tempfile::TempDir;

use super::{EmbeddedStore, OpenError, StoreSettings};

struct Embedded {
    store: EmbeddedStore,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Embedded {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(ManualClock::default());
        let store = open(&folder, &clock).expect("an empty folder");
        Self { store, clock, folder }
    }
}

fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> Result<EmbeddedStore, OpenError> {
    let settings = StoreSettings { retention: RETENTION, max_queued: Some(1000), max_per_principal: None };
    EmbeddedStore::open(folder.path(), clock.clone(), settings)
}

impl Harness for Embedded {
    fn store(&self) -> &dyn JobStore {
        &self.store
    }

    async fn let_time_pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

opilio_actors::store_contract!(Embedded::new());

#[actix::test]
async fn a_second_process_on_the_same_folder_is_turned_away() {
    let first = Embedded::new();
    assert!(matches!(open(&first.folder, &first.clock), Err(OpenError::Taken(_))));
}

#[actix::test]
async fn a_store_of_a_newer_version_is_not_touched() {
    let Embedded { store, clock, folder } = Embedded::new();
    drop(store);
    let db = rusqlite::Connection::open(folder.path().join("opilio.db")).expect("the file is there");
    db.pragma_update(None, "user_version", 99).expect("it can be written");
    assert!(matches!(open(&folder, &clock), Err(OpenError::Newer { found: 99, .. })));
}

#[actix::test]
async fn a_restart_claims_again_what_the_last_process_was_running() {
    let Embedded { store, clock, folder } = Embedded::new();
    store.submit(crawl(2)).await.expect("there is room");
    let before = store.claim(&node("old"), TaskType::Crawl, 1, HOLD).await.expect("the store is there");
    drop(store);
    let store = open(&folder, &clock).expect("the last process is gone");
    let after = store.claim(&node("new"), TaskType::Crawl, 1, HOLD).await.expect("the store is there");
    assert_eq!(after[0].job.id, before[0].job.id);
}

#[actix::test]
async fn a_job_that_cannot_be_read_stops_nobody_else() {
    let Embedded { store, clock, folder } = Embedded::new();
    let (odd, good) = (crawl(1), crawl(1));
    store.submit(odd.clone()).await.expect("there is room");
    store.submit(good.clone()).await.expect("there is room");
    let db = rusqlite::Connection::open(folder.path().join("opilio.db")).expect("the file is there");
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [odd.id.as_str()]).expect("it can be written");
    let claims = store.claim(&node("n"), TaskType::Crawl, 2, HOLD).await.expect("the store is there");
    assert_eq!(claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&good.id]);
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [good.id.as_str()]).expect("it can be written");
    clock.advance(HOLD);
    store.requeue().await.expect("one odd row does not stop it");
}

#[test]
fn no_run_of_two_nodes_with_crashes_between_any_steps_breaks_a_promise() {
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("one thread");
    let outcome = TestRunner::new_with_rng(config, rng).run(&vec(any::<u16>(), 0..40), |numbers| {
        let steps: Vec<_> = numbers.into_iter().map(|number| Step::decode(number.into())).collect();
        let Embedded { store, clock, folder: _folder } = Embedded::new();
        let subject = Subject { store: Arc::new(store), clock, crashed: Box::new(|| {}) };
        runtime.block_on(run(subject, &steps)).map_err(TestCaseError::fail)
    });
    assert_eq!(outcome, Ok(()));
}
