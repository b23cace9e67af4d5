//! What the jobs of one principal cannot withhold from others, against the real binary.

#[path = "fairness/site.rs"]
mod site;
mod support;

use serde_json::{Value, json};
use site::SlowSite;
use support::{DEADLINE, TestServer, expect, until};

/// A server with two principals, `ann` and `bob`, which may reach loopback addresses.
async fn start(config: &str) -> TestServer {
    let mut text = format!("{config}\negress: {{allow_internal: true}}\nsecurity:\n  tokens:\n");
    for name in ["ann", "bob"] {
        let hash: String = opilio::http::hash(&token(name)).iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("    {name}: {{sha256: {hash}, scope: submit}}\n"));
    }
    TestServer::with_config(&text).await
}

fn token(name: &str) -> String {
    format!("the token of {name}")
}

async fn request(server: &TestServer, name: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, _, response) = server.request(method, path, &headers, body.to_string().into_bytes()).await;
    (status, response)
}

async fn submit(server: &TestServer, name: &str, body: Value) -> String {
    let (status, response) = request(server, name, "POST", "/crawl/job", body).await;
    assert_eq!(status, 202, "{response}");
    response["task_id"].as_str().expect("an id").to_owned()
}

async fn job(server: &TestServer, name: &str, id: &str) -> Value {
    request(server, name, "GET", &format!("/crawl/job/{id}"), Value::Null).await.1
}

async fn read_page(server: &TestServer, name: &str, url: String) {
    let (status, response) = request(server, name, "POST", "/md", json!({"url": url})).await;
    assert_eq!(status, 200, "{response}");
}

/// Submits jobs of 16 pages each that do not end, each page on a host of its own, with the longest timeout.
async fn submit_endless(server: &TestServer, site: &SlowSite, jobs: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..jobs {
        let urls: Vec<_> = (0..16).map(|page| site.url(n * 16 + page, "/drip")).collect();
        let config = json!({"page_timeout": 86_400_000});
        ids.push(submit(server, "ann", json!({"urls": urls, "crawler_config": config})).await);
    }
    ids
}

#[actix::test]
async fn endless_pages_delay_no_other_page() {
    let (site, server) = (SlowSite::start().await, start("limits: {min_page_rate: 0}").await);
    let endless = submit_endless(&server, &site, 4).await;
    site.wait_for_requests("/drip", 64).await;
    // Another principal's, and an interactive request of the same one.
    for name in ["bob", "ann"] {
        read_page(&server, name, site.url(5000, "/page")).await;
    }
    for id in &endless {
        let job = job(&server, "ann", id).await;
        assert_eq!((&job["status"], &job["progress"]["done"]), (&json!("processing"), &json!(0)), "{job}");
        assert_eq!(job["warnings"][0]["key"], "crawler_config.page_timeout", "{job}");
    }
}

#[actix::test]
async fn jobs_with_endless_pages_leave_workers_for_others() {
    let config = "limits: {min_page_rate: 0}\njobs: {crawl_workers: 4}";
    let (site, server) = (SlowSite::start().await, start(config).await);
    submit_endless(&server, &site, 12).await;
    site.wait_for_requests("/drip", 64).await;
    for _ in 0..3 {
        for name in ["bob", "ann"] {
            read_page(&server, name, site.url(5000, "/page")).await;
        }
    }
}

#[actix::test]
async fn page_below_minimum_rate_fails() {
    let config = "limits: {min_page_rate: 100}\ncrawler: {read_timeout: 2s}";
    let (site, server) = (SlowSite::start().await, start(config).await);
    let id = submit(&server, "ann", json!({"urls": [site.url(0, "/drip")]})).await;
    let settled = async || {
        let job = job(&server, "ann", &id).await;
        if job["status"] == "processing" { Err(job) } else { Ok(job) }
    };
    let job = until(settled, DEADLINE).await;
    assert_eq!(job["error"], "Connection too slow: less than 100 bytes per second", "{job}");
}

#[actix::test]
async fn cancelled_jobs_reserve_no_crawl_delay() {
    let (site, server) = (SlowSite::start().await, start("").await);
    let config = json!({"check_robots_txt": true});
    let mut waiting = Vec::new();
    for n in 0..5 {
        let urls: Vec<_> = (0..16).map(|page| site.url(0, &format!("/page{n}-{page}"))).collect();
        waiting.push(submit(&server, "ann", json!({"urls": urls, "crawler_config": config})).await);
    }
    site.wait_for_requests("/page", 1).await;
    let noted = async || {
        let job = job(&server, "ann", &waiting[1]).await;
        expect(job["waiting_for"] == "the delay of 5s between pages of 127.0.0.1", job)
    };
    until(noted, DEADLINE).await;
    for id in waiting {
        let (status, _) = request(&server, "ann", "DELETE", &format!("/crawl/job/{id}"), Value::Null).await;
        assert_eq!(status, 202);
    }
    submit(&server, "bob", json!({"urls": [site.url(0, "/other")], "crawler_config": config})).await;
    site.wait_for_requests("/other", 1).await;
}

/// Submits a job whose webhook goes to this URL.
async fn notify(server: &TestServer, name: &str, url: String) {
    submit(server, name, json!({"urls": ["raw:<p>x"], "webhook_config": {"webhook_url": url}})).await;
}

#[actix::test]
async fn hanging_receivers_delay_no_other_delivery() {
    let config = "webhooks: {max_in_flight: 16, retry: {timeout: 100s}}";
    let (site, server) = (SlowSite::start().await, start(config).await);
    notify(&server, "ann", site.url(5000, "/known")).await;
    site.wait_for_requests("/known", 1).await;
    for n in 0..100 {
        notify(&server, "ann", site.url(n, &format!("/hang{n}"))).await;
    }
    site.wait_for_requests("/hang", 1).await;
    // A new receiver of another principal, and a receiver that has responded before.
    notify(&server, "bob", site.url(5001, "/new")).await;
    notify(&server, "ann", site.url(5000, "/known")).await;
    site.wait_for_requests("/new", 1).await;
    site.wait_for_requests("/known", 2).await;
    assert!(site.requests("/hang") < 100, "the other attempts wait");
}

#[actix::test]
async fn hanging_path_delays_no_other_path_of_its_origin() {
    let config = "webhooks: {max_in_flight_per_receiver: 16, retry: {timeout: 100s}}";
    let (site, server) = (SlowSite::start().await, start(config).await);
    notify(&server, "ann", site.url(0, "/known")).await;
    site.wait_for_requests("/known", 1).await;
    for n in 0..100 {
        notify(&server, "ann", site.url(0, &format!("/hang{}", n % 50))).await;
    }
    site.wait_for_requests("/hang", 1).await;
    notify(&server, "ann", site.url(0, "/known")).await;
    site.wait_for_requests("/known", 2).await;
    notify(&server, "bob", site.url(0, "/new")).await;
    site.wait_for_requests("/new", 1).await;
}
