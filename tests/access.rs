//! Who gets in, and whose jobs they find there, against the real binary.

mod house;

use house::{Outside, Server};
use serde_json::{Value, json};

/// Tokens with their names and scopes; the operator's own is `operator's`.
const TOKENS: [(&str, &str); 4] = [("ann", "submit"), ("bob", "submit"), ("eve", "read"), ("boss", "admin")];

/// With a token, internal addresses are for nobody; the tests' own receiver is at one.
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

/// A request in somebody's name.
async fn ask(server: &Server, name: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, _, answer) = server.ask(method, path, &headers, body.to_string().into_bytes()).await;
    (status, answer)
}

async fn submit(server: &Server, name: &str, body: Value) -> String {
    let (status, answer) = ask(server, name, "POST", "/crawl/job", body).await;
    assert_eq!(status, 202, "{answer}");
    answer["task_id"].as_str().expect("an id").to_owned()
}

/// Every way to a job by its id, with the status for those who may.
fn ways(id: &str) -> [(&'static str, String, u16); 11] {
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
async fn the_job_of_one_is_not_there_for_the_others_and_admins_see_all() {
    let (outside, server) = (Outside::start(), Server::configured(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": outside.hook()});
    let id = submit(&server, "ann", json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
    outside.told().await;
    for (method, path, _) in ways(&id) {
        for other in ["bob", "eve"] {
            // Who may only read is not even told whether there is anything to change.
            let expected = if other == "eve" && method != "GET" { 403 } else { 404 };
            let (status, answer) = ask(&server, other, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{other}: {method} {path}: {answer}");
        }
    }
    for seer in ["ann", "boss", "operator"] {
        for (method, path, expected) in ways(&id) {
            let (status, answer) = ask(&server, seer, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{seer}: {method} {path}: {answer}");
        }
    }
}

#[actix::test]
async fn lists_and_bulk_replays_hold_ones_own_jobs_and_an_admins_everybodys() {
    let (outside, server) = (Outside::start(), Server::configured(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": outside.hook()});
    for name in ["ann", "bob"] {
        submit(&server, name, json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
        outside.told().await;
    }
    for (name, jobs) in [("ann", 1), ("bob", 1), ("eve", 0), ("boss", 2), ("operator", 2)] {
        let (_, list) = ask(&server, name, "GET", "/jobs", Value::Null).await;
        assert_eq!(list["jobs"].as_array().map(Vec::len), Some(jobs), "{name}");
        if name != "eve" {
            let (_, answer) = ask(&server, name, "POST", "/deliveries/replay", json!({})).await;
            assert_eq!(answer["replayed"], json!(jobs), "{name}");
        }
    }
}

#[actix::test]
async fn the_same_idempotency_key_is_another_one_for_another_caller() {
    let server = Server::configured(&config("")).await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "ann"] {
        let bearer = format!("Bearer {}", token(name));
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
        let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
        let (status, _, answer) = server.ask("POST", "/crawl/job", &headers, body).await;
        assert_eq!(status, 202);
        ids.push(answer["task_id"].clone());
    }
    assert!(ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
}

#[actix::test]
async fn who_may_only_read_starts_nothing_by_any_route() {
    let server = Server::configured(&config("")).await;
    for (method, path) in [
        ("POST", "/crawl/job"),
        ("POST", "/llm/job"),
        ("POST", "/crawl"),
        ("POST", "/crawl/stream"),
        ("POST", "/md"),
        ("POST", "/html"),
        ("GET", "/llm/example.com?q=x"),
        ("GET", "/%6clm/example.com?q=x"),
        ("GET", "/llm/job/example.com?q=x"),
        ("POST", "/deliveries/replay"),
        ("DELETE", "/crawl/job/crawl_x"),
        ("PUT", "/whatever/comes/later"),
    ] {
        let body = json!({"urls": ["raw:<p>x"], "url": "raw:<p>x", "q": "x", "f": "raw"});
        let (status, answer) = ask(&server, "eve", method, path, body).await;
        assert_eq!(status, 403, "{method} {path}: {answer}");
    }
    let (_, list) = ask(&server, "operator", "GET", "/jobs", Value::Null).await;
    assert_eq!(list["jobs"], json!([]));
    for path in ["/jobs", "/schema", "/metrics", "/ready"] {
        assert_eq!(ask(&server, "eve", "GET", path, Value::Null).await.0, 200, "{path}");
    }
}

#[actix::test]
async fn without_a_credential_there_is_health_and_metrics_where_they_are_open_and_nothing_else() {
    for (open, status) in [("false", 401), ("true", 200)] {
        let server = Server::configured(&format!("security: {{api_token: letmein, open_metrics: {open}}}")).await;
        assert_eq!(server.get("/metrics").await.0, status);
        assert_eq!(server.get("/health").await.0, 200);
        for (method, path) in [("GET", "/"), ("GET", "/jobs"), ("GET", "/ready"), ("POST", "/crawl/job"), ("PUT", "/x")]
        {
            let (status, headers, answer) = server.ask(method, path, &[], vec![]).await;
            assert_eq!((status, &answer), (401, &json!({"detail": "Authentication required"})), "{method} {path}");
            assert_eq!(headers.get("www-authenticate").and_then(|scheme| scheme.to_str().ok()), Some("Bearer"));
        }
    }
}

#[actix::test]
async fn a_token_made_by_the_command_line_lets_in_and_is_in_no_file() {
    let made =
        std::process::Command::new(env!("CARGO_BIN_EXE_opilio")).args(["token", "ci", "--scope", "read"]).output();
    let made = made.expect("the binary is built");
    let lines = String::from_utf8(made.stdout).expect("it is text");
    let told = String::from_utf8(made.stderr).expect("it is text");
    let token = told.lines().next().expect("the token is said first");
    assert!(made.status.success() && token.len() > 40 && !lines.contains(token), "{lines}");
    let server = Server::configured(&lines).await;
    assert_eq!(server.get_with("/jobs", "x-api-key", token).await, 200);
    assert_eq!(server.get("/jobs").await.0, 401);
}

#[test]
fn tokens_that_are_none_stop_the_start_and_are_not_shown() {
    let hash = "0".repeat(64);
    for (tokens, says) in [
        ("{a b: {sha256: X, scope: read}}", "a token's name"),
        ("{operator: {sha256: X, scope: read}}", "somebody else's name"),
        ("{ci: {sha256: hidden, scope: read}}", "64 hexadecimal digits"),
        ("{ci: {sha256: [], scope: read}}", "64 hexadecimal digits"),
        ("{ci: {sha256: X, scope: all}}", "security.tokens"),
        ("{ci: {sha256: X}}", "scope"),
        ("{ci: {sha256: X, scope: read, more: 1}}", "more"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = format!("security:\n  tokens: {}\n", tokens.replace('X', &hash));
        std::fs::write(folder.path().join("config.yml"), config).expect("the folder is ours");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_opilio"))
            .arg("serve")
            .current_dir(folder.path())
            .output()
            .expect("the binary is built");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(says) && !error.contains("hidden"), "{tokens}: {error}");
    }
}
