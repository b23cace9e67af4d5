//! The operator's LLM settings, on the real binary.

mod providers;
mod support;

use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

fn config(providers: &Providers, rest: &str) -> String {
    format!(
        "llm:\n  provider: mine/good\n  retry: {{tries: 1, requeue_delay: 10ms}}\n  families:\n    mine: {{base_url: \"{}\", \
         api_key: {KEY}, models: [good, bad-key, picky, hangs-once]}}\n    openai: {{base_url: \"{}\", api_key: {KEY}}}\n{rest}",
        providers.url("own"),
        providers.url("openai"),
    )
}

/// Submits a job for this provider (`null`: the default) and returns the body of its webhook.
async fn next_webhook(server: &TestServer, site: &TestSite, provider: Value) -> Value {
    let body = json!({"url": site.url("/article"), "q": "the title", "provider": provider,
        "webhook_config": {"webhook_url": site.webhook_url(), "webhook_data_in_payload": true}});
    let (status, response) = server.post("/llm/job", body).await;
    assert_eq!(status, 202, "{response}");
    site.next_webhook().await.body
}

#[actix::test]
async fn configured_endpoint_and_fallback_are_used() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let server =
        TestServer::with_config(&config(&providers, "  fallback: openai/good\n  allowed_providers: [mine]\n")).await;
    for (provider, family) in [(json!(null), "mine"), (json!("mine/bad-key"), "openai")] {
        let received = next_webhook(&server, &site, provider).await;
        assert_eq!(
            (&received["status"], &received["usage"]["provider"]),
            (&json!("completed"), &json!(family)),
            "{received}"
        );
    }
    for (provider, kind) in [
        ("openai/other", "provider_not_allowed"),
        ("anthropic/good", "provider_not_allowed"),
        ("mine/other", "model_not_listed"),
    ] {
        let received = next_webhook(&server, &site, json!(provider)).await;
        assert_eq!((&received["status"], &received["error_type"]), (&json!("failed"), &json!(kind)), "{received}");
    }
}

#[actix::test]
async fn job_without_a_key_names_the_missing_variable() {
    let site = TestSite::start();
    let server = TestServer::with_env(&[("OPENAI_API_KEY", ""), ("LLM_API_KEY", ""), ("LLM_PROVIDER", "")]).await;
    let received = next_webhook(&server, &site, json!(null)).await;
    assert_eq!(received["error"], "LLM provider `openai` has no API key: set OPENAI_API_KEY");
    assert_eq!(received["error_type"], "missing_key");
}

#[actix::test]
async fn llm_jobs_use_the_default_webhook_url() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let rest = format!("webhooks: {{default_url: \"{}\", data_in_payload: true}}\n", site.webhook_url());
    let server = TestServer::with_config(&config(&providers, &rest)).await;
    let (_, job) = server.post("/llm/job", json!({"url": site.url("/article"), "q": "the title"})).await;
    let received = site.next_webhook().await.body;
    assert_eq!((&received["task_id"], &received["task_type"]), (&job["task_id"], &json!("llm_extraction")));
    assert_eq!(received["data"]["extracted_content"], json!({"title": "T"}));
}

#[actix::test]
async fn configured_cache_reuses_model_responses() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let server = TestServer::with_config(&config(&providers, "  cache: {max_bytes: 100000, ttl: 1h}\n")).await;
    for (provider, cached, requests) in
        [("mine/good", json!(null), 1), ("mine/good", json!(true), 1), ("openai/good", json!(null), 2)]
    {
        let received = next_webhook(&server, &site, json!(provider)).await;
        assert_eq!((&received["usage"]["cached"], providers.requests().len()), (&cached, requests), "{received}");
        assert_eq!(received["data"]["extracted_content"], json!({"title": "T"}));
    }
}

