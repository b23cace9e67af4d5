//! Several servers on one Redis: the real binary, a real redis-server, and a wire between them that can be cut.

#[path = "redis/nodes.rs"]
mod nodes;
#[path = "redis/older_state.rs"]
mod older_state;
mod on_redis;
#[path = "redis/starts.rs"]
mod starts;
mod support;
#[path = "redis/tls.rs"]
mod tls;

use std::time::{Duration, Instant};

use on_redis::{Redis, signal};
use serde_json::json;
use support::events::events_until;
use support::{TestServer, TestSite};

/// Until the job at `path` is settled.
async fn settled(server: &TestServer, path: &str) -> serde_json::Value {
    loop {
        let (_, status) = server.get(path).await;
        if status["stage"] == "settled" {
            return status;
        }
    }
}

async fn submitted(server: &TestServer, site: &TestSite, page: &str) -> String {
    let job = json!({"urls": [site.url(page)], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (status, job) = server.post("/crawl/job", job).await;
    assert_eq!(status, 202, "{job}");
    format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))
}

#[actix::test]
async fn what_one_server_accepts_every_server_knows() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let path = submitted(&first, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    let status = settled(&second, &path).await;
    assert!(status["results"][0]["markdown"]["raw_markdown"].as_str().is_some_and(|text| text.contains("A title")));
    let (_, jobs) = second.get("/jobs").await;
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "{jobs}");
}

#[actix::test]
async fn who_follows_all_jobs_at_one_server_hears_of_those_of_every_other() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let mut stream = second.client().get(format!("{}/events", second.base())).send().await.expect("it answers");
    let path = submitted(&first, &site, "/article").await;
    let mut next_webhook = String::new();
    while !next_webhook.contains("event: completed") {
        let piece = stream.chunk().await.expect("the connection holds").expect("the stream goes on");
        next_webhook.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    assert!(next_webhook.contains(&path), "{next_webhook}");
}

#[actix::test]
async fn who_follows_all_jobs_goes_on_at_another_server_where_the_first_one_died() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (mut first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let before = submitted(&first, &site, "/article").await;
    let mut heard = 0;
    let events = first.client().get(format!("{}/events", first.base())).header("last-event-id", "0");
    let next_webhook = hear(events.send().await.expect("it answers"), &before, &mut heard).await;
    assert_eq!(next_webhook.matches("event: completed").count(), 1, "{next_webhook}");
    first.kill().await;
    let after = submitted(&second, &site, "/article").await;
    let events = second.client().get(format!("{}/events", second.base())).header("last-event-id", heard.to_string());
    let next_webhook = hear(events.send().await.expect("it answers"), &after, &mut heard).await;
    assert!(!next_webhook.contains(&before), "{next_webhook}");
}

/// What a stream says until the job at `path` is completed; `heard` becomes the id of the last event.
async fn hear(mut stream: reqwest::Response, path: &str, heard: &mut u64) -> String {
    let mut next_webhook = String::new();
    loop {
        let piece = stream.chunk().await.expect("the connection holds").expect("the stream goes on");
        next_webhook.push_str(std::str::from_utf8(&piece).expect("text"));
        let mut ids = next_webhook.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok());
        *heard = ids.next_back().unwrap_or(*heard);
        let completed = |event: &str| event.contains("event: completed") && event.contains(path);
        if next_webhook.split("\n\n").any(completed) && next_webhook.ends_with("\n\n") {
            return next_webhook;
        }
    }
}

#[actix::test]
async fn who_follows_a_job_goes_on_at_another_server_where_the_first_one_died() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let (mut first, second) = (redis.server(&[]).await, redis.server(&[]).await);
    let (_, job) = first.post("/crawl/job", json!({"urls": [site.url("/gated"), site.url("/article")]})).await;
    let path = format!("/jobs/{}/events", job["task_id"].as_str().expect("an id"));
    let before = events_until(&first, &path, None, "page").await;
    site.wait_for_gated_request().await;
    first.kill().await;
    site.open_gate();
    let last = before.last().expect("there is one");
    let after = events_until(&second, &path, Some(&last.id), "nothing").await;
    let heard: Vec<_> = before.iter().chain(&after).map(|event| event.name.as_str()).collect();
    assert_eq!(heard, ["queued", "started", "page", "page", "completed"]);
    let mut pages = [last, &after[0]].map(|event| event.data["index"].as_u64());
    pages.sort();
    assert_eq!(pages, [Some(0), Some(1)], "no page twice");
}

#[actix::test]
async fn a_job_is_cancelled_at_any_server() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let second = redis.server(&[]).await;
    assert_eq!(second.delete(&path).await.0, 202);
    assert_eq!(site.next_webhook().await.body["status"], "cancelled");
    assert_eq!(settled(&first, &path).await["status"], "cancelled");
}

#[actix::test]
async fn the_jobs_of_a_killed_server_are_taken_over() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let mut first = redis.server(&[]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    first.kill().await;
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&second, &path).await["status"], "completed");
}

