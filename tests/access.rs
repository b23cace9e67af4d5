//! Authentication, scopes, and which jobs each principal sees, against the real binary.

#[path = "access/browsers.rs"]
mod browsers;
#[path = "access/jwt.rs"]
mod jwt;
mod support;

use serde_json::{Value, json};
use support::{DEADLINE, TestServer, TestSite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Names and scopes of the configured tokens. The operator's token is `operator's`.
const TOKENS: [(&str, &str); 4] = [("ann", "submit"), ("bob", "submit"), ("eve", "read"), ("boss", "admin")];

/// A server with a token blocks internal addresses, and the test receiver has one.
const HOOKS: &str = "egress: {allow: [127.0.0.1]}";

fn config(more: &str) -> String {
    let hex = |token: &str| opilio::http::hash(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut config = format!("{more}\nsecurity:\n  api_token: operator's\n  tokens:\n");
    for (name, scope) in TOKENS {
        let hash = hex(&token(name));
        config.push_str(&format!("    {name}: {{sha256: [{hash}, \"{}\"], scope: {scope}}}\n", "0".repeat(64)));
    }
    config
}

fn token(name: &str) -> String {
    if name == "operator" { "operator's".to_owned() } else { format!("the token of {name}") }
}

/// Sends a request with the token of this name.
async fn request_as(server: &TestServer, name: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, _, response) = server.request(method, path, &headers, body.to_string().into_bytes()).await;
    (status, response)
}

async fn submit(server: &TestServer, name: &str, body: Value) -> String {
    let (status, response) = request_as(server, name, "POST", "/crawl/job", body).await;
    assert_eq!(status, 202, "{response}");
    response["task_id"].as_str().expect("an id").to_owned()
}

/// Every route that takes a job id, with the status that the owner gets.
fn routes_of_job(id: &str) -> [(&'static str, String, u16); 11] {
    [
        ("GET", format!("/crawl/job/{id}"), 200),
        ("GET", format!("/llm/job/{id}"), 200),
        ("GET", format!("/job/{id}"), 200),
        ("GET", format!("/task/{id}"), 200),
        ("GET", format!("/llm/{id}"), 200),
        ("GET", format!("/crawl/job/{id}/pages/0"), 200),
        ("GET", format!("/jobs/{id}/events"), 200),
        ("GET", format!("/jobs/{id}/deliveries"), 200),
        ("POST", format!("/jobs/{id}/deliveries"), 202),
        ("POST", format!("/jobs/{id}/rerun"), 202),
        ("DELETE", format!("/crawl/job/{id}"), 409),
    ]
}

#[actix::test]
async fn job_is_404_for_other_principals_except_admins() {
    let (site, server) = (TestSite::start(), TestServer::with_config(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": site.webhook_url()});
    let id = submit(&server, "ann", json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
    site.next_webhook().await;
    for (method, path, _) in routes_of_job(&id) {
        for other in ["bob", "eve"] {
            // A read-only token gets 403 whether the job exists or not.
            let expected = if other == "eve" && method != "GET" { 403 } else { 404 };
            let (status, response) = request_as(&server, other, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{other}: {method} {path}: {response}");
        }
    }
    for name in ["ann", "boss", "operator"] {
        for (method, path, expected) in routes_of_job(&id) {
            let (status, response) = request_as(&server, name, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{name}: {method} {path}: {response}");
        }
    }
}

#[actix::test]
async fn lists_and_bulk_replays_are_limited_to_own_jobs() {
    let (site, server) = (TestSite::start(), TestServer::with_config(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": site.webhook_url()});
    for name in ["ann", "bob"] {
        submit(&server, name, json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
        site.next_webhook().await;
    }
    for (name, jobs) in [("ann", 1), ("bob", 1), ("eve", 0), ("boss", 2), ("operator", 2)] {
        let (_, list) = request_as(&server, name, "GET", "/jobs", Value::Null).await;
        assert_eq!(list["jobs"].as_array().map(Vec::len), Some(jobs), "{name}");
        if name != "eve" {
            let (_, response) = request_as(&server, name, "POST", "/deliveries/replay", json!({})).await;
            assert_eq!(response["replayed"], json!(jobs), "{name}");
        }
    }
}

#[actix::test]
async fn idempotency_keys_are_separate_per_principal() {
    let server = TestServer::with_config(&config("")).await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "ann"] {
        let bearer = format!("Bearer {}", token(name));
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
        let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
        let (status, _, response) = server.request("POST", "/crawl/job", &headers, body).await;
        assert_eq!(status, 202);
        ids.push(response["task_id"].clone());
    }
    assert!(ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
}

#[actix::test]
async fn read_scope_cannot_start_anything_by_any_route() {
    let server = TestServer::with_config(&config("")).await;
    for (method, path) in [
        ("POST", "/crawl/job"),
        ("POST", "/llm/job"),
        ("POST", "/crawl"),
        ("POST", "/crawl/stream"),
        ("POST", "/md"),
        ("POST", "/html"),
        ("GET", "/llm/example.com?q=x"),
        ("GET", "/%6clm/example.com?q=x"),
        ("GET", "/llm/job/example.com/x?q=x"),
        ("POST", "/deliveries/replay"),
        ("DELETE", "/crawl/job/crawl_x"),
        ("PUT", "/unknown/route"),
    ] {
        let body = json!({"urls": ["raw:<p>x"], "url": "raw:<p>x", "q": "x", "f": "raw"});
        let (status, response) = request_as(&server, "eve", method, path, body).await;
        assert_eq!(status, 403, "{method} {path}: {response}");
    }
    let (_, list) = request_as(&server, "operator", "GET", "/jobs", Value::Null).await;
    assert_eq!(list["jobs"], json!([]));
    for path in ["/jobs", "/schema", "/metrics", "/ready"] {
        assert_eq!(request_as(&server, "eve", "GET", path, Value::Null).await.0, 200, "{path}");
    }
}

#[actix::test]
async fn unauthenticated_requests_reach_only_health_ready_and_open_metrics() {
    for (open, status) in [("false", 401), ("true", 200)] {
        let server = TestServer::with_config(&format!("security: {{api_token: letmein, open_metrics: {open}}}")).await;
        assert_eq!(server.get("/metrics").await.0, status);
        assert_eq!((server.get("/health").await.0, server.get("/ready").await.0), (200, 200));
        for (method, path) in
            [("GET", "/ask"), ("GET", "/jobs"), ("HEAD", "/jobs"), ("POST", "/crawl/job"), ("PUT", "/x")]
        {
            let (status, headers, response) = server.request(method, path, &[], vec![]).await;
            let body = if method == "HEAD" { Value::Null } else { json!({"detail": "Authentication required"}) };
            assert_eq!((status, &response), (401, &body), "{method} {path}");
            assert_eq!(headers.get("www-authenticate").and_then(|scheme| scheme.to_str().ok()), Some("Bearer"));
        }
    }
}

#[actix::test]
async fn callers_without_a_token_have_submit_beyond_loopback() {
    let mut server = TestServer::with_env(&[
        ("OPILIO__APP__HOST", "0.0.0.0"),
        ("OPILIO__SECURITY__ALLOW_UNAUTHENTICATED", "true"),
        ("CRAWL4AI_API_TOKEN", "operator's"),
    ])
    .await;
    let id = submit(&server, "operator", json!({"urls": ["raw:<p>x"]})).await;
    for (host, status) in [("0.0.0.0", 404), ("127.0.0.1", 200)] {
        server.send_sigterm();
        server.wait_for_exit().await;
        server.set_env("CRAWL4AI_API_TOKEN", "");
        server.set_env("OPILIO__APP__HOST", host);
        server.restart().await;
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.0, status, "{host}: a job of the operator");
        assert_eq!(server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await.0, 202, "{host}");
        for (name, status) in [("rebound.example", 400), ("opilio:11235", 200), ("192.0.2.7", 200)] {
            assert_eq!(server.get_status_with_header("/health", "host", name).await, status, "{host}: {name}");
        }
    }
}

#[actix::test]
async fn host_of_an_absolute_target_replaces_the_header() {
    let server = TestServer::start().await;
    for (target, host, status) in [
        ("http://rebound.example/health", "localhost", "HTTP/1.1 400"),
        ("http://localhost/health", "rebound.example", "HTTP/1.1 200"),
    ] {
        let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).await.expect("it listens");
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        timeout(DEADLINE, stream.read_to_string(&mut response)).await.expect("in time").expect("text");
        assert!(response.starts_with(status), "{target}: {response}");
    }
}

#[actix::test]
async fn token_command_creates_a_token_that_only_stderr_shows() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_opilio")).args(["token", "ci", "--scope", "read"]).output();
    let output = output.expect("the binary is built");
    let config = String::from_utf8(output.stdout).expect("it is text");
    let messages = String::from_utf8(output.stderr).expect("it is text");
    let token = messages.lines().next().expect("the first line is the token");
    assert!(output.status.success() && token.len() > 40 && !config.contains(token), "{config}");
    let server = TestServer::with_config(&config).await;
    assert_eq!(server.get_status_with_header("/jobs", "x-api-key", token).await, 200);
    assert_eq!(server.get("/jobs").await.0, 401);
}

#[test]
fn invalid_token_entries_stop_the_start_without_being_printed() {
    let hash = "0".repeat(64);
    for (tokens, message) in [
        ("{a b: {sha256: X, scope: read}}", "the name of a token"),
        ("{operator: {sha256: X, scope: read}}", "is a reserved name"),
        ("{ci: {sha256: hidden, scope: read}}", "64 hexadecimal digits"),
        ("{ci: {sha256: [], scope: read}}", "64 hexadecimal digits"),
        ("{ci: {sha256: X, scope: all}}", "security.tokens"),
        ("{ci: {sha256: X}}", "scope"),
        ("{ci: {sha256: X, scope: read, more: 1}}", "more"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = format!("security:\n  tokens: {}\n", tokens.replace('X', &format!("\"{hash}\"")));
        std::fs::write(folder.path().join("config.yml"), config).expect("the folder is writable");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_opilio"))
            .arg("serve")
            .current_dir(folder.path())
            .output()
            .expect("the binary is built");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(message) && !error.contains("hidden"), "{tokens}: {error}");
    }
}
