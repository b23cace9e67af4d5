//! Who gets which job, and what one server can still do to what another one has.

use serde_json::Value;

use super::on_redis::{Redis, signal};
use super::support::{TestServer, TestSite};
use super::{settled, submitted};

/// Nothing runs out, and nobody asks how things stand, for as long as a test takes.
const NO_HURRY: (&str, &str) = ("OPILIO__JOBS__LEASE", "1h");
const ONE_WORKER: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "1");
const TWO_WORKERS: (&str, &str) = ("OPILIO__JOBS__CRAWL_WORKERS", "2");

/// How many jobs are at this stage.
async fn at(server: &TestServer, stage: &str) -> usize {
    let (_, list) = server.get("/jobs").await;
    let jobs = list["jobs"].as_array().expect("a list");
    jobs.iter().filter(|job| job["stage"] == stage).count()
}

#[actix::test]
async fn a_job_cancelled_at_another_server_frees_its_worker_at_once() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[NO_HURRY, ONE_WORKER]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let mut second = redis.server(&[NO_HURRY, ONE_WORKER]).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(site.next_webhook().await.body["status"], "cancelled");
    second.kill().await;
    // Its only worker would hang at the gate, and its lease would last; there is nobody else.
    submitted(&first, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
}

#[actix::test]
async fn a_server_takes_no_more_jobs_than_it_can_start_and_the_others_get_the_rest() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[TWO_WORKERS]).await;
    for _ in 0..5 {
        submitted(&first, &site, "/gated").await;
    }
    for _ in 0..2 {
        site.wait_for_gated_request().await;
    }
    assert_eq!((at(&first, "running").await, at(&first, "queued").await), (2, 3));
    let second = redis.server(&[TWO_WORKERS]).await;
    for _ in 0..2 {
        site.wait_for_gated_request().await;
    }
    assert_eq!((at(&second, "running").await, at(&second, "queued").await), (4, 1));
    site.open_gate();
    for _ in 0..5 {
        assert_eq!(site.next_webhook().await.body["status"], "completed");
    }
}

#[actix::test]
async fn a_frozen_server_sends_no_webhook_that_another_one_has_sent_meanwhile() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let quick = [("OPILIO__WEBHOOKS__RETRY__TIMEOUT", "1s"), ("OPILIO__WEBHOOKS__LEASE", "2s")];
    let first = redis.server(&quick).await;
    site.set_webhook_statuses(&[500]);
    let path = submitted(&first, &site, "/article").await;
    let refused = site.next_webhook().await;
    // It holds the next attempt in its memory, or the lease of this one.
    signal(first.pid(), "STOP");
    let second = redis.server(&quick).await;
    let taken = site.next_webhook().await;
    assert_eq!((taken.header("webhook-id"), &taken.bytes), (refused.header("webhook-id"), &refused.bytes));
    delivered(&second, &path).await;
    signal(first.pid(), "CONT");
    submitted(&first, &site, "/article").await;
    assert_ne!(site.next_webhook().await.header("webhook-id"), taken.header("webhook-id"));
    let (_, log) = first.get(&format!("/jobs/{}/deliveries", path.rsplit('/').next().expect("an id"))).await;
    assert_eq!(log["attempts"].as_array().map(Vec::len), Some(2), "{log}");
}

#[actix::test]
async fn a_server_that_was_cut_off_works_again_when_the_wire_is_mended() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let wire = redis.wire();
    let first = redis.server_by(&wire, &[ONE_WORKER]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    wire.cut();
    let mut second = redis.server(&[ONE_WORKER]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    let next_webhook = site.next_webhook().await;
    assert_eq!(settled(&second, &path).await["status"], "completed");
    second.kill().await;
    wire.mend();
    while first.get("/ready").await.0 != 200 {}
    submitted(&first, &site, "/article").await;
    let next = site.next_webhook().await;
    assert_eq!(next.body["status"], "completed");
    assert_ne!(next.header("webhook-id"), next_webhook.header("webhook-id"), "what it had found out came too late");
}

async fn delivered(server: &TestServer, path: &str) -> Value {
    loop {
        let (_, status) = server.get(path).await;
        if status["webhook"]["state"] == "delivered" {
            return status;
        }
    }
}
