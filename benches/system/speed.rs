//! Throughput and latency.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::Plan;
use crate::load::{self, Connection, get, per_second, post};
use crate::opilio::Server;
use crate::origin::{Origin, article};
use crate::roles::{Program, Writer};
use crate::table::{Table, median};

const CLIENTS: usize = 64;

/// Admitted jobs per second. Their page hangs, so none completes.
pub async fn submissions(plan: Plan, origin: &Origin, table: &mut Table) {
    const JOBS: usize = 20_000;
    let body = json!({"urls": [origin.url("/never")]}).to_string();
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let request = post("/crawl/job", &body);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let echo = Program::start("echo", folder.path());
        let (same, server) = (request.clone(), Server::start());
        let limit = load::run(&echo.address, CLIENTS, JOBS, 202, move |_| request.clone()).await;
        drop(echo);
        let ours = load::run(&server.address, CLIENTS, JOBS, 202, move |_| same.clone()).await;
        rounds.push((per_second(JOBS, ours), per_second(JOBS, limit)));
    }
    table.share("durable submissions, 64 clients", &rounds, "/s", 0.5);
}

/// One-URL jobs per second, from submission to settlement.
pub async fn pages(plan: Plan, origin: &Origin, table: &mut Table) {
    const JOBS: usize = 2_000;
    let body = json!({"urls": [origin.url("/article")]}).to_string();
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let limit = bare_crawl(&origin.url("/article"), JOBS).await;
        let server = Server::start();
        let request = post("/crawl/job", &body);
        let began = Instant::now();
        load::run(&server.address, CLIENTS, JOBS, 202, move |_| request.clone()).await;
        server.settled(JOBS).await;
        rounds.push((per_second(JOBS, began.elapsed()), per_second(JOBS, limit)));
    }
    table.share("pages of 50 KB, one-URL jobs end to end", &rounds, "/s", 0.5);
}

/// The limit for pages: fetch, parse and write each page once.
async fn bare_crawl(url: &str, pages: usize) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let writer = Writer::start(folder.path());
    let client = bare_client();
    let began = Instant::now();
    let fetched = stream::iter(0..pages).map(|_| {
        let (client, writer, url) = (client.clone(), writer.clone(), url.to_owned());
        tokio::spawn(async move {
            let html = client
                .get(url)
                .send()
                .await
                .expect("the site responds")
                .bytes()
                .await
                .expect("the response is complete");
            assert!(opilio_page::parse_only(std::str::from_utf8(&html).expect("text")) > 100);
            writer.insert(html).await;
        })
    });
    fetched.buffer_unordered(CLIENTS).for_each(async |done| done.expect("no page fails")).await;
    began.elapsed()
}

fn bare_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a plain client")
}

/// Webhooks per second to one healthy receiver, all due at once.
pub async fn deliveries(plan: Plan, origin: &Origin, table: &mut Table) {
    const WEBHOOKS: usize = 3_000;
    let server = Server::start();
    let body = json!({"urls": ["raw:<p>x"], "webhook_config": {"webhook_url": origin.url("/hook")}}).to_string();
    origin.reset_webhooks();
    let request = post("/crawl/job", &body);
    load::run(&server.address, CLIENTS, WEBHOOKS, 202, move |_| request.clone()).await;
    origin.wait_for_webhooks(WEBHOOKS).await;
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let limit = bare_posts(&origin.url("/hook"), WEBHOOKS).await;
        origin.reset_webhooks();
        let began = Instant::now();
        let mut connection = Connection::open(&server.address).await;
        let (status, body) = connection.request(&post("/deliveries/replay", "{}")).await;
        assert_eq!(status, 202, "{}", String::from_utf8_lossy(body));
        origin.wait_for_webhooks(WEBHOOKS).await;
        rounds.push((per_second(WEBHOOKS, began.elapsed()), per_second(WEBHOOKS, limit)));
    }
    table.share("webhooks to one receiver, all due", &rounds, "/s", 0.5);
}

