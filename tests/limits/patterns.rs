//! One budget for all selectors, patterns and schemas of a request.

use serde_json::{Value, json};

use crate::support::TestServer;

fn fields(count: usize, pattern: impl Fn(usize) -> String) -> Value {
    let field = |n| json!({"name": format!("f{n}"), "type": vec!["regex"; 8], "pattern": pattern(n)});
    let fields: Vec<Value> = (0..count).map(field).collect();
    let schema = json!({"baseSelector": "p", "fields": fields});
    json!({"extraction_strategy": {"type": "JsonCssExtractionStrategy", "params": {"schema": schema}}})
}

#[actix::test]
async fn equal_patterns_are_compiled_once_for_a_request() {
    let server = TestServer::start().await;
    let config = fields(100, |_| r"\w{20}".to_owned());
    let request = json!({"urls": ["raw:<p>aaaaaaaaaaaaaaaaaaaaaaa</p>"], "crawler_config": config});
    let (status, job) = server.post("/crawl/job", request).await;
    assert_eq!(status, 202, "{job}");
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let extracted = job["results"][0]["extracted_content"].as_str().expect("it has fields");
    assert_eq!(extracted.matches(&"a".repeat(20)).count(), 100, "{job}");
}

#[actix::test]
async fn request_that_exceeds_the_pattern_budget_is_422() {
    let server = TestServer::start().await;
    let many = fields(100, |n| format!(r"\w{{40}}{n}"));
    let selector = |n: usize| format!("{}b{n}", "a,".repeat(900));
    let selectors: Vec<String> = (0..100).map(selector).collect();
    let properties: serde_json::Map<String, Value> =
        (0..100).map(|n| (format!("f{n}"), json!({"type": "string", "pattern": format!(r"\w{{30}}{n}")}))).collect();
    let page = json!({"urls": ["raw:<p>x"]});
    let with = |key: &str, value: &Value| {
        let mut request = page.clone();
        request[key] = value.clone();
        request
    };
    let per_url: Vec<Value> =
        selectors.iter().map(|selector| json!({"url_matcher": "x*", "css_selector": selector})).collect();
    let schema = json!({"url": "https://a.example/", "q": "x", "schema": {"properties": properties}});
    for (path, request, field) in [
        ("/crawl/job", with("crawler_config", &many), "extraction_strategy"),
        ("/crawl", with("crawler_config", &many), "extraction_strategy"),
        ("/crawl/job", with("crawler_config", &json!({"target_elements": selectors})), "target_elements"),
        ("/crawl", with("crawler_configs", &json!(per_url)), "css_selector"),
        ("/llm/job", schema, "properties"),
    ] {
        let (status, response) = server.post(path, request).await;
        assert_eq!(status, 422, "{path} {field}: {response}");
        let error = &response["detail"][0];
        assert!(error["loc"].as_array().is_some_and(|loc| loc.contains(&json!(field))), "{path}: {response}");
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains("8 MiB")), "{path}: {response}");
    }
    assert_eq!(server.get("/health").await.0, 200);
}

#[actix::test]
async fn all_builtin_patterns_are_within_the_budget() {
    let server = TestServer::start().await;
    let strategy = json!({"type": "RegexExtractionStrategy", "params": {"pattern": "all", "input_format": "text"}});
    let config = json!({"extraction_strategy": strategy});
    let request = json!({"urls": ["raw:<p>mail a@b.example"], "crawler_config": config});
    let (status, job) = server.post("/crawl/job", request).await;
    assert_eq!(status, 202, "{job}");
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let extracted = job["results"][0]["extracted_content"].as_str().expect("it has matches");
    assert!(extracted.contains("a@b.example"), "{job}");
}

#[actix::test]
async fn unknown_schema_draft_is_422_at_its_key() {
    let server = TestServer::start().await;
    for draft in ["", "urn:x", "https://example.com/schema", "http://json-schema.org/draft-03/schema#"] {
        let schema = json!({"$schema": draft, "type": "object"});
        let request = json!({"url": "https://a.example/", "q": "x", "schema": schema.to_string()});
        let (status, response) = server.post("/llm/job", request).await;
        assert_eq!(status, 422, "{draft}: {response}");
        assert_eq!(response["detail"][0]["loc"], json!(["body", "schema", "$schema"]), "{response}");
    }
}
