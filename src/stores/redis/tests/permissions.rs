//! Users whose ACL denies commands, keys or channels.

use std::collections::BTreeSet;

use opilio_actors::domain::delivery::{AttemptOutcome, RetryDecision};
use opilio_actors::ports::{AttemptStart, DeliveryStore, DueQuery, NewJob, ReplayFilter, SettleReason};
use opilio_actors::testing::contract::TERMS;
use opilio_actors::testing::jobs::good_page;

use super::*;
use crate::stores::redis::scripts::all_commands;

const DOCUMENTATION: &str = include_str!("../../../../docs/redis.md");

/// A store whose user has the documented ACL for the prefix `opilio`.
struct Restricted {
    store: RedisStore,
    redis: RedisServer,
    clock: Arc<ManualClock>,
}

impl Restricted {
    fn new() -> Self {
        let redis = RedisServer::start();
        let line = DOCUMENTATION.lines().find(|line| line.starts_with("ACL SETUSER ")).unwrap();
        // The tests' clock is a key that is not accessed.
        redis.execute(&[line.split(' ').collect::<Vec<_>>(), vec!["~1*"]].concat());
        let clock = Arc::new(ManualClock::default());
        let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
        let client = redis.client_as("opilio", "PASSWORD");
        let store = RedisStore::new(&client, PATIENT, "opilio", settings).unwrap();
        let store = RedisStore { scripts: Scripts::new(Some(CLOCK)), clock: Some(Arc::clone(&clock)), ..store };
        Self { store, redis, clock }
    }

    fn change_acl(&self, rule: &str) {
        self.redis.execute(&["ACL", "SETUSER", "opilio", rule]);
    }

    /// Everything that a job with a webhook and its removal need.
    async fn run_a_job(&self, job: NewJob) {
        let store = &self.store;
        let id = job.id.clone();
        store.submit(job).await.unwrap();
        let lease = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap().remove(0).lease;
        assert_eq!(store.renew(std::slice::from_ref(&lease), LEASE).await, Ok(vec![]));
        store.clear_crashes(&lease).await.unwrap();
        store.checkpoint(&lease, "name", "value".into()).await.unwrap();
        store.record_pages(&lease, vec![good_page(0)]).await.unwrap();
        store.settle(&lease, SettleReason::WorkDone).await.unwrap();
        let query = DueQuery {
            horizon: Duration::ZERO,
            limit: 9,
            limit_per_receiver: 9,
            limit_per_principal: 9,
            excluded_receivers: vec![],
            excluded_principals: vec![],
            max_wait: LEASE,
        };
        let due = store.due(query).await.unwrap().remove(0);
        let start = store.start_attempt(&id, due.version, &node("n"), TERMS).await;
        let Ok(AttemptStart::Started(attempt)) = start else { panic!("{start:?}") };
        let answered = AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() };
        store.finish_attempt(&attempt, &answered, RetryDecision::Delivered).await.unwrap();
        store.pages(&id, 0, usize::MAX).await.unwrap();
        store.checkpoints(&id).await.unwrap();
        store.summary(&id).await.unwrap();
        store.deliveries(&id, None).await.unwrap();
        store.changes(None, Some(0), PageLimit::of(9)).await.unwrap();
        store.counts().await.unwrap();
        let all = ReplayFilter { principal: None, state: None, since: None, origin: None };
        assert_eq!(store.replay_all(all).await, Ok(1));
        store.requeue().await.unwrap();
        store.ready().await.unwrap();
    }
}

#[actix::test]
async fn documented_acl_is_sufficient() {
    let restricted = Restricted::new();
    let findings = restricted.store.check(0).await.unwrap();
    assert_eq!(findings.unusable, None);
    assert!(!findings.risks.iter().any(|risk| risk.contains("ACL")), "{:?}", findings.risks);
    restricted.run_a_job(crawl(1)).await;
    let cache = RedisPageCache::new(Arc::new(restricted.store), page_cache::tests::SETTINGS);
    page_cache::tests::check_contract(&cache, &restricted.clock).await;
}

#[actix::test]
async fn every_denied_command_is_named_and_writes_nothing() {
    let restricted = Restricted::new();
    let store = &restricted.store;
    let commands = all_commands();
    let used = BTreeSet::from(["ZADD", "HSET", "HINCRBY", "ZREM", "UNLINK", "HMGET", "TIME"]);
    assert!(commands.is_superset(&used), "{commands:?}");
    for command in commands {
        restricted.change_acl(&format!("-{command}"));
        let reason = store.check(0).await.unwrap().unusable.unwrap();
        assert!(reason.ends_with(&format!(": {command}")), "{command}: {reason}");
        let rejected = [store.submit(crawl(1)).await.map(|_| ()), store.ready().await];
        for error in rejected.into_iter().filter_map(Result::err) {
            assert!(error.is_transient(), "{command}: {error}");
        }
        assert!(store.ready().await.is_err(), "{command}");
        restricted.change_acl(&format!("+{command}"));
        // A submission that does not need the command was admitted as a whole.
        let queued = store.counts().await.unwrap().queued;
        let claims = store.claim(&node("n"), CRAWL, 9, LEASE).await.unwrap();
        assert_eq!(claims.len() as u64, queued, "{command}");
        for claim in claims {
            store.cancel(&claim.job.id, None).await.unwrap();
        }
    }
}

#[actix::test]
async fn keys_outside_the_acl_are_reported() {
    let restricted = Restricted::new();
    restricted.change_acl("resetkeys");
    let reason = restricted.store.check(0).await.unwrap().unusable.unwrap();
    assert!(reason.contains("no permissions to access one of the keys"), "{reason}");
}

#[actix::test]
async fn jobs_run_without_permission_for_channels() {
    let restricted = Restricted::new();
    restricted.change_acl("resetchannels");
    let findings = restricted.store.check(0).await.unwrap();
    assert_eq!(findings.unusable, None);
    assert!(findings.risks.iter().any(|risk| risk.contains("{opilio}:notifications")), "{:?}", findings.risks);
    restricted.run_a_job(crawl(1)).await;
}
