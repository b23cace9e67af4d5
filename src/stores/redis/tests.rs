//! The store contract on a Redis of the tests' own, and what only a store on Redis can get wrong.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobFilter, JobStore, Notification, PageLimit, Store, Submission};
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::{Harness, LEASE, RETENTION};
use opilio_actors::testing::jobs::{crawl, node};
use opilio_actors::testing::model;
use redis::Client;
use tempfile::TempDir;

use super::page_cache::RedisPageCache;
use super::scripts::Scripts;
use super::{RedisStore, StoreSettings};
use crate::stores::{blob, page_cache};

/// The store's time, moved by the harness alone: every script is told it.
const CLOCK: &str = "local function now() return tonumber(KEYS[2]) end";

/// Stopped when dropped.
struct Redis {
    child: Child,
    socket: String,
    _folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("redis.sock").display().to_string();
        let mut child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", &socket, "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server is there (`make tools` brings it; Debian: apt-get install redis-server)");
        let mut log = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("now ready to accept connections") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut log, &mut line).expect("it is text") > 0, "redis-server starts");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, socket, _folder: folder }
    }

    fn client(&self) -> Client {
        Client::open(format!("unix://{}", self.socket)).expect("an address")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct OnRedis {
    store: RedisStore,
    clock: Arc<ManualClock>,
    redis: Redis,
}

impl OnRedis {
    fn new() -> Self {
        let redis = Redis::start();
        let clock = Arc::new(ManualClock::default());
        Self { store: open(&redis, &clock, "test"), clock, redis }
    }
}

fn open(redis: &Redis, clock: &Arc<ManualClock>, prefix: &str) -> RedisStore {
    let settings = StoreSettings { retention: RETENTION, max_queued: Some(1000), max_per_principal: None };
    let store = RedisStore::new(&redis.client(), 2, prefix, settings).expect("a client");
    RedisStore { scripts: Scripts::new(Some(CLOCK)), clock: Some(Arc::clone(clock)), ..store }
}

impl Harness for OnRedis {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }
}

opilio_actors::store_contract!(OnRedis::new());

#[actix::test]
async fn the_page_cache_on_redis_keeps_check_contract() {
    let OnRedis { store, clock, redis } = OnRedis::new();
    let cache = RedisPageCache::new(Arc::new(store), page_cache::tests::SETTINGS);
    page_cache::tests::check_contract(&cache, &clock).await;
    let mut line = redis.client().get_connection().expect("it has started");
    let bytes: u64 = redis::cmd("GET").arg("{test}:pages_bytes").query(&mut line).expect("it is there");
    assert!((1..=page_cache::tests::SETTINGS.max_bytes).contains(&bytes), "{bytes}");
}

#[actix::test]
async fn a_job_that_cannot_be_read_stops_nobody_else() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let (odd, good) = (crawl(1), crawl(1));
    store.submit(odd.clone()).await.expect("there is room");
    store.submit(good.clone()).await.expect("there is room");
    let mut line = redis.client().get_connection().expect("it has started");
    redis::cmd("HSET")
        .arg(store.key("job", odd.id.as_str()))
        .arg("spec")
        .arg("?")
        .exec(&mut line)
        .expect("it is there");
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.expect("Redis is there");
    assert_eq!(claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&good.id]);
    let everything =
        JobFilter { principal: None, status: None, kind: None, webhook: None, cursor: None, limit: PageLimit::of(9) };
    let listed = store.jobs(everything).await.expect("one odd job hides no other").jobs;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&good.id]);
}

