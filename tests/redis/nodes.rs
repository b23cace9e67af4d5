//! The distribution of jobs and deliveries over servers.

use super::on_redis::{Redis, signal};
use super::support::{TestServer, TestSite};
use super::{settled, submit};

/// Leases and polling intervals longer than a test.
const LONG_LEASE: (&str, &str) = ("OPILIO__JOBS__LEASE", "1h");
const ONE_WORKER: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "1");
const TWO_WORKERS: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "2");

/// The number of jobs at this stage.
async fn count(server: &TestServer, stage: &str) -> usize {
    let (_, list) = server.get("/jobs").await;
    list["jobs"].as_array().unwrap().iter().filter(|job| job["stage"] == stage).count()
}

#[actix::test]
async fn cancellation_at_another_server_frees_the_worker() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[LONG_LEASE, ONE_WORKER]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let mut second = redis.server(&[LONG_LEASE, ONE_WORKER]).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(site.next_webhook().await.body["status"], "cancelled");
    second.kill().await;
    // Only the first server's one worker can run this job.
    submit(&first, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
}

#[actix::test]
async fn server_claims_only_as_many_jobs_as_it_has_workers() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[TWO_WORKERS]).await;
    for _ in 0..5 {
        submit(&first, &site, "/gated").await;
    }
    for _ in 0..2 {
        site.wait_for_gated_request().await;
    }
    assert_eq!((count(&first, "running").await, count(&first, "queued").await), (2, 3));
    let second = redis.server(&[TWO_WORKERS]).await;
    for _ in 0..2 {
        site.wait_for_gated_request().await;
    }
    assert_eq!((count(&second, "running").await, count(&second, "queued").await), (4, 1));
    site.open_gate();
    for _ in 0..5 {
        assert_eq!(site.next_webhook().await.body["status"], "completed");
    }
}

#[actix::test]
async fn frozen_server_does_not_repeat_a_webhook_already_sent() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let short = [("OPILIO__WEBHOOKS__RETRY__TIMEOUT", "1s"), ("OPILIO__WEBHOOKS__LEASE", "2s")];
    let first = redis.server(&short).await;
    site.set_webhook_statuses(&[500]);
    let path = submit(&first, &site, "/article").await;
    let rejected = site.next_webhook().await;
    // The server has either the next attempt in memory or the lease of this one.
    signal(first.pid(), "STOP");
    let second = redis.server(&short).await;
    let accepted = site.next_webhook().await;
    assert_eq!((accepted.header("webhook-id"), &accepted.bytes), (rejected.header("webhook-id"), &rejected.bytes));
    let id = path.rsplit('/').next().unwrap();
    second.wait_for_webhook_state(id, "delivered").await;
    signal(first.pid(), "CONT");
    submit(&first, &site, "/article").await;
    assert_ne!(site.next_webhook().await.header("webhook-id"), accepted.header("webhook-id"));
    let (_, log) = first.get(&format!("/jobs/{id}/deliveries")).await;
    assert_eq!(log["attempts"].as_array().map(Vec::len), Some(2), "{log}");
}

#[actix::test]
async fn disconnected_server_works_again_after_reconnection() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let proxy = redis.proxy();
    let first = redis.server_through(&proxy, &[ONE_WORKER]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    proxy.cut();
    let mut second = redis.server(&[ONE_WORKER]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    let webhook = site.next_webhook().await;
    assert_eq!(settled(&second, &path).await["status"], "completed");
    second.kill().await;
    proxy.restore();
    first.get_until("/ready", |ready| ready["status"] == "ready").await;
    submit(&first, &site, "/article").await;
    let next = site.next_webhook().await;
    assert_eq!(next.body["status"], "completed");
    assert_ne!(next.header("webhook-id"), webhook.header("webhook-id"), "the first server's result was stale");
}
