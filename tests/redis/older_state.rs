//! A failover to a replica that lags behind, as Redis started again on an older copy of its files: its last moments are
//! gone.

use super::house::Outside;
use super::on_redis::Redis;
use super::{settled, submitted};

const TWO_WORKERS: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "2");

#[actix::test]
async fn after_a_failover_to_an_older_state_what_redis_forgot_is_unknown_and_what_it_knows_goes_on() {
    let (outside, mut redis) = (Outside::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let done = submitted(&server, &outside, "/article").await;
    let first = outside.told().await;
    let undone = submitted(&server, &outside, "/gated").await;
    outside.gate_reached().await;
    let older = redis.copy();
    let forgotten = submitted(&server, &outside, "/gated").await;
    outside.gate_reached().await;
    redis.restart_on(&older);
    outside.open_gate();
    // Both workers come back to a Redis that knows only one of their jobs.
    let second = outside.told().await;
    assert_eq!(settled(&server, &undone).await["status"], "completed");
    assert_eq!(server.get(&forgotten).await.0, 404);
    assert_eq!(settled(&server, &done).await["status"], "completed");
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
    for _ in 0..2 {
        submitted(&server, &outside, "/article").await;
    }
    for _ in 0..2 {
        assert_eq!(outside.told().await.body["status"], "completed");
    }
}

#[actix::test]
async fn a_job_whose_end_redis_forgot_is_done_again_and_told_of_by_the_same_webhook() {
    let (outside, mut redis) = (Outside::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let path = submitted(&server, &outside, "/gated").await;
    outside.gate_reached().await;
    let older = redis.copy();
    outside.open_gate();
    let first = outside.told().await;
    settled(&server, &path).await;
    redis.restart_on(&older);
    let again = outside.told().await;
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!((&again.body["task_id"], &again.body["status"]), (&first.body["task_id"], &first.body["status"]));
    assert_eq!(settled(&server, &path).await["status"], "completed");
}
