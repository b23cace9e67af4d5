//! A failover to a replica that lags behind, as Redis started again on an older copy of its files: its last moments are
//! gone.

use super::on_redis::Redis;
use super::support::TestSite;
use super::{settled, submitted};

const TWO_WORKERS: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "2");

#[actix::test]
async fn after_a_failover_to_an_older_state_what_redis_forgot_is_unknown_and_what_it_knows_goes_on() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let done = submitted(&server, &site, "/article").await;
    let first = site.next_webhook().await;
    let undone = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let older = redis.copy();
    let forgotten = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.restart_on(&older);
    site.open_gate();
    // Both workers come back to a Redis that knows only one of their jobs.
    let second = site.next_webhook().await;
    assert_eq!(settled(&server, &undone).await["status"], "completed");
    assert_eq!(server.get(&forgotten).await.0, 404);
    assert_eq!(settled(&server, &done).await["status"], "completed");
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
    for _ in 0..2 {
        submitted(&server, &site, "/article").await;
    }
    for _ in 0..2 {
        assert_eq!(site.next_webhook().await.body["status"], "completed");
    }
}

#[actix::test]
async fn a_job_whose_end_redis_forgot_is_done_again_and_told_of_by_the_same_webhook() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let path = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let older = redis.copy();
    site.open_gate();
    let first = site.next_webhook().await;
    settled(&server, &path).await;
    redis.restart_on(&older);
    let again = site.next_webhook().await;
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!((&again.body["task_id"], &again.body["status"]), (&first.body["task_id"], &first.body["status"]));
    assert_eq!(settled(&server, &path).await["status"], "completed");
}
