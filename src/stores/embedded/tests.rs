//! The store contract on SQLite, and what only a store in a file can get wrong.

use std::sync::Arc;
use std::time::Duration;

use opilio_actors::domain::delivery::{AttemptOutcome, RetryDecision};
use opilio_actors::domain::id::TaskType;
use opilio_actors::domain::job::Interruption;
use opilio_actors::ports::{AttemptStart, DeliveryStore, DueQuery, JobFilter, JobStore, PageLimit, Release, Store};
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::{Harness, LEASE, RETENTION, TERMS};
use opilio_actors::testing::jobs::{crawl, good_page, node};
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
    fn store(&self) -> &dyn Store {
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
    let before = store.claim(&node("old"), TaskType::Crawl, 1, LEASE).await.expect("the store is there");
    drop(store);
    let store = open(&folder, &clock).expect("the last process is gone");
    let after = store.claim(&node("new"), TaskType::Crawl, 1, LEASE).await.expect("the store is there");
    assert_eq!(after[0].job.id, before[0].job.id);
}

#[actix::test]
async fn a_job_queued_in_a_file_that_knows_no_lines_yet_is_claimed() {
    let Embedded { store, clock, folder } = Embedded::new();
    let job = crawl(1);
    store.submit(job.clone()).await.expect("there is room");
    drop(store);
    let db = rusqlite::Connection::open(folder.path().join("opilio.db")).expect("the file is there");
    db.execute_batch("DROP INDEX jobs_ready; ALTER TABLE jobs DROP COLUMN line").expect("it can be written");
    let older = include_str!("schema_1.sql").lines().find(|line| line.starts_with("CREATE INDEX jobs_ready"));
    db.execute_batch(older.expect("it had that index")).expect("it can be written");
    db.pragma_update(None, "user_version", 3).expect("it can be written");
    drop(db);
    let store = open(&folder, &clock).expect("it is brought to today's version");
    let mut another = crawl(1);
    another.spec.interactive = true;
    store.submit(another.clone()).await.expect("there is room");
    let claims = store.claim(&node("n"), TaskType::Crawl, 9, LEASE).await.expect("the store is there");
    assert_eq!(claims.into_iter().map(|claim| claim.job.id).collect::<Vec<_>>(), [job.id, another.id]);
}

#[actix::test]
async fn a_job_that_cannot_be_read_stops_nobody_else() {
    let Embedded { store, clock, folder } = Embedded::new();
    let (odd, good) = (crawl(1), crawl(1));
    store.submit(odd.clone()).await.expect("there is room");
    store.submit(good.clone()).await.expect("there is room");
    let db = rusqlite::Connection::open(folder.path().join("opilio.db")).expect("the file is there");
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [odd.id.as_str()]).expect("it can be written");
    let claims = store.claim(&node("n"), TaskType::Crawl, 2, LEASE).await.expect("the store is there");
    assert_eq!(claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&good.id]);
    let everything =
        JobFilter { principal: None, status: None, task: None, webhook: None, cursor: None, limit: PageLimit::of(9) };
    let listed = store.jobs(everything).await.expect("one odd job hides no other").jobs;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&good.id]);
    db.execute("UPDATE jobs SET spec = '{}' WHERE id = ?1", [good.id.as_str()]).expect("it can be written");
    clock.advance(LEASE);
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

const HOUR: Duration = Duration::from_secs(3600);

fn due_now() -> DueQuery {
    let max_wait = Duration::from_secs(32);
    DueQuery { horizon: Duration::ZERO, limit: 9, limit_per_receiver: 9, excluded_receivers: vec![], max_wait }
}

#[actix::test]
async fn a_clock_set_forward_takes_nothing_from_who_works_on_it_and_brings_nothing_early() {
    let Embedded { store, clock, folder: _folder } = Embedded::new();
    for job in [crawl(1), crawl(1)] {
        store.submit(job).await.expect("there is room");
    }
    let claims = store.claim(&node("n"), TaskType::Crawl, 2, LEASE).await.expect("the store is there");
    let [works, ended] = &claims[..] else { panic!("two were submitted") };
    store.cancel(&ended.job.id, None).await.expect("it is not settled");
    let [due] = &store.due(due_now()).await.expect("the store is there")[..] else { panic!("one is due") };
    let start = store.start_attempt(&due.job, due.version, &node("n"), TERMS).await;
    let Ok(AttemptStart::Started(attempt)) = start else { panic!("it may start: {start:?}") };
    clock.set_forward(HOUR);
    store.requeue().await.expect("the store is there");
    assert!(store.claim(&node("m"), TaskType::Crawl, 2, LEASE).await.expect("the store is there").is_empty());
    assert!(store.due(due_now()).await.expect("the store is there").is_empty(), "it is being sent");
    store.record_pages(&works.lease, vec![good_page(0)]).await.expect("the lease is good");
    let failed = AttemptOutcome::Failed { reason: "reset".to_owned() };
    let wait = RetryDecision::RetryIn(Duration::from_secs(4));
    store.finish_attempt(&attempt, &failed, wait).await.expect("the lease is good");
    clock.set_forward(HOUR);
    assert!(store.due(due_now()).await.expect("the store is there").is_empty(), "a retry does not come early");
}

