//! LLM jobs on the real binary over real sockets, the model a fake that checks what it is asked.

mod providers;
mod support;

use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{ReceivedWebhook, TestServer, TestSite};

struct Scene {
    site: TestSite,
    providers: Providers,
    server: TestServer,
}

impl Scene {
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

    /// Example 6, but for its addresses.
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
async fn example_6_runs_to_the_letter() {
    let scene = Scene::start().await;
    let (status, response) = scene.server.post("/llm/job", scene.example_6("openai/good", true)).await;
    assert_eq!(status, 202);
    let id = response["task_id"].as_str().expect("an id").to_owned();
    let seconds = id.split('_').nth(1).and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(id.starts_with("llm_") && seconds.is_some_and(|seconds| seconds > 1_700_000_000), "{id}");
    assert_eq!((&response["status"], &response["url"]), (&json!("processing"), &json!(scene.site.url("/article"))));

    let received = scene.next_webhook().await;
    assert_eq!(received.header("x-secret"), Some("abc"));
    assert_eq!(received.body["task_id"], id.as_str());
    assert_eq!(
        (&received.body["task_type"], &received.body["status"]),
        (&json!("llm_extraction"), &json!("completed"))
    );
    assert_eq!(received.body["urls"], json!([scene.site.url("/article")]));
    assert_eq!(received.body["data"], json!({"extracted_content": {"title": "T"}}));

    let asked = &scene.providers.requests()[0].body;
    assert!(asked["messages"][1]["content"].as_str().is_some_and(|text| text.contains("# A title")), "{asked}");
    for path in ["llm", "crawl"] {
        let (_, status) = scene.server.get(&format!("/{path}/job/{id}")).await;
        assert_eq!((&status["status"], &status["result"]), (&json!("completed"), &json!({"title": "T"})));
        assert_eq!(status["url"], json!(scene.site.url("/article")));
        let usage = &status["usage"];
        assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(100), &json!(10)));
        assert_eq!((&usage["total_tokens"], &usage["requests"]), (&json!(110), &json!(1)));
        assert_eq!((&usage["provider"], &usage["model"]), (&json!("openai"), &json!("gpt-test-2026")));
    }
    let link = response["_links"]["self"]["href"].as_str().expect("a link");
    assert_eq!(scene.server.get_url(link).await.0, 200);
}

#[actix::test]
async fn without_data_the_receiver_fetches_the_result() {
    let scene = Scene::start().await;
    let id = scene.submit(scene.example_6("anthropic/good", false)).await;
    let received = scene.next_webhook().await;
    assert!(received.body.get("data").is_none());
    assert_eq!(scene.server.get(&format!("/llm/job/{id}")).await.1["result"], json!({"title": "T"}));
}

#[actix::test]
async fn a_webhook_is_optional() {
    let scene = Scene::start().await;
    let body = json!({"url": scene.site.url("/article"), "q": "the title", "provider": "openai/good"});
    let id = scene.submit(body).await;
    loop {
        let (_, status) = scene.server.get(&format!("/llm/job/{id}")).await;
        if status["status"] == "completed" {
            assert!(status.get("webhook").is_none());
            break;
        }
    }
}

#[actix::test]
async fn the_points_of_failure_are_told_each_with_its_reason() {
    let scene = Scene::start().await;
    for (provider, page, kind, error) in [
        ("nobody/x", "/article", "unknown_provider", "Unknown LLM provider `nobody`"),
        ("groq/x", "/article", "missing_key", "LLM provider `groq` has no API key: set GROQ_API_KEY"),
        ("openai/good", "/missing", "page_not_fetched", "The page was not fetched: HTTP 404 Not Found"),
        ("openai/bad-key", "/article", "unauthorized", "openai/bad-key rejected the API key (HTTP 401)"),
    ] {
        let mut body = scene.example_6(provider, true);
        body["url"] = json!(scene.site.url(page));
        let id = scene.submit(body).await;
        let received = scene.next_webhook().await.body;
        assert_eq!((&received["task_id"], &received["task_type"]), (&json!(id), &json!("llm_extraction")));
        assert_eq!((&received["status"], &received["error"]), (&json!("failed"), &json!(error)));
        assert_eq!(received["error_type"], kind);
        assert!(received.get("data").is_none());
        let (_, status) = scene.server.get(&format!("/llm/job/{id}")).await;
        assert_eq!((&status["error"], &status["error_type"]), (&json!(error), &json!(kind)));
        assert!(status.get("result").is_none());
    }
}

#[actix::test]
async fn a_failing_receiver_is_told_again_with_the_same_bytes() {
    let scene = Scene::start().await;
    scene.site.set_webhook_statuses(&[503]);
    scene.submit(scene.example_6("openai/good", true)).await;
    let (first, second) = (scene.next_webhook().await, scene.next_webhook().await);
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
}

