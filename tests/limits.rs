//! Limits on requests, queues, connections and pages, against the real binary.

#[path = "limits/connections.rs"]
mod connections;
#[path = "limits/pages.rs"]
mod pages;
#[path = "limits/patterns.rs"]
mod patterns;
#[path = "limits/robots.rs"]
mod robots;
mod support;

use serde_json::{Value, json};
use support::events::events_until;
use support::{TestServer, TestSite};

#[actix::test]
async fn large_jobs_are_listed_in_pages_and_events_omit_urls() {
    let server = TestServer::start().await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(100_000));
    let mut jobs = Vec::new();
    for _ in 0..5 {
        let (status, job) = server.post("/crawl/job", json!({"urls": [page]})).await;
        assert_eq!(status, 202, "{job}");
        jobs.push(job["task_id"].clone());
    }
    let (mut listed, mut pages, mut path) = (Vec::new(), 0, "/jobs?limit=1000".to_owned());
    loop {
        let (_, list) = server.get(&path).await;
        listed.extend(list["jobs"].as_array().expect("a list").iter().map(|job| job["task_id"].clone()));
        pages += 1;
        let Some(next) = list["next_cursor"].as_str() else { break };
        path = format!("/jobs?limit=1000&cursor={next}");
    }
    jobs.reverse();
    assert_eq!((pages, listed), (3, jobs.clone()), "a page holds a megabyte, which is two of these jobs");

    let path = format!("/jobs/{}/events", jobs[0].as_str().expect("an id"));
    let events = events_until(&server, &path, None, "completed").await;
    let states: Vec<_> = events.iter().filter(|event| event.name != "page").map(|event| &event.data).collect();
    assert_eq!((states.len(), events.last().map(|last| last.id.as_str())), (3, Some("settled")));
    assert!(
        states
            .iter()
            .all(|job| job["task_id"] == jobs[0] && job["urls"] == Value::Null && job["status"] != Value::Null)
    );
}

#[actix::test]
async fn json_nesting_depth_is_limited() {
    let server = TestServer::with_config("limits: {max_json_depth: 10}").await;
    for (depth, expected) in [(10, 422), (11, 400), (100_000, 400)] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        let json = [("content-type", "application/json")];
        let (status, _, response) = server.request("POST", "/crawl/job", &json, body).await;
        assert_eq!(status, expected, "{depth}: {response}");
    }
}

#[actix::test]
async fn rate_limited_request_gets_retry_after() {
    for (config, path) in
        [("limits: {rate: {per_address: 2/hour}}", "/health"), ("limits: {rate: {per_principal: 2/hour}}", "/jobs")]
    {
        let server = TestServer::with_config(config).await;
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let (status, headers, _) = server.request("GET", path, &[], vec![]).await;
            statuses.push(status);
            if status == 429 {
                let wait = headers.get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
                assert!(wait.is_some_and(|wait| (60..=1800).contains(&wait)), "{wait:?}");
            }
        }
        assert_eq!(statuses, [200, 200, 429], "{config}");
    }
}

#[actix::test]
async fn default_limit_of_crawl4ai_applies_to_synchronous_routes() {
    let server =
        TestServer::with_config("rate_limiting: {enabled: true, default_limit: 1/hour, trusted_proxies: []}").await;
    let page = json!({"url": "raw:<p>x", "f": "raw"});
    assert_eq!(server.post("/md", page.clone()).await.0, 200);
    assert_eq!(server.post("/md", page.clone()).await.0, 429);
    assert_eq!(server.post("/crawl", json!({"urls": ["raw:<p>x"]})).await.0, 429);
    assert_eq!(server.get("/llm/example.com?q=x").await.0, 429);
    for _ in 0..3 {
        assert_eq!(server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await.0, 202);
    }
    let off = TestServer::with_config("rate_limiting: {enabled: false, default_limit: 1/hour}").await;
    for _ in 0..2 {
        assert_eq!(off.post("/md", page.clone()).await.0, 200);
    }
}

#[actix::test]
async fn full_principal_queue_is_429_and_full_queue_is_503() {
    let site = TestSite::start();
    for (config, expected) in [
        ("limits: {queue: {per_principal: 2}}\njobs: {crawl_workers: 1}", 429),
        ("limits: {queue: {maxsize: 1}}\njobs: {crawl_workers: 1}", 503),
    ] {
        let server = TestServer::with_config(config).await;
        let gated = json!({"urls": [site.url("/gated")]});
        assert_eq!(server.post("/crawl/job", gated.clone()).await.0, 202);
        site.wait_for_gated_request().await;
        assert_eq!(server.post("/crawl/job", gated.clone()).await.0, 202);
        let body = gated.to_string().into_bytes();
        let (status, headers, response) =
            server.request("POST", "/crawl/job", &[("content-type", "application/json")], body).await;
        assert_eq!(status, expected, "{config}: {response}");
        assert!(headers.contains_key("retry-after"), "{config}");
    }
}

#[actix::test]
async fn token_can_have_its_own_limits() {
    let hash: String = opilio::http::hash("t").iter().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("{{sha256: {hash}, scope: submit, rate: 3/hour, max_jobs: 1}}");
    let config = format!("security: {{api_token: own, tokens: {{ci: {token}}}}}\negress: {{allow: [127.0.0.1]}}");
    let (site, server) = (TestSite::start(), TestServer::with_config(&config).await);
    let gated = json!({"urls": [site.url("/gated")]}).to_string().into_bytes();
    let mut responses = Vec::new();
    for token in ["t", "t", "t", "t", "own", "own"] {
        let headers = [("x-api-key", token), ("content-type", "application/json")];
        let (status, _, response) = server.request("POST", "/crawl/job", &headers, gated.clone()).await;
        responses.push((status, response["detail"].as_str().map(|detail| detail.starts_with("Too many of your jobs"))));
    }
    let full = (429, Some(true));
    assert_eq!(responses, [(202, None), full, full, (429, Some(false)), (202, None), (202, None)]);
}

#[actix::test]
async fn forwarded_headers_count_from_trusted_proxies_only() {
    let limits = "limits: {rate: {per_address: 2/hour}}\n";
    let listed = "rate_limiting: {trusted_proxies: [127.0.0.0/8]}";
    // An open server rejects requests with forwarded headers unless this is set.
    let open = "security: {allow_unauthenticated: true}\n";
    let unlisted = "rate_limiting: {trusted_proxies: [192.0.2.99]}";
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    for (config, last, base) in [
        (format!("{limits}{open}{listed}"), 202, "https://crawl.example".to_owned()),
        (format!("{limits}{open}{unlisted}"), 429, String::new()),
    ] {
        let server = TestServer::with_config(&config).await;
        let base = if base.is_empty() { server.base().to_owned() } else { base };
        let mut statuses = Vec::new();
        for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            let forwarded = [
                ("content-type", "application/json"),
                ("x-forwarded-for", client),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "crawl.example"),
            ];
            let (status, _, response) = server.request("POST", "/crawl/job", &forwarded, body.clone()).await;
            let link = response["_links"]["self"]["href"].as_str().unwrap_or_default().to_owned();
            assert!(status == 429 || link.starts_with(&format!("{base}/crawl/job/")), "{link}");
            statuses.push(status);
        }
        assert_eq!(statuses, [202, 202, last]);
    }
}

async fn settled(server: &TestServer, job: &Value) -> Value {
    server.wait_until_settled(job["task_id"].as_str().expect("an id")).await
}