#[actix::test]
async fn drain_releases_a_job_whose_model_hangs() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let mut server = TestServer::with_config(&config(&providers, "app: {shutdown_grace: 50ms}\n")).await;
    let body = json!({"url": site.url("/article"), "q": "the title", "provider": "mine/hangs-once",
        "webhook_config": {"webhook_url": site.webhook_url()}});
    let (_, job) = server.post("/llm/job", body).await;
    providers.wait_for_request().await;
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    server.restart().await;
    assert_eq!(site.next_webhook().await.body["status"], "completed");
    let (_, status) = server.get(&format!("/llm/job/{}", job["task_id"].as_str().expect("an id"))).await;
    assert_eq!(status["attempt"], 1);
}

#[actix::test]
async fn keys_are_never_shown_or_sent_elsewhere() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let mut server = TestServer::with_config(&config(&providers, "logging: {level: trace}\n")).await;
    let mut output = String::new();
    for provider in ["mine/good", "mine/picky", "mine/bad-key"] {
        let body = json!({"url": site.url("/article"), "q": "the title", "provider": provider,
            "base_url": site.url("/counted"), "api_key": "sk-of-the-caller",
            "webhook_config": {"webhook_url": site.webhook_url(), "webhook_data_in_payload": true}});
        let (status, response) = server.post("/llm/job", body).await;
        let warnings: Vec<_> =
            response["warnings"].as_array().into_iter().flatten().map(|warning| warning["key"].clone()).collect();
        assert_eq!((status, warnings), (202, vec![json!("base_url"), json!("api_key")]));
        let id = response["task_id"].as_str().expect("an id");
        output += &site.next_webhook().await.body.to_string();
        for path in [format!("/llm/job/{id}"), format!("/jobs/{id}/deliveries"), "/jobs".to_owned()] {
            output += &server.get(&path).await.1.to_string();
        }
    }
    let metrics = server.client().get(format!("{}/metrics", server.base())).send().await.expect("the server responds");
    let metrics = metrics.text().await.expect("it is text");
    assert!(
        metrics.contains("opilio_model_requests_total{") && metrics.contains("opilio_model_tokens_total{"),
        "{metrics}"
    );
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_opilio"));
    let report = command.arg("config").current_dir(server.folder()).output().expect("the binary is built");
    assert!(report.status.success());
    output += &(metrics + &String::from_utf8_lossy(&report.stdout));
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    output += &server.remaining_log().await;
    assert!(output.contains("***: this model takes no such temperature"), "{output}");
    assert!(!output.contains(KEY) && !output.contains("sk-of-the-caller"), "{output}");
    assert_eq!((site.visits(), providers.requests().len()), (0, 3));
}

/// The keys of LLM jobs that existing receivers and clients of Crawl4AI 0.9.2 read.
#[actix::test]
async fn llm_responses_and_webhooks_have_crawl4ai_keys() {
    let (providers, site) = (Providers::start(), TestSite::start());
    let server = TestServer::with_config(&config(&providers, "  allowed_providers: [mine]\n")).await;
    let has = |value: &Value, paths: &[&str]| {
        for path in paths {
            assert!(value.pointer(path).is_some_and(|found| !found.is_null()), "{path}: {value}");
        }
    };
    for (provider, end) in [("mine/good", "/data/extracted_content"), ("openai/x", "/error")] {
        let body = json!({"url": site.url("/article"), "q": "the title", "provider": provider,
            "webhook_config": {"webhook_url": site.webhook_url(), "webhook_data_in_payload": true}});
        let (_, response) = server.post("/llm/job", body).await;
        has(&response, &["/task_id", "/status", "/url", "/_links/self/href", "/_links/status/href"]);
        let received = site.next_webhook().await;
        has(&received.body, &["/task_id", "/task_type", "/status", "/timestamp", "/urls/0", end]);
        assert_eq!(received.header("content-type"), Some("application/json"));
        let (_, status) = server.get(&format!("/llm/job/{}", response["task_id"].as_str().expect("an id"))).await;
        let end = if end == "/error" { end } else { "/result" };
        has(&status, &["/task_id", "/status", "/created_at", "/url", "/_links/self/href", "/_links/refresh/href", end]);
        if end == "/error" {
            assert!(received.body["error"].as_str().is_some_and(|error| error.starts_with("LLM provider not allowed")));
        }
    }
}
