//! The documented examples, and jobs through kills and stops, on the real binary.

#[path = "serve/events.rs"]
mod events;
#[path = "serve/results.rs"]
mod results;
mod support;
#[path = "serve/unread_log.rs"]
mod unread_log;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

#[actix::test]
async fn example_1_webhook_without_data() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let page = site.url("/article");
    let submitted = server
        .post(
            "/crawl/job",
            json!({"urls": [page], "webhook_config": {
            "webhook_url": site.webhook_url(), "webhook_data_in_payload": false}}),
        )
        .await;
    assert_eq!(submitted.0, 202);
    let id = submitted.1["task_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("crawl_"));
    let received = site.next_webhook().await;
    assert_eq!(received.body["task_id"], id.as_str());
    assert_eq!(received.body["task_type"], "crawl");
    assert_eq!(received.body["status"], "completed");
    assert_eq!(received.body["urls"], json!([page]));
    assert!(received.body.get("data").is_none());
    let timestamp = received.body["timestamp"].as_str().expect("a time");
    assert!(timestamp.ends_with("+00:00") && timestamp.len() == 32, "{timestamp}");

    let status = server.get(&format!("/crawl/job/{id}")).await;
    assert_eq!((status.0, &status.1["status"]), (200, &json!("completed")));
    assert_eq!(status.1["url"], json!(json!([page]).to_string()));
    assert_eq!(status.1["results"], status.1["result"]["results"]);
    let link = status.1["_links"]["self"]["href"].as_str().expect("a link");
    assert_eq!(server.get_url(link).await.0, 200);
}

#[actix::test]
async fn examples_2_and_3_webhook_with_data_and_headers() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let body = json!({"urls": [site.url("/article")], "webhook_config": {
        "webhook_url": site.webhook_url(), "webhook_data_in_payload": true,
        "webhook_headers": {"X-Webhook-Secret": "my-secret-token", "X-Service-ID": "crawl4ai-production"}}});
    server.post("/crawl/job", body).await;
    let received = site.next_webhook().await;
    let data = &received.body["data"];
    let markdown = data["markdown"].as_str().expect("text");
    assert!(markdown.contains("# A title") && markdown.contains("Some **bold** words"), "{markdown}");
    assert!(data["html"].as_str().expect("text").contains("<h1>A title</h1>"));
    assert_eq!(data["metadata"]["title"], "The page");
    assert_eq!(data["links"]["internal"][0]["href"], site.url("/other"));
    assert_eq!(data["results"][0]["markdown"]["raw_markdown"], data["markdown"]);
    assert_eq!(received.header("x-webhook-secret"), Some("my-secret-token"));
    assert_eq!(received.header("x-service-id"), Some("crawl4ai-production"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(received.header("user-agent").expect("one").starts_with("Opilio-Webhook/"));
    assert!(received.header("webhook-id").is_some() && received.header("webhook-timestamp").is_some());
}

#[actix::test]
async fn example_4_webhook_of_a_failed_job() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let webhook = json!({"webhook_url": site.webhook_url()});
    server.post("/crawl/job", json!({"urls": [site.url("/missing")], "webhook_config": webhook})).await;
    let received = site.next_webhook().await;
    assert_eq!((&received.body["status"], &received.body["error"]), (&json!("failed"), &json!("HTTP 404 Not Found")));
}

#[actix::test]
async fn page_results_have_all_keys_and_no_null_containers() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let urls = json!([site.url("/article"), site.url("/missing"), "http://127.0.0.1:1/x"]);
    server
        .post(
            "/crawl/job",
            json!({"urls": urls, "webhook_config": {
        "webhook_url": site.webhook_url(), "webhook_data_in_payload": true}}),
        )
        .await;
    let received = site.next_webhook().await;
    let results = received.body["data"]["results"].as_array().expect("a list").clone();
    let successes: Vec<_> = results.iter().map(|result| result["success"].clone()).collect();
    assert_eq!(successes, [true, false, false]);
    for result in &results {
        for key in KEYS {
            assert!(result.get(key).is_some(), "{key} is missing");
        }
        for text in ["url", "html", "error_message"] {
            assert!(result[text].is_string(), "{text}: {}", result[text]);
        }
        for list in [&result["media"]["images"], &result["links"]["external"], &result["tables"]] {
            assert!(list.is_array());
        }
        assert!(result["markdown"]["fit_markdown"].is_string());
    }
}

#[actix::test]
async fn webhook_retry_and_replay_have_the_same_id_and_body() {
    let site = TestSite::start();
    site.set_webhook_statuses(&[500]);
    let server = TestServer::start().await;
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (_, submitted) = server.post("/crawl/job", json!({"urls": ["raw:<p>hi"], "webhook_config": webhook})).await;
    let (first, second) = (site.next_webhook().await, site.next_webhook().await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.bytes, second.bytes);
    let id = submitted["task_id"].as_str().expect("an id");
    let replayed = server.post(&format!("/jobs/{id}/deliveries"), Value::Null).await;
    assert_eq!(replayed.0, 202);
    assert_eq!(site.next_webhook().await.bytes, first.bytes);
    let log = server.get(&format!("/jobs/{id}/deliveries")).await.1;
    assert_eq!((&log["attempts"][0]["status"], &log["attempts"][1]["status"]), (&json!(500), &json!(200)));
}

