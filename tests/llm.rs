//! LLM jobs on the real binary, with fake providers that validate their requests.

mod providers;
mod support;

use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{ReceivedWebhook, TestServer, TestSite};

struct LlmApp {
    site: TestSite,
    providers: Providers,
    server: TestServer,
}

impl LlmApp {
    async fn start() -> Self {
        let providers = Providers::start();
        let (openai, anthropic) = (providers.url("openai"), providers.url("anthropic"));
        let server = TestServer::with_env(&[
            ("OPENAI_API_KEY", KEY),
            ("OPENAI_BASE_URL", &openai),
            ("ANTHROPIC_API_KEY", KEY),
            ("ANTHROPIC_BASE_URL", &anthropic),
            ("GROQ_API_KEY", ""),
        ])
        .await;
        Self { site: TestSite::start(), providers, server }
    }

    fn webhook(&self, with_data: bool) -> Value {
        json!({"webhook_url": self.site.webhook_url(), "webhook_data_in_payload": with_data,
            "webhook_headers": {"X-Secret": "abc"}})
    }

    /// Example 6 of the job API, with other URLs.
    fn example_6(&self, provider: &str, with_data: bool) -> Value {
        json!({
            "url": self.site.url("/article"),
            "q": "Extract the article title, author, and publication date",
            "schema": "{\"type\": \"object\", \"properties\": {\"title\": {\"type\": \"string\"}, \"author\": {\"type\": \"string\"}, \"date\": {\"type\": \"string\"}}}",
            "cache": false,
            "provider": provider,
            "webhook_config": self.webhook(with_data),
        })
    }

    async fn submit(&self, body: Value) -> String {
        let (status, response) = self.server.post("/llm/job", body).await;
        assert_eq!(status, 202, "{response}");
        response["task_id"].as_str().expect("an id").to_owned()
    }

    async fn next_webhook(&self) -> ReceivedWebhook {
        self.site.next_webhook().await
    }
}

#[actix::test]
async fn example_6_works_as_documented() {
    let app = LlmApp::start().await;
    let (status, response) = app.server.post("/llm/job", app.example_6("openai/good", true)).await;
    assert_eq!(status, 202);
    let id = response["task_id"].as_str().expect("an id").to_owned();
    let seconds = id.split('_').nth(1).and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(id.starts_with("llm_") && seconds.is_some_and(|seconds| seconds > 1_700_000_000), "{id}");
    assert_eq!((&response["status"], &response["url"]), (&json!("processing"), &json!(app.site.url("/article"))));

    let received = app.next_webhook().await;
    assert_eq!(received.header("x-secret"), Some("abc"));
    assert_eq!(received.body["task_id"], id.as_str());
    assert_eq!(
        (&received.body["task_type"], &received.body["status"]),
        (&json!("llm_extraction"), &json!("completed"))
    );
    assert_eq!(received.body["urls"], json!([app.site.url("/article")]));
    assert_eq!(received.body["data"], json!({"extracted_content": {"title": "T"}}));

    let request = &app.providers.requests()[0].body;
    assert!(request["messages"][1]["content"].as_str().is_some_and(|text| text.contains("# A title")), "{request}");
    for path in ["llm", "crawl"] {
        let (_, status) = app.server.get(&format!("/{path}/job/{id}")).await;
        assert_eq!((&status["status"], &status["result"]), (&json!("completed"), &json!({"title": "T"})));
        assert_eq!(status["url"], json!(app.site.url("/article")));
        let usage = &status["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(100), &json!(10)));
        assert_eq!((&usage["total_tokens"], &usage["requests"]), (&json!(110), &json!(1)));
        assert_eq!((&usage["provider"], &usage["model"]), (&json!("openai"), &json!("gpt-test-2026")));
    }
    let link = response["_links"]["self"]["href"].as_str().expect("a link");
    assert_eq!(app.server.get_url(link).await.0, 200);
}

#[actix::test]
async fn webhook_without_data_leaves_the_result_to_the_api() {
    let app = LlmApp::start().await;
    let id = app.submit(app.example_6("anthropic/good", false)).await;
    let received = app.next_webhook().await;
    assert!(received.body.get("data").is_none());
    assert_eq!(app.server.get(&format!("/llm/job/{id}")).await.1["result"], json!({"title": "T"}));
}

#[actix::test]
async fn webhook_is_optional() {
    let app = LlmApp::start().await;
    let body = json!({"url": app.site.url("/article"), "q": "the title", "provider": "openai/good"});
    let id = app.submit(body).await;
    let job = app.server.wait_until_settled(&id).await;
    assert_eq!((&job["status"], job.get("webhook")), (&json!("completed"), None));
}

#[actix::test]
async fn each_failure_sends_a_webhook_with_its_reason() {
    let app = LlmApp::start().await;
    for (provider, page, kind, error) in [
        ("unknown/x", "/article", "unknown_provider", "Unknown LLM provider `unknown`"),
        ("groq/x", "/article", "missing_key", "LLM provider `groq` has no API key: set GROQ_API_KEY"),
        ("openai/good", "/missing", "page_not_fetched", "The page was not fetched: HTTP 404 Not Found"),
        ("openai/bad-key", "/article", "unauthorized", "openai/bad-key rejected the API key (HTTP 401)"),
    ] {
        let mut body = app.example_6(provider, true);
        body["url"] = json!(app.site.url(page));
        let id = app.submit(body).await;
        let received = app.next_webhook().await.body;
        assert_eq!((&received["task_id"], &received["task_type"]), (&json!(id), &json!("llm_extraction")));
        assert_eq!((&received["status"], &received["error"]), (&json!("failed"), &json!(error)));
        assert_eq!(received["error_type"], kind);
        assert!(received.get("data").is_none());
        let (_, status) = app.server.get(&format!("/llm/job/{id}")).await;
        assert_eq!((&status["error"], &status["error_type"]), (&json!(error), &json!(kind)));
        assert!(status.get("result").is_none());
    }
}

#[actix::test]
async fn webhook_retry_has_the_same_body() {
    let app = LlmApp::start().await;
    app.site.set_webhook_statuses(&[503]);
    app.submit(app.example_6("openai/good", true)).await;
    let (first, second) = (app.next_webhook().await, app.next_webhook().await);
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
}

#[actix::test]
async fn job_and_webhook_survive_a_kill() {
    let mut app = LlmApp::start().await;
    let mut body = app.example_6("openai/good", true);
    body["url"] = json!(app.site.url("/gated"));
    let id = app.submit(body).await;
    app.site.wait_for_gated_request().await;
    app.server.kill().await;
    app.site.open_gate();
    app.server.restart().await;
    let received = app.next_webhook().await;
    assert_eq!((&received.body["task_id"], &received.body["status"]), (&json!(id), &json!("completed")));
    assert_eq!(received.header("x-secret"), Some("abc"));
}

#[actix::test]
async fn model_response_before_a_kill_is_not_requested_again() {
    let mut app = LlmApp::start().await;
    let mut body = app.example_6("openai/hangs-later", true);
    body["schema"] = json!({"type": "object", "properties": {"title": {"type": "string"}}});
    app.submit(body).await;
    app.providers.wait_for_request().await;
    app.providers.wait_for_request().await;
    app.server.kill().await;
    app.server.restart().await;
    let received = app.next_webhook().await.body;
    assert_eq!((&received["status"], &received["usage"]["requests"]), (&json!("completed"), &json!(2)));
    // The request before the kill, the one that the kill interrupted, and its repetition.
    assert_eq!(app.providers.requests().len(), 3);
}

#[actix::test]
async fn job_can_be_cancelled_and_rerun() {
    let app = LlmApp::start().await;
    let id = app.submit(app.example_6("openai/hangs", true)).await;
    assert_eq!(app.server.delete(&format!("/llm/job/{id}")).await.0, 202);
    assert_eq!(app.next_webhook().await.body["status"], "cancelled");
    assert_eq!(app.server.delete(&format!("/llm/job/{id}")).await.0, 409);
    let (status, again) = app.server.post(&format!("/jobs/{id}/rerun"), Value::Null).await;
    assert_eq!(status, 202);
    let again = again["task_id"].as_str().expect("an id").to_owned();
    assert!(again.starts_with("llm_") && again != id);
    assert_eq!(app.server.delete(&format!("/llm/job/{again}")).await.0, 202);
}

#[actix::test]
async fn invalid_schema_is_rejected_with_its_location() {
    let app = LlmApp::start().await;
    let mut body = app.example_6("openai/good", true);
    body["schema"] = json!("{not json");
    let (status, response) = app.server.post("/llm/job", body.clone()).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "schema"])));
    body["schema"] = json!({"type": "strng"});
    let (status, response) = app.server.post("/llm/job", body).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "schema", "type"])));
}

