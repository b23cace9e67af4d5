//! Failover to a replica that lags behind, simulated by a restart on an older copy of Redis' files.

use super::on_redis::Redis;
use super::support::TestSite;
use super::{settled, submit};

const TWO_WORKERS: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "2");

#[actix::test]
async fn lost_jobs_are_not_found_and_the_others_continue() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let completed = submit(&server, &site, "/article").await;
    let first = site.next_webhook().await;
    let running = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let older = redis.copy();
    let lost = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.restart_on(&older);
    site.open_gate();
    // Redis has only one of the two running jobs.
    let second = site.next_webhook().await;
    assert_eq!(settled(&server, &running).await["status"], "completed");
    assert_eq!(server.get(&lost).await.0, 404);
    assert_eq!(settled(&server, &completed).await["status"], "completed");
    assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
    for _ in 0..2 {
        submit(&server, &site, "/article").await;
    }
    for _ in 0..2 {
        assert_eq!(site.next_webhook().await.body["status"], "completed");
    }
}

#[actix::test]
async fn job_with_lost_settlement_runs_again_with_the_same_webhook_id() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[TWO_WORKERS]).await;
    let path = submit(&server, &site, "/gated").await;
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

#[actix::test]
async fn flushed_redis_has_no_old_jobs_and_accepts_new_ones() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.flush();
    assert_eq!(server.get(&path).await.0, 404);
    submit(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
}