#[actix::test]
async fn a_frozen_server_that_comes_back_can_write_nothing() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let first = redis.server(&[]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    signal(first.pid(), "STOP");
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    let next_webhook = site.next_webhook().await;
    let before = settled(&second, &path).await;
    signal(first.pid(), "CONT");
    // It has heard of nothing it could do: another job goes through it, and the old one is as it was.
    submitted(&first, &site, "/article").await;
    let next = site.next_webhook().await;
    assert_ne!(next_webhook.header("webhook-id"), next.header("webhook-id"));
    assert_eq!(settled(&first, &path).await["finished_at"], before["finished_at"]);
}

#[actix::test]
async fn while_redis_is_away_callers_hear_so_at_once_and_what_runs_is_kept() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.signal("STOP");
    site.open_gate();
    let job = json!({"urls": [site.url("/article")]}).to_string().into_bytes();
    let json = [("content-type", "application/json")];
    for (method, path, body) in [("POST", "/crawl/job", job), ("GET", &path, vec![]), ("GET", "/ready", vec![])] {
        let asked = Instant::now();
        let (status, headers, answer) = server.request(method, path, &json, body).await;
        assert_eq!(status, 503, "{method} {path}: {answer}");
        assert!(headers.contains_key("retry-after"), "{method} {path}");
        // Two seconds, and what a busy machine takes for itself.
        assert!(asked.elapsed() < Duration::from_secs(10), "{method} {path}");
    }
    assert_eq!(server.get("/health").await.0, 200);
    redis.signal("CONT");
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&server, &path).await["status"], "completed");
}

#[actix::test]
async fn who_waits_for_pages_waits_on_while_redis_is_away_for_a_moment() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let wire = redis.wire();
    let server = redis.server_by(&wire, &[("OPILIO__JOBS__LEASE", "1h")]).await;
    let urls = json!({"urls": [site.url("/gated")]});
    let stop = async {
        for _ in 0..3 {
            site.wait_for_gated_request().await;
        }
        wire.cut();
        // Whoever waits looks every second, in vain.
        tokio::time::sleep(Duration::from_secs(3)).await;
        wire.mend();
        while server.get("/ready").await.0 != 200 {}
        site.open_gate();
    };
    let lines = server.client().post(format!("{}/crawl/stream", server.base()));
    let lines = lines.header("content-type", "application/json").body(urls.to_string()).send();
    let lines = async { lines.await.expect("it answers").text().await.expect("the whole answer") };
    let page = json!({"url": site.url("/gated"), "f": "raw"});
    let (crawl, markdown, lines, ()) =
        tokio::join!(server.post("/crawl", urls.clone()), server.post("/md", page), lines, stop);
    assert_eq!((crawl.0, &crawl.1["success"]), (200, &json!(true)), "{}", crawl.1);
    assert_eq!((markdown.0, &markdown.1["success"]), (200, &json!(true)), "{}", markdown.1);
    assert!(lines.ends_with("{\"status\":\"completed\"}\n"), "{lines}");
}

#[actix::test]
async fn who_waits_for_pages_that_another_server_crawls_has_them_also_where_the_own_one_leaves() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let mut first = redis.server(&[("OPILIO__JOBS__CRAWL_WORKERS", "1")]).await;
    let busy = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    let second = redis.server(&[]).await;
    let call = first.client().post(format!("{}/crawl", first.base())).header("content-type", "application/json");
    let call = call.body(json!({"urls": [site.url("/gated")]}).to_string());
    let answer = actix::spawn(async { call.send().await.expect("the connection holds").status().as_u16() });
    site.wait_for_gated_request().await;
    assert_eq!(second.delete(&busy).await.0, 202);
    first.send_sigterm();
    first.wait_until_not_ready().await;
    site.open_gate();
    assert_eq!(answer.await.expect("it was asked"), 200);
    assert!(first.wait_for_exit().await.success());
}

#[actix::test]
async fn a_redis_that_was_restarted_is_found_again_with_what_it_kept() {
    let (site, mut redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.restart();
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    assert_eq!(settled(&server, &path).await["status"], "completed");
}

#[actix::test]
async fn a_server_cut_off_from_redis_loses_its_jobs_to_the_others() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let wire = redis.wire();
    let first = redis.server_by(&wire, &[]).await;
    let path = submitted(&first, &site, "/gated").await;
    site.wait_for_gated_request().await;
    wire.cut();
    let second = redis.server(&[]).await;
    site.wait_for_gated_request().await;
    site.open_gate();
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    let there = settled(&second, &path).await;
    wire.mend();
    assert_eq!(settled(&first, &path).await["finished_at"], there["finished_at"]);
}

#[actix::test]
async fn what_redis_forgot_is_unknown_and_new_jobs_go_on() {
    let (site, redis) = (TestSite::start(), Redis::start());
    let server = redis.server(&[]).await;
    let path = submitted(&server, &site, "/gated").await;
    site.wait_for_gated_request().await;
    redis.flush();
    assert_eq!(server.get(&path).await.0, 404);
    submitted(&server, &site, "/article").await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
}
