//! The store contract and the two-node model on a redis-server of the tests' own, and the tests of this backend.

mod availability;
mod compatibility;
mod permissions;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobFilter, JobStore, Notification, PageLimit, Store};
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::{Harness, LEASE, RETENTION};
use opilio_actors::testing::jobs::{crawl, node};
use opilio_actors::testing::model;

use super::page_cache::RedisPageCache;
use super::scripts::Scripts;
use super::{ConnectionSettings, RedisStore};
use crate::stores::{StoreSettings, page_cache};
use server::RedisServer;

/// The store's time comes from the harness: every script gets it as a key.
const CLOCK: &str = "local function now() return tonumber(KEYS[2]) end";

/// Timeouts that a loaded machine does not exceed.
const PATIENT: ConnectionSettings = ConnectionSettings {
    connections: 2,
    pool_size: 2,
    timeout: Duration::from_secs(60),
    large_value_timeout: Duration::from_secs(60),
};

struct OnRedis {
    store: RedisStore,
    clock: Arc<ManualClock>,
    redis: RedisServer,
}

impl OnRedis {
    fn new() -> Self {
        Self::with(PATIENT)
    }

    fn with(connections: ConnectionSettings) -> Self {
        let redis = RedisServer::start();
        let clock = Arc::new(ManualClock::default());
        Self { store: open(&redis, &clock, "test", connections), clock, redis }
    }
}

fn open(redis: &RedisServer, clock: &Arc<ManualClock>, prefix: &str, connections: ConnectionSettings) -> RedisStore {
    let settings = StoreSettings { retention: RETENTION, max_queued: Some(1000), max_per_principal: None };
    let store = RedisStore::new(&redis.client(), connections, prefix, settings).unwrap();
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

#[test]
fn model_finds_no_violation() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (redis, runs) = (RedisServer::start(), AtomicU32::new(0));
    let violation = model::search(40, |steps| {
        let clock = Arc::new(ManualClock::default());
        runtime.block_on(async {
            let store = open(&redis, &clock, &runs.fetch_add(1, Ordering::Relaxed).to_string(), PATIENT);
            let subject = model::Subject { store: Arc::new(store), clock, on_crash: Box::new(|| {}) };
            model::run(subject, steps).await
        })
    });
    assert_eq!(violation, None);
}

#[actix::test]
async fn page_cache_fulfils_the_contract() {
    let OnRedis { store, clock, redis } = OnRedis::new();
    let cache = RedisPageCache::new(Arc::new(store), page_cache::tests::SETTINGS);
    page_cache::tests::check_contract(&cache, &clock).await;
    let bytes: u64 = redis.execute(&["GET", "{test}:cached_bytes"]).parse().unwrap();
    assert!((1..=page_cache::tests::SETTINGS.max_bytes).contains(&bytes), "{bytes}");
}

#[actix::test]
async fn unreadable_job_blocks_no_other_job() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let (unreadable, readable) = (crawl(1), crawl(1));
    store.submit(unreadable.clone()).await.unwrap();
    store.submit(readable.clone()).await.unwrap();
    redis.execute(&["HSET", &store.key("job", unreadable.id.as_str()), "spec", "?"]);
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.unwrap();
    assert_eq!(claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&readable.id]);
    let all =
        JobFilter { principal: None, status: None, kind: None, webhook: None, cursor: None, limit: PageLimit::of(9) };
    let listed = store.jobs(all).await.unwrap().jobs;
    assert_eq!(listed.iter().map(|job| &job.id).collect::<Vec<_>>(), [&readable.id]);
}

#[actix::test]
async fn every_node_is_notified_of_changes() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let notifications = store.notifications(&redis.client());
    let listener = actix::spawn(notifications.listen(move |notification| drop(sender.send(notification))));
    let mut next = async || receiver.recv().await.unwrap();
    assert_eq!(next().await, Notification::Missed, "after the first connection");
    let job = crawl(1);
    store.submit(job.clone()).await.unwrap();
    assert_eq!(next().await, Notification::Ready(CRAWL));
    store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap();
    assert_eq!(next().await, Notification::Changed(job.id.clone()));
    store.cancel(&job.id, None).await.unwrap();
    assert_eq!(next().await, Notification::Cancelled(job.id));
    redis.execute(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(next().await, Notification::Missed, "after a reconnection");
    listener.abort();
}