#[actix::test]
async fn synchronous_llm_routes_return_the_response() {
    let app = LlmApp::start().await;
    let page = app.site.url("/article");
    for page in [page.clone(), page.replace("://", "%3A%2F%2F")] {
        let (status, response) = app.server.get(&format!("/llm/{page}?q=title&provider=openai/good")).await;
        assert_eq!(status, 200, "{response}");
        assert!(response["answer"].is_string(), "{response}");
    }
    let (status, response) = app.server.get(&format!("/llm/{page}?q=title&provider=groq/x")).await;
    assert_eq!(status, 400);
    assert!(response["detail"].as_str().expect("a sentence").contains("GROQ_API_KEY"), "{response}");
    let unknown = json!({"url": page, "f": "llm", "provider": "unknown/x"});
    assert_eq!(app.server.post("/md", unknown).await.0, 400);
    assert_eq!(app.server.get(&format!("/llm/{page}")).await.0, 422, "without q");
    let (status, response) = app.server.get(&format!("/llm/{page}?q=x&temperature=warm")).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["query", "temperature"])), "{response}");
    let (status, response) = app.server.get("/llm/ftp:%2F%2Fa.example%2Fx?q=x").await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["path", "url"])), "{response}");
    let bare = page.strip_prefix("http://").expect("a plain http URL");
    assert_eq!(
        app.server.get(&format!("/llm/{bare}?q=title&provider=openai/good")).await.0,
        502,
        "the site has no TLS"
    );
    let (_, jobs) = app.server.get("/jobs").await;
    let newest = jobs["jobs"][0]["task_id"].as_str().expect("an id");
    let (_, job) = app.server.get(&format!("/llm/job/{newest}")).await;
    assert_eq!(job["url"], json!(format!("https://{bare}")), "the default scheme is https");
    let body = json!({"url": page, "f": "llm", "provider": "openai/good"});
    let (status, response) = app.server.post("/md", body).await;
    assert_eq!((status, &response["filter"]), (200, &json!("llm")), "{response}");
}