#[actix::test]
async fn a_job_and_its_webhook_outlive_a_kill() {
    let mut scene = Scene::start().await;
    let mut body = scene.example_6("openai/good", true);
    body["url"] = json!(scene.site.url("/gated"));
    let id = scene.submit(body).await;
    scene.site.wait_for_gated_request().await;
    scene.server.kill().await;
    scene.site.open_gate();
    scene.server.restart().await;
    let received = scene.next_webhook().await;
    assert_eq!((&received.body["task_id"], &received.body["status"]), (&json!(id), &json!("completed")));
    assert_eq!(received.header("x-secret"), Some("abc"));
}

#[actix::test]
async fn an_answer_that_was_here_before_a_kill_is_not_asked_for_again() {
    let mut scene = Scene::start().await;
    let mut body = scene.example_6("openai/hangs-later", true);
    body["schema"] = json!({"type": "object", "properties": {"title": {"type": "string"}}});
    scene.submit(body).await;
    scene.providers.wait_for_request().await;
    scene.providers.wait_for_request().await;
    scene.server.kill().await;
    scene.server.restart().await;
    let received = scene.next_webhook().await.body;
    assert_eq!((&received["status"], &received["usage"]["requests"]), (&json!("completed"), &json!(2)));
    // The response before the kill, the question that the kill cut short, and the same once more.
    assert_eq!(scene.providers.requests().len(), 3);
}

#[actix::test]
async fn a_job_is_cancelled_and_run_again() {
    let scene = Scene::start().await;
    let id = scene.submit(scene.example_6("openai/hangs", true)).await;
    assert_eq!(scene.server.delete(&format!("/llm/job/{id}")).await.0, 202);
    assert_eq!(scene.next_webhook().await.body["status"], "cancelled");
    assert_eq!(scene.server.delete(&format!("/llm/job/{id}")).await.0, 409);
    let (status, again) = scene.server.post(&format!("/jobs/{id}/rerun"), Value::Null).await;
    assert_eq!(status, 202);
    let again = again["task_id"].as_str().expect("an id").to_owned();
    assert!(again.starts_with("llm_") && again != id);
    assert_eq!(scene.server.delete(&format!("/llm/job/{again}")).await.0, 202);
}

#[actix::test]
async fn a_bad_schema_is_refused_with_its_place() {
    let scene = Scene::start().await;
    let mut body = scene.example_6("openai/good", true);
    body["schema"] = json!("{not json");
    let (status, response) = scene.server.post("/llm/job", body.clone()).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "schema"])));
    body["schema"] = json!({"type": "strng"});
    let (status, response) = scene.server.post("/llm/job", body).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["body", "schema", "type"])));
}

#[actix::test]
async fn a_question_about_a_page_is_answered_while_the_caller_waits() {
    let scene = Scene::start().await;
    let page = scene.site.url("/article");
    for page in [page.clone(), page.replace("://", "%3A%2F%2F")] {
        let (status, response) = scene.server.get(&format!("/llm/{page}?q=title&provider=openai/good")).await;
        assert_eq!(status, 200, "{response}");
        assert!(response["answer"].is_string(), "{response}");
    }
    let (status, response) = scene.server.get(&format!("/llm/{page}?q=title&provider=groq/x")).await;
    assert_eq!(status, 400);
    assert!(response["detail"].as_str().expect("a sentence").contains("GROQ_API_KEY"), "{response}");
    let unknown = json!({"url": page, "f": "llm", "provider": "nobody/x"});
    assert_eq!(scene.server.post("/md", unknown).await.0, 400);
    assert_eq!(scene.server.get(&format!("/llm/{page}")).await.0, 400, "without a question");
    let (status, response) = scene.server.get(&format!("/llm/{page}?q=x&temperature=warm")).await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["query", "temperature"])), "{response}");
    let (status, response) = scene.server.get("/llm/ftp:%2F%2Fa.example%2Fx?q=x").await;
    assert_eq!((status, &response["detail"][0]["loc"]), (422, &json!(["path", "url"])), "{response}");
    let bare = page.strip_prefix("http://").expect("it is no TLS");
    assert_eq!(scene.server.get(&format!("/llm/{bare}?q=title&provider=openai/good")).await.0, 502, "it is no TLS");
    let (_, jobs) = scene.server.get("/jobs").await;
    let newest = jobs["jobs"][0]["task_id"].as_str().expect("an id");
    let (_, asked) = scene.server.get(&format!("/llm/job/{newest}")).await;
    assert_eq!(asked["url"], json!(format!("https://{bare}")), "without a scheme it is the safe one");
    let body = json!({"url": page, "f": "llm", "provider": "openai/good"});
    let (status, response) = scene.server.post("/md", body).await;
    assert_eq!((status, &response["filter"]), (200, &json!("llm")), "{response}");
}
