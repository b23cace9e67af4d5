//! Unresponsive, restarted, full and read-only servers, and connections that carry large values.

use bytes::Bytes;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::ports::Submission;

use super::*;

#[actix::test]
async fn next_claim_returns_jobs_of_an_unacknowledged_claim() {
    let OnRedis { store, redis, clock } = OnRedis::with(ConnectionSettings::new(2, 2));
    let jobs = [crawl(1), crawl(1)];
    let patient = open(&redis, &clock, "test", PATIENT);
    for job in &jobs {
        patient.submit(job.clone()).await.unwrap();
    }
    redis.signal("STOP");
    let unacknowledged = store.claim(&node("n"), CRAWL, 1, LEASE).await;
    assert!(unacknowledged.is_err_and(|error| error.is_transient()));
    redis.signal("CONT");
    // Redis may execute the first claim after the second one. Each job is returned once.
    let store = RedisStore { unacknowledged_claims: store.unacknowledged_claims, ..patient };
    let mut claimed = Vec::new();
    while claimed.len() < jobs.len() {
        let claims = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap();
        claimed.extend(claims.into_iter().map(|claim| (claim.job.id, claim.job.attempts_spent, claim.lease.token)));
    }
    claimed.sort();
    let mut expected = jobs.map(|job| (job.id, 0, 1));
    expected.sort();
    assert_eq!(claimed, expected);
    assert!(store.claim(&node("m"), CRAWL, 9, LEASE).await.unwrap().is_empty());
}

/// A page record of 20 MB that does not compress.
fn large_page() -> PageRecord {
    let mut random = fastrand::Rng::with_seed(1);
    let json = std::iter::repeat_with(|| random.alphanumeric()).take(20_000_000).collect::<String>();
    PageRecord { index: 0, success: true, error: String::new(), json: Bytes::from(format!("\"{json}\"")) }
}

#[actix::test]
async fn large_values_do_not_delay_lease_renewals() {
    let OnRedis { store, redis: _redis, .. } =
        OnRedis::with(ConnectionSettings { connections: 1, pool_size: 1, ..PATIENT });
    store.submit(crawl(1)).await.unwrap();
    let lease = store.claim(&node("n"), CRAWL, 1, LEASE).await.unwrap().remove(0).lease;
    let page = large_page();
    // Every pooled connection is busy: large values wait, renewals do not.
    let busy = store.connections.pool().get().await.unwrap();
    let record = async { store.record_pages(&lease, vec![page.clone()]).await.map(|_| ()) };
    let checkpoint = async { store.checkpoint(&lease, "page", page.json.clone()).await };
    let pages = async { store.pages(&lease.job, 0, usize::MAX).await.map(|_| ()) };
    let checkpoints = async { store.checkpoints(&lease.job).await.map(|_| ()) };
    let large_values = async { futures_util::join!(record, checkpoint, pages, checkpoints) };
    tokio::pin!(large_values);
    for _ in 0..3 {
        tokio::select! {
            biased;
            results = &mut large_values => panic!("a large value used a shared connection: {results:?}"),
            stale = store.renew(std::slice::from_ref(&lease), LEASE) => assert_eq!(stale, Ok(vec![])),
        }
    }
    drop(busy);
    assert_eq!(large_values.await, (Ok(()), Ok(()), Ok(()), Ok(())));
    assert_eq!(store.pages(&lease.job, 0, usize::MAX).await, Ok(vec![(0, page.json.clone())]));
}

#[actix::test]
async fn flushed_scripts_are_loaded_again() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    store.submit(crawl(1)).await.unwrap();
    redis.execute(&["SCRIPT", "FLUSH"]);
    store.submit(crawl(1)).await.unwrap();
}

#[actix::test]
async fn redis_without_memory_is_unavailable_until_it_has_some() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    redis.execute(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(store.submit(crawl(1)).await.is_err_and(|error| error.is_transient()));
    assert!(store.ready().await.is_err_and(|error| error.is_transient()));
    redis.execute(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.submit(crawl(1)).await, Ok(Submission::Admitted));
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(1), "the rejected job left nothing");
}

#[actix::test]
async fn replica_is_unavailable_until_it_is_promoted() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    redis.execute(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(store.submit(crawl(1)).await.is_err_and(|error| error.is_transient()));
    assert!(store.ready().await.is_err_and(|error| error.is_transient()));
    redis.execute(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(store.submit(crawl(1)).await, Ok(Submission::Admitted));
}
