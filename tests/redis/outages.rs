//! Killed, frozen and disconnected servers, and an unavailable Redis.

use std::time::{Duration, Instant};

use serde_json::json;

use super::on_redis::{Redis, signal};
use super::support::TestSite;
use super::{settled, submit};

#[actix::test]
async fn jobs_of_a_killed_server_are_claimed_by_another_one() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let mut first = redis.server(&[]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    first.kill().await;
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&second, &path).await["status"], "completed");
}

#[actix::test]
async fn frozen_server_cannot_write_after_its_lease_expired() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    signal(first.pid(), "STOP");
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    let webhook = site.next_webhook().await;
    let before = settled(&second, &path).await;
    signal(first.pid(), "CONT");
    // Another job passes through the first server; the old job has not changed.
    submit(&first, &site, "/article").await;
    let next = site.next_webhook().await;
    assert_ne!(webhook.header("webhook-id"), next.header("webhook-id"));
    assert_eq!(settled(&first, &path).await["finished_at"], before["finished_at"]);
}

#[actix::test]
async fn unavailable_redis_causes_503_and_running_jobs_complete() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.signal("STOP");
    site.open_gate();
    let job = json!({"urls": [site.url("/article")]}).to_string().into_bytes();
    let json = [("content-type", "application/json")];
    for (method, path, body) in [("POST", "/crawl/job", job), ("GET", &path, vec![]), ("GET", "/ready", vec![])] {
        let started = Instant::now();
        let (status, headers, response) = server.request(method, path, &json, body).await;
        assert_eq!(status, 503, "{method} {path}: {response}");
        assert!(headers.contains_key("retry-after"), "{method} {path}");
        // The limit is two seconds; the rest allows for a loaded machine.
        assert!(started.elapsed() < Duration::from_secs(10), "{method} {path}");
    }
    assert_eq!(server.get("/health").await.0, 200);
    redis.signal("CONT");
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&server, &path).await["status"], "completed");
}

#[actix::test]
async fn synchronous_requests_tolerate_a_short_outage_of_redis() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let proxy = redis.proxy();
    let server = redis.server_through(&proxy, &[("OPILIO__JOBS__LEASE", "1h")]).await;
    let urls = json!({"urls": [site.url("/gated")]});
    let outage = async {
        for _ in 0..3 {
            site.wait_for_gated_request().await;
        }
        proxy.cut();
        // Waiting requests poll every second and get errors during this time.
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.restore();
        server.get_until("/ready", |ready| ready["status"] == "ready").await;
        site.open_gate();
    };
    let stream = server.client().post(format!("{}/crawl/stream", server.base()));
    let stream = stream.header("content-type", "application/json").body(urls.to_string()).send();
    let stream = async { stream.await.unwrap().text().await.unwrap() };
    let page = json!({"url": site.url("/gated"), "f": "raw"});
    let (crawl, markdown, stream, ()) =
        tokio::join!(server.post("/crawl", urls.clone()), server.post("/md", page), stream, outage);
    assert_eq!((crawl.0, &crawl.1["success"]), (200, &json!(true)), "{}", crawl.1);
    assert_eq!((markdown.0, &markdown.1["success"]), (200, &json!(true)), "{}", markdown.1);
    assert!(stream.ends_with("{\"status\":\"completed\"}\n"), "{stream}");
}

#[actix::test]
async fn draining_server_answers_a_request_whose_job_runs_elsewhere() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let mut first = redis.server(&[("OPILIO__JOBS__CRAWL_WORKERS", "1")]).await;
    let running = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let second = redis.server(&[]).await;
    let request = first.client().post(format!("{}/crawl", first.base())).header("content-type", "application/json");
    let request = request.body(json!({"urls": [site.url("/gated")]}).to_string());
    let status = actix::spawn(async { request.send().await.unwrap().status().as_u16() });
    site.wait_for_gated_request().await;
    assert_eq!(second.delete(&running).await.0, 202);
    first.send_sigterm();
    first.wait_until_not_ready().await;
    site.open_gate();
    assert_eq!(status.await.unwrap(), 200);
    assert!(first.wait_for_exit().await.success());
}

#[actix::test]
async fn restarted_redis_is_used_again() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submit(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.restart();
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&server, &path).await["status"], "completed");
}

#[actix::test]
async fn jobs_of_a_disconnected_server_are_claimed_by_another_one() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let proxy = redis.proxy();
    let first = redis.server_through(&proxy, &[]).await;
    let path = submit(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    proxy.cut();
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    let job = settled(&second, &path).await;
    proxy.restore();
    assert_eq!(settled(&first, &path).await["finished_at"], job["finished_at"]);
}
