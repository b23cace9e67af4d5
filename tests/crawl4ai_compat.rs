//! Routes of Crawl4AI's server, against the real binary.

mod support;

use serde_json::{Value, json};
use support::TestServer;

#[actix::test]
async fn unsupported_crawl4ai_routes_name_the_alternative() {
    let server = TestServer::start().await;
    for (method, path, alternative) in [
        ("GET", "/ask?query=x", "/openapi.json"),
        ("GET", "/playground", "/docs"),
        ("GET", "/playground/", "/docs"),
        ("GET", "/playground/index.html", "/docs"),
        ("GET", "/dashboard", "/metrics"),
        ("GET", "/dashboard/", "/metrics"),
        ("GET", "/monitor/logs/errors?limit=3", "/metrics"),
        ("POST", "/monitor/actions/cleanup", "/metrics"),
        ("GET", "/redoc", "/docs"),
    ] {
        let (status, _, response) = server.request(method, path, &[], vec![]).await;
        let detail = response["detail"].as_str().unwrap_or_default();
        assert!(status == 501 && detail.contains(alternative), "{method} {path}: {status} {response}");
    }
    assert_eq!(server.get("/nowhere").await.0, 404);
}

/// Status and `Location` of a response, without following the redirect.
async fn redirect(server: &TestServer, method: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a plain client");
    let request = client.request(method.parse().expect("a method"), format!("{}{path}", server.base()));
    let response = request.send().await.expect("the server responds");
    let location = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
    (response.status().as_u16(), location.to_owned())
}

#[actix::test]
async fn trailing_slash_redirects_to_the_path_without_it() {
    let server = TestServer::start().await;
    for (method, path, location) in [
        ("POST", "/crawl/", "../crawl"),
        ("POST", "/crawl/?x=1&y=%20", "../crawl?x=1&y=%20"),
        ("POST", "/llm/job/", "../job"),
        ("GET", "/jobs/", "../jobs"),
        ("DELETE", "/llm/job/llm_x/", "../llm_x"),
        ("GET", "/crawl/job/crawl_x/", "../crawl_x"),
        ("GET", "/docs/", "../docs"),
        ("GET", "/crawl/job/", "../job"),
        ("POST", "/mcp/messages/?sessionId=x", "../messages?sessionId=x"),
    ] {
        assert_eq!(redirect(&server, method, path).await, (307, location.to_owned()), "{method} {path}");
    }
    for path in ["/nowhere/", "//"] {
        assert_eq!(redirect(&server, "GET", path).await, (404, String::new()), "{path}");
    }
    // The client repeats method, body and headers.
    let json = ("content-type", "application/json");
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let (status, _, response) = server.request("POST", "/crawl/", &[json], body).await;
    assert_eq!((status, &response["success"]), (200, &json!(true)), "{response}");
}

#[actix::test]
async fn root_redirects_to_the_documentation_without_a_token() {
    for config in ["", "security: {api_token: letmein}"] {
        let server = TestServer::with_config(config).await;
        assert_eq!(redirect(&server, "GET", "/").await, (307, "docs".to_owned()), "{config}");
        assert_eq!(server.get("/").await.0, 200, "{config}");
    }
}

#[actix::test]
async fn mcp_schema_lists_the_tools() {
    let server = TestServer::start().await;
    let (status, response) = server.get("/mcp/schema").await;
    assert_eq!(status, 200);
    let tools: Vec<_> = response["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
    assert!(tools.contains(&&json!("crawl")) && tools.contains(&&json!("job_status")), "{tools:?}");
    assert!(
        response["tools"].as_array().expect("a list").iter().all(|tool| tool["inputSchema"].is_object()),
        "{response}"
    );
    let none: Vec<Value> = vec![];
    assert_eq!((&response["resources"], &response["resource_templates"]), (&json!(none), &json!(none)));
}