async fn bare_posts(url: &str, count: usize) -> Duration {
    let client = bare_client();
    let body = json!({"task_id": "crawl_00000000000000000000000000", "task_type": "crawl", "status": "completed",
        "timestamp": "2025-10-21T10:30:00.000000+00:00", "urls": ["raw:<p>x"]});
    let body = Bytes::from(body.to_string());
    let began = Instant::now();
    let posted = stream::iter(0..count).map(|_| {
        let request = client.post(url).header("content-type", "application/json").body(body.clone());
        tokio::spawn(async move {
            request.send().await.expect("the site responds").bytes().await.expect("the response is complete")
        })
    });
    posted.buffer_unordered(CLIENTS).for_each(async |done| drop(done.expect("no webhook fails"))).await;
    began.elapsed()
}

/// Status responses per second for a thousand jobs with a page of 50 KB each.
pub async fn polls(plan: Plan, origin: &Origin, table: &mut Table) {
    const JOBS: usize = 1_000;
    const POLLS: usize = 5_000;
    let server = Server::start();
    let body = json!({"urls": [origin.url("/article")]}).to_string();
    let mut connection = Connection::open(&server.address).await;
    let mut requests = Vec::new();
    for _ in 0..JOBS {
        let (_, response) = connection.request(&post("/crawl/job", &body)).await;
        let response: Value = serde_json::from_slice(response).expect("JSON");
        requests.push(get(&format!("/crawl/job/{}", response["task_id"].as_str().expect("an id"))));
    }
    server.settled(JOBS).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("response.json");
    std::fs::write(&file, connection.request(&requests[0]).await.1).expect("the folder is writable");
    let memory = Program::start("memory", &file);
    let requests = Arc::new(requests);
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let (these, same) = (Arc::clone(&requests), Arc::clone(&requests));
        let limit = load::run(&memory.address, CLIENTS, POLLS, 200, move |n| these[n % JOBS].clone()).await;
        let ours = load::run(&server.address, CLIENTS, POLLS, 200, move |n| same[n % JOBS].clone()).await;
        rounds.push((per_second(POLLS, ours), per_second(POLLS, limit)));
    }
    table.share("status responses with a page of 50 KB", &rounds, "/s", 0.5);
}

/// Milliseconds from submission to webhook, one job at a time. The minimum is a fetch and a parse of the page, and one sync
/// for each step that must be on disk before the next.
pub async fn latency(origin: &Origin, table: &mut Table) {
    const JOBS: usize = 100;
    /// Submission, claim, page, settlement, start of the attempt.
    const SYNCS: u32 = 5;
    let server = Server::start();
    let webhook = json!({"webhook_url": origin.url("/hook")});
    let request = post("/crawl/job", &json!({"urls": [origin.url("/article")], "webhook_config": webhook}).to_string());
    let mut connection = Connection::open(&server.address).await;
    let (client, url, html) = (bare_client(), origin.url("/article"), article());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let writer = Writer::start(folder.path());
    let (mut ours, mut minimum) = (Vec::new(), Vec::new());
    for _ in 0..JOBS {
        origin.reset_webhooks();
        let began = Instant::now();
        assert_eq!(connection.request(&request).await.0, 202);
        origin.wait_for_webhooks(1).await;
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        let began = Instant::now();
        client.get(&url).send().await.expect("the site responds").bytes().await.expect("the response is complete");
        opilio_page::parse_only(&html);
        let read = began.elapsed();
        let began = Instant::now();
        writer.insert(Bytes::from_static(b"x")).await;
        minimum.push((read + SYNCS * began.elapsed()).as_secs_f64() * 1000.0);
    }
    let bound = median(minimum) + 5.0;
    table.at_most("submission to webhook (bound: minimum + 5 ms)", median(ours), bound, "ms");
}
