//! `LLMExtractionStrategy` in crawls on the real binary, with fake providers.

mod providers;
mod support;

use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

struct Scene {
    site: TestSite,
    providers: Providers,
    server: TestServer,
}

impl Scene {
    async fn start() -> Self {
        let providers = Providers::start();
        let openai = providers.url("openai");
        let environment = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &openai), ("GROQ_API_KEY", "")];
        let server = TestServer::with_env(&environment).await;
        Self { site: TestSite::start(), providers, server }
    }

    fn crawl(&self, paths: &[&str], params: Value) -> Value {
        json!({
            "urls": paths.iter().map(|path| self.site.url(path)).collect::<Vec<_>>(),
            "crawler_config": {"type": "CrawlerRunConfig", "params": {
                "extraction_strategy": {"type": "LLMExtractionStrategy", "params": params}}},
            "webhook_config": {"webhook_url": self.site.webhook_url(), "webhook_data_in_payload": true},
        })
    }

    async fn submit(&self, body: Value) -> String {
        let (status, response) = self.server.post("/crawl/job", body).await;
        assert_eq!(status, 202, "{response}");
        response["task_id"].as_str().expect("an id").to_owned()
    }
}

fn schema() -> Value {
    json!({"title": "Article", "type": "object", "properties": {"title": {"type": "string"}}})
}

fn content(page: &Value) -> Value {
    serde_json::from_str(page["extracted_content"].as_str().expect("text")).expect("JSON")
}

#[actix::test]
async fn model_extracts_from_every_page() {
    let scene = Scene::start().await;
    let params = json!({"instruction": "the title", "schema": schema(), "extraction_type": "schema", "llm_config":
        {"type": "LLMConfig", "params": {"provider": "openai/good", "api_token": "s3cret", "base_url": "http://evil.example"}}});
    let id = scene.submit(scene.crawl(&["/article", "/missing", "/text"], params)).await;
    let webhook = scene.site.next_webhook().await.body;
    assert_eq!((&webhook["status"], &webhook["usage"]["requests"]), (&json!("completed"), &json!(2)), "{webhook}");
    let status = scene.server.wait_until_settled(&id).await;
    assert_eq!((&status["usage"]["total_tokens"], &status["usage"]["provider"]), (&json!(220), &json!("openai")));
    let pages = &status["result"]["results"];
    for index in [0, 2] {
        assert_eq!(content(&pages[index]), json!([{"title": "T", "error": false}]), "{index}");
    }
    assert_eq!((&pages[1]["success"], &pages[1]["extracted_content"]), (&json!(false), &Value::Null));
    let prompt = scene.providers.requests().iter().map(|request| request.body.to_string()).collect::<String>();
    assert!(prompt.contains("# The page") && prompt.contains("# A title"), "{prompt}");
    let text = status.to_string();
    assert!(text.contains("llm_config.api_token") && !text.contains("s3cret") && !text.contains("evil"), "{text}");
}

#[actix::test]
async fn failed_extraction_keeps_the_page() {
    let scene = Scene::start().await;
    let params = json!({"instruction": "the title", "llm_config": {"provider": "openai/refuses"}});
    let mut body = scene.crawl(&["/article"], params);
    let (status, response) = scene.server.post("/crawl", body.clone()).await;
    assert_eq!((status, &response["success"]), (200, &json!(false)), "{response}");
    assert!(response["results"][0]["error_message"].to_string().contains("refused"), "{response}");
    body["crawler_config"]["params"]["extraction_strategy"]["params"]["llm_config"]["provider"] = json!("openai/good");
    let (status, response) = scene.server.post("/crawl", body).await;
    assert_eq!(status, 200, "{response}");
    let content = content(&response["results"][0]);
    assert_eq!(content, json!([{"index": 0, "tags": [], "content": {"title": "T"}, "error": false}]));
}

#[actix::test]
async fn unusable_strategy_is_rejected_at_submission() {
    let scene = Scene::start().await;
    let strategy = ["body", "crawler_config", "extraction_strategy"];
    for (params, expected, errors, path) in [
        (json!({"llm_config": {"provider": "unknown/x"}}), 400, "errors", vec!["llm_config", "provider"]),
        (json!({"llm_config": {"provider": "groq/x"}}), 400, "errors", vec!["llm_config", "provider"]),
        (json!({"schema": {"type": "strng"}}), 422, "detail", vec!["schema", "type"]),
    ] {
        let loc: Vec<_> = strategy.into_iter().chain(path).collect();
        for route in ["/crawl/job", "/crawl"] {
            let (status, response) = scene.server.post(route, scene.crawl(&["/article"], params.clone())).await;
            assert_eq!((status, &response[errors][0]["loc"]), (expected, &json!(loc)), "{response}");
        }
    }
}

#[actix::test]
async fn killed_server_repeats_no_answered_request() {
    let mut scene = Scene::start().await;
    let params = json!({"schema": schema(), "llm_config": {"provider": "openai/hangs-later"}});
    scene.submit(scene.crawl(&["/article"], params)).await;
    scene.providers.wait_for_request().await;
    scene.providers.wait_for_request().await;
    scene.server.kill().await;
    scene.server.restart().await;
    let webhook = scene.site.next_webhook().await.body;
    assert_eq!((&webhook["status"], &webhook["usage"]["requests"]), (&json!("completed"), &json!(2)));
    // The response before the kill, the repair request that the kill interrupted, and its repetition.
    assert_eq!(scene.providers.requests().len(), 3);
}

#[actix::test]
async fn model_filters_the_content_of_a_crawl() {
    let scene = Scene::start().await;
    let filter = |provider: &str| {
        let filter = json!({"type": "LLMContentFilter", "params": {"llm_config": {"provider": provider}}});
        let generator = json!({"type": "DefaultMarkdownGenerator", "params": {"content_filter": filter}});
        json!({"urls": [scene.site.url("/full")], "crawler_config": {"markdown_generator": generator}})
    };
    let (status, response) = scene.server.post("/crawl", filter("openai/good")).await;
    let page = &response["results"][0];
    let fit = page["markdown"]["fit_markdown"].as_str().unwrap_or_default();
    assert!(status == 200 && fit.contains("\"title\"") && page["usage"]["requests"] == 1, "{status} {response}");
    assert!(page["markdown"]["raw_markdown"].to_string().contains("bold"), "{page}");
    let prompt = scene.providers.requests()[0].body.to_string();
    assert!(prompt.contains("# The page") && prompt.contains("# A title"), "{prompt}");
    let (status, response) = scene.server.post("/crawl/job", filter("unknown/x")).await;
    assert!((400..=422).contains(&status) && response.to_string().contains("content_filter"), "{status} {response}");
}