#[actix::test]
async fn a_clock_set_back_delays_neither_a_job_nor_a_webhook() {
    let Embedded { store, clock, folder: _folder } = Embedded::new();
    store.submit(crawl(1)).await.expect("there is room");
    let first = store.claim(&node("n"), TaskType::Crawl, 1, LEASE).await.expect("the store is there").remove(0);
    let wait = Duration::from_secs(5);
    let back = Release { interruption: Interruption::Crashed, reason: None, delay: wait };
    store.release(&first.lease, back).await.expect("the lease is good");
    clock.set_back(HOUR);
    clock.advance(wait);
    let again = store.claim(&node("n"), TaskType::Crawl, 1, LEASE).await.expect("the store is there");
    assert_eq!(again.len(), 1);
    store.cancel(&first.job.id, None).await.expect("it is not settled");
    clock.set_back(HOUR);
    assert_eq!(store.due(due_now()).await.map(|due| due.len()), Ok(1));
}

#[actix::test]
async fn a_clock_set_back_between_two_processes_delays_neither_a_job_nor_a_webhook_for_long() {
    let Embedded { store, clock, folder } = Embedded::new();
    for job in [crawl(1), crawl(1)] {
        store.submit(job).await.expect("there is room");
    }
    let claims = store.claim(&node("n"), TaskType::Crawl, 2, LEASE).await.expect("the store is there");
    let [waits, ended] = &claims[..] else { panic!("two were submitted") };
    let back = Release { interruption: Interruption::Crashed, reason: None, delay: Duration::from_secs(5) };
    store.release(&waits.lease, back).await.expect("the lease is good");
    store.cancel(&ended.job.id, None).await.expect("it is not settled");
    drop(store);
    // What is steady within one process begins anew in the next.
    let clock = {
        let earlier = ManualClock::default();
        earlier.set_back_for_good(24 * HOUR);
        drop(clock);
        Arc::new(earlier)
    };
    let store = open(&folder, &clock).expect("the last process is gone");
    let query = DueQuery { horizon: Duration::from_secs(60), ..due_now() };
    let due = store.due(query).await.expect("the store is there");
    assert_eq!(due.iter().map(|due| due.wait).collect::<Vec<_>>(), [due_now().max_wait]);
    clock.advance(Duration::from_secs(600));
    let again = store.claim(&node("n"), TaskType::Crawl, 1, LEASE).await.expect("the store is there");
    assert_eq!(again.len(), 1);
}

#[actix::test]
async fn a_full_disk_refuses_what_is_new_loses_nothing_and_is_over_when_there_is_room() {
    let Embedded { store, clock, folder } = Embedded::new();
    let kept = crawl(1);
    store.submit(kept.clone()).await.expect("there is room");
    let bound = |pages: &'static str| {
        store.writer.run(move |db, _| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            db.query_row(&pragma, [], |row| row.get::<_, i64>(0)).map_err(super::access::store_error)
        })
    };
    bound("1").await.expect("it can be bounded by what it has");
    let mut admitted = 1;
    // A job of several pages of the file.
    let refused = loop {
        match store.submit(crawl(1000)).await {
            Ok(_) => admitted += 1,
            Err(error) => break error,
        }
    };
    assert!(refused.is_transient(), "{refused}");
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(admitted), "what was taken is there");
    bound("1000000").await.expect("there is room again");
    store.submit(crawl(1000)).await.expect("there is room again");
    drop(store);
    let store = open(&folder, &clock).expect("it is whole");
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(admitted + 1));
    assert!(store.job(&kept.id, None).await.expect("the store is there").is_some());
}

#[actix::test]
async fn a_file_that_was_cut_short_is_named_and_not_touched() {
    let Embedded { store, clock, folder } = Embedded::new();
    for _ in 0..20 {
        store.submit(crawl(1000)).await.expect("there is room");
    }
    drop(store);
    let path = folder.path().join("opilio.db");
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file is there");
    let whole = file.metadata().expect("it has a size").len();
    file.set_len(whole / 2).expect("it can be cut");
    let before = std::fs::read(&path).expect("the file is there");
    let error = open(&folder, &clock).err().expect("half a store is none").to_string();
    assert!(error.contains("has been cut short"), "{error}");
    assert!(std::fs::read(&path).expect("the file is there") == before, "it was touched");
}

#[actix::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let in_the_way = folder.path().join("file");
    std::fs::write(&in_the_way, "").expect("the folder is ours");
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    for path in [in_the_way.as_path(), std::path::Path::new("/proc/opilio")] {
        let error = EmbeddedStore::open(path, Arc::new(ManualClock::default()), settings).err().expect("no folder");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
