//! Routes that who knows Crawl4AI's server may look for, against the real binary.

mod support;

use serde_json::{Value, json};
use support::TestServer;

#[actix::test]
async fn what_the_peer_has_and_this_server_has_not_is_named() {
    let server = TestServer::start().await;
    for (method, path, says) in [
        ("GET", "/ask?query=x", "/openapi.json"),
        ("GET", "/mcp/ws", "/mcp/sse"),
        ("GET", "/playground", "/docs"),
        ("GET", "/playground/", "/docs"),
        ("GET", "/playground/index.html", "/docs"),
        ("GET", "/dashboard", "/metrics"),
        ("GET", "/dashboard/", "/metrics"),
        ("GET", "/monitor/health", "/metrics"),
        ("GET", "/monitor/logs/errors?limit=3", "/metrics"),
        ("POST", "/monitor/actions/cleanup", "/metrics"),
        ("GET", "/redoc", "/docs"),
        ("GET", "/hooks/info", "browser"),
    ] {
        let (status, _, answer) = server.request(method, path, &[], vec![]).await;
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 501 && detail.contains(says), "{method} {path}: {status} {answer}");
    }
    assert_eq!(server.get("/nowhere").await.0, 404);
}

/// Status and `Location` of an answer that is not followed.
async fn led(server: &TestServer, method: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a plain client");
    let request = client.request(method.parse().expect("a method"), format!("{}{path}", server.base()));
    let answer = request.send().await.expect("it answers");
    let location = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
    (answer.status().as_u16(), location.to_owned())
}

#[actix::test]
async fn a_slash_too_many_leads_to_the_path_without_it() {
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
        assert_eq!(led(&server, method, path).await, (307, location.to_owned()), "{method} {path}");
    }
    for path in ["/nowhere/", "//"] {
        assert_eq!(led(&server, "GET", path).await, (404, String::new()), "{path}");
    }
    // Method, body and headers go along.
    let json = ("content-type", "application/json");
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let (status, _, answer) = server.request("POST", "/crawl/", &[json], body).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
}

#[actix::test]
async fn the_address_alone_leads_a_person_to_the_documentation_also_where_a_token_is_needed() {
    for config in ["", "security: {api_token: letmein}"] {
        let server = TestServer::with_config(config).await;
        assert_eq!(led(&server, "GET", "/").await, (307, "docs".to_owned()), "{config}");
        assert_eq!(server.get("/").await.0, 200, "{config}");
    }
}

#[actix::test]
async fn the_tools_of_mcp_are_listed_for_who_does_not_speak_it() {
    let server = TestServer::start().await;
    let (status, answer) = server.get("/mcp/schema").await;
    assert_eq!(status, 200);
    let tools: Vec<_> = answer["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
    assert!(tools.contains(&&json!("crawl")) && tools.contains(&&json!("job_status")), "{tools:?}");
    assert!(answer["tools"].as_array().expect("a list").iter().all(|tool| tool["inputSchema"].is_object()), "{answer}");
    let none: Vec<Value> = vec![];
    assert_eq!((&answer["resources"], &answer["resource_templates"]), (&json!(none), &json!(none)));
}