#[actix::test]
async fn jobs_whose_claim_was_not_answered_are_brought_by_the_next_one_and_lose_no_attempt() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let jobs = [crawl(1), crawl(1)];
    for job in &jobs {
        store.submit(job.clone()).await.expect("there is room");
    }
    let signal = |name: &str| {
        let sent = Command::new("kill").args([format!("-{name}"), redis.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    };
    signal("STOP");
    let unheard = store.claim(&node("n"), CRAWL, 1, LEASE).await;
    assert!(unheard.is_err_and(|error| error.is_transient()));
    signal("CONT");
    // The first claim may be made after the second one: whichever brings them, both jobs come, once each.
    let mut brought = Vec::new();
    while brought.len() < jobs.len() {
        let claims = store.claim(&node("n"), CRAWL, 1, LEASE).await.expect("Redis is there");
        brought.extend(claims.into_iter().map(|claim| (claim.job.id, claim.job.attempts_spent, claim.lease.token)));
    }
    brought.sort();
    let mut expected = jobs.map(|job| (job.id, 0, 1));
    expected.sort();
    assert_eq!(brought, expected);
    let strangers = store.claim(&node("m"), CRAWL, 9, LEASE).await.expect("Redis is there");
    assert!(strangers.is_empty(), "they are leased");
}

#[actix::test]
async fn a_job_that_asks_for_what_only_newer_versions_do_is_left_to_them_and_holds_nobody_up() {
    let OnRedis { store: older, redis, clock } = OnRedis::new();
    let newer = RedisStore { format: older.format + 1, ..open(&redis, &clock, "test") };
    let (odd, good) = (crawl(1), crawl(1));
    newer.submit(odd.clone()).await.expect("there is room");
    older.submit(good.clone()).await.expect("there is room");
    let claimed = async |store: &RedisStore| {
        let claims = store.claim(&node("n"), CRAWL, 9, LEASE).await.expect("Redis is there");
        claims.into_iter().map(|claim| claim.job.id).collect::<Vec<_>>()
    };
    assert_eq!(claimed(&older).await, [good.id]);
    assert_eq!(claimed(&older).await, []);
    assert_eq!(claimed(&newer).await, [odd.id]);
}

#[actix::test]
async fn what_a_neighbouring_version_adds_to_a_job_is_passed_over() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let job = crawl(1);
    store.submit(job.clone()).await.expect("there is room");
    let mut spec = serde_json::to_value(&job.spec).expect("it is written like this");
    spec.as_object_mut().expect("an object").remove("webhook");
    spec["mood"] = "cheerful".into();
    spec["task"]["crawl"]["options"]["mood"] = "cheerful".into();
    let mut line = redis.client().get_connection().expect("it has started");
    redis::cmd("HSET")
        .arg(store.key("job", job.id.as_str()))
        .arg(&["mood", "cheerful"])
        .arg("spec")
        .arg(blob::pack(spec.to_string().as_bytes()))
        .exec(&mut line)
        .expect("it is there");
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.expect("Redis is there");
    assert_eq!(claims.first().map(|claim| &claim.job.spec), Some(&job.spec));
}

#[actix::test]
async fn a_redis_that_forgot_its_scripts_is_taught_them_again() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    store.submit(crawl(1)).await.expect("there is room");
    let mut line = redis.client().get_connection().expect("it has started");
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut line).expect("it may be told to");
    store.submit(crawl(1)).await.expect("there is room");
}

#[actix::test]
async fn a_redis_without_room_is_away_until_there_is_some() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let mut line = redis.client().get_connection().expect("it has started");
    let mut room = |bytes: &str| {
        redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).exec(&mut line).expect("it may be told to");
    };
    room("1");
    assert!(store.submit(crawl(1)).await.is_err_and(|error| error.is_transient()));
    assert!(store.ready().await.is_err_and(|error| error.is_transient()));
    room("0");
    assert_eq!(store.submit(crawl(1)).await, Ok(Submission::Admitted));
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(1), "of the refused one nothing was written");
}

#[actix::test]
async fn a_redis_that_became_a_replica_is_away_until_it_is_promoted() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let mut line = redis.client().get_connection().expect("it has started");
    let mut follow = |host: &str, port: &str| {
        redis::cmd("REPLICAOF").arg(host).arg(port).exec(&mut line).expect("it may be told to");
    };
    follow("127.0.0.1", "1");
    assert!(store.submit(crawl(1)).await.is_err_and(|error| error.is_transient()));
    assert!(store.ready().await.is_err_and(|error| error.is_transient()));
    follow("NO", "ONE");
    assert_eq!(store.submit(crawl(1)).await, Ok(Submission::Admitted));
}

#[actix::test]
async fn every_node_hears_what_another_one_does_to_a_job() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let notices = store.notices(&redis.client());
    let listening = actix::spawn(notices.listen(move |notice| drop(tell.send(notice))));
    let mut next = async || heard.recv().await.expect("it listens");
    assert_eq!(next().await, Notification::Missed, "who has just come may have missed something");
    let job = crawl(1);
    store.submit(job.clone()).await.expect("there is room");
    assert_eq!(next().await, Notification::Ready(CRAWL));
    store.claim(&node("n"), CRAWL, 1, LEASE).await.expect("Redis is there");
    assert_eq!(next().await, Notification::Changed(job.id.clone()));
    store.cancel(&job.id, None).await.expect("it runs");
    assert_eq!(next().await, Notification::Cancelled(job.id));
    // Its connection is cut: it comes back, and knows that it may have missed something.
    let mut line = redis.client().get_connection().expect("it has started");
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").exec(&mut line).expect("it may be told to");
    assert_eq!(next().await, Notification::Missed);
    listening.abort();
}

#[test]
fn model_finds_no_violation() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (redis, runs) = (Redis::start(), AtomicU32::new(0));
    let violation = model::search(40, |steps| {
        let clock = Arc::new(ManualClock::default());
        runtime.block_on(async {
            let store = open(&redis, &clock, &runs.fetch_add(1, Ordering::Relaxed).to_string());
            let subject = model::Subject { store: Arc::new(store), clock, on_crash: Box::new(|| {}) };
            model::run(subject, steps).await
        })
    });
    assert_eq!(violation, None);
}