#[actix::test]
async fn running_jobs_complete_after_a_kill() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let ids = submit_slow_jobs(&server, &site).await;
    server.kill().await;
    site.open_gate();
    server.restart().await;
    assert_all_complete(&site, ids).await;
}

#[actix::test]
async fn running_jobs_complete_during_a_stop_or_after_the_restart() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let ids = submit_slow_jobs(&server, &site).await;
    server.send_sigterm();
    assert_eq!(server.wait_until_not_ready().await, 503);
    let late = server.submit_until_rejected(json!({"urls": ["raw:<p>late"]})).await;
    assert_eq!(late, 503);
    site.open_gate();
    assert!(server.wait_for_exit().await.success());
    server.restart().await;
    assert_all_complete(&site, ids).await;
}

#[actix::test]
async fn public_address_without_a_token_is_rejected() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_opilio"))
        .args(["serve", "--host", "0.0.0.0"])
        .output()
        .await
        .expect("the binary runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("security.api_token"));
}

#[actix::test]
async fn job_can_be_cancelled_rerun_and_listed() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_headers": {"X-Webhook-Secret": "hidden-value"}});
    let body = json!({"urls": [site.url("/gated")], "priority": 10, "webhook_config": webhook});
    let (_, submitted) = server.post_with_key("/crawl/job", "one", body.clone()).await;
    assert_eq!(submitted["warnings"][0]["key"], "priority");
    let id = submitted["task_id"].as_str().expect("an id");
    assert_eq!(server.post_with_key("/crawl/job", "one", body.clone()).await.1["task_id"], id);
    assert_eq!(server.post_with_key("/crawl/job", "one", json!({"urls": ["raw:x"]})).await.0, 409);

    site.wait_for_gated_request().await;
    let (_, running) = server.get(&format!("/llm/job/{id}")).await;
    assert_eq!((&running["status"], &running["stage"]), (&json!("processing"), &json!("running")));
    assert_eq!(running["progress"], json!({"done": 0, "failed": 0, "total": 1}));
    assert_eq!(running["webhook"]["state"], "waiting");
    assert!(!running.to_string().contains("hidden-value"));

    assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 202);
    let received = site.next_webhook().await;
    assert_eq!((&received.body["status"], received.body["error"].is_string()), (&json!("cancelled"), true));
    assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 409);

    site.open_gate();
    let (status, again) = server.post(&format!("/jobs/{id}/rerun"), Value::Null).await;
    assert_eq!(status, 202);
    assert_ne!(again["task_id"], id);
    assert_eq!(site.next_webhook().await.body["task_id"], again["task_id"]);
    let newest = server.get("/jobs?limit=1").await.1;
    assert_eq!(newest["jobs"][0]["task_id"], again["task_id"]);
    let cursor = newest["next_cursor"].as_str().expect("there is more");
    let rest = server.get(&format!("/jobs?status=cancelled&cursor={cursor}")).await.1;
    assert_eq!((&rest["jobs"][0]["task_id"], &rest["next_cursor"]), (&json!(id), &Value::Null));
}

#[actix::test]
async fn raw_page_resolves_links_against_base_url() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true});
    let config = json!({"base_url": "https://a.example/dir/"});
    let urls = json!(["raw:<a href='x'>x</a>"]);
    server.post("/crawl/job", json!({"urls": urls, "crawler_config": config, "webhook_config": webhook})).await;
    let links = site.next_webhook().await.body["data"]["links"].take();
    assert_eq!(links["internal"][0]["href"], "https://a.example/dir/x");
}

/// Submits ten jobs whose pages wait for the gate.
async fn submit_slow_jobs(server: &TestServer, site: &TestSite) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..10 {
        let webhook = json!({"webhook_url": site.webhook_url()});
        let body = json!({"urls": [site.url("/gated")], "webhook_config": webhook});
        ids.push(server.post("/crawl/job", body).await.1["task_id"].as_str().expect("an id").to_owned());
    }
    site.wait_for_gated_request().await;
    ids
}

async fn assert_all_complete(site: &TestSite, mut ids: Vec<String>) {
    let mut received = Vec::new();
    for _ in &ids {
        let webhook = site.next_webhook().await.body;
        assert_eq!(webhook["status"], "completed");
        received.push(webhook["task_id"].as_str().expect("an id").to_owned());
    }
    ids.sort();
    received.sort();
    assert_eq!(received, ids);
}

const KEYS: [&str; 31] = [
    "url",
    "html",
    "success",
    "cleaned_html",
    "fit_html",
    "media",
    "links",
    "downloaded_files",
    "js_execution_result",
    "screenshot",
    "pdf",
    "mhtml",
    "extracted_content",
    "metadata",
    "structured_data",
    "error_message",
    "session_id",
    "response_headers",
    "status_code",
    "ssl_certificate",
    "dispatch_result",
    "redirected_url",
    "redirected_status_code",
    "network_requests",
    "console_messages",
    "tables",
    "head_fingerprint",
    "cached_at",
    "cache_status",
    "crawl_stats",
    "markdown",
];
