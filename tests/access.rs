//! Authentication, scopes, and which jobs each principal sees, against the real binary.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

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
async fn ask(server: &TestServer, name: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, _, response) = server.request(method, path, &headers, body.to_string().into_bytes()).await;
    (status, response)
}

async fn submit(server: &TestServer, name: &str, body: Value) -> String {
    let (status, response) = ask(server, name, "POST", "/crawl/job", body).await;
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
async fn other_principals_get_404_for_a_job_and_admins_see_it() {
    let (site, server) = (TestSite::start(), TestServer::with_config(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": site.webhook_url()});
    let id = submit(&server, "ann", json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
    site.next_webhook().await;
    for (method, path, _) in routes_of_job(&id) {
        for other in ["bob", "eve"] {
            // A read-only token gets 403 whether the job exists or not.
            let expected = if other == "eve" && method != "GET" { 403 } else { 404 };
            let (status, response) = ask(&server, other, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{other}: {method} {path}: {response}");
        }
    }
    for name in ["ann", "boss", "operator"] {
        for (method, path, expected) in routes_of_job(&id) {
            let (status, response) = ask(&server, name, method, &path, Value::Null).await;
            assert_eq!(status, expected, "{name}: {method} {path}: {response}");
        }
    }
}

#[actix::test]
async fn lists_and_bulk_replays_cover_own_jobs_and_all_for_admins() {
    let (site, server) = (TestSite::start(), TestServer::with_config(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": site.webhook_url()});
    for name in ["ann", "bob"] {
        submit(&server, name, json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
        site.next_webhook().await;
    }
    for (name, jobs) in [("ann", 1), ("bob", 1), ("eve", 0), ("boss", 2), ("operator", 2)] {
        let (_, list) = ask(&server, name, "GET", "/jobs", Value::Null).await;
        assert_eq!(list["jobs"].as_array().map(Vec::len), Some(jobs), "{name}");
        if name != "eve" {
            let (_, response) = ask(&server, name, "POST", "/deliveries/replay", json!({})).await;
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
        ("PUT", "/whatever/comes/later"),
    ] {
        let body = json!({"urls": ["raw:<p>x"], "url": "raw:<p>x", "q": "x", "f": "raw"});
        let (status, response) = ask(&server, "eve", method, path, body).await;
        assert_eq!(status, 403, "{method} {path}: {response}");
    }
    let (_, list) = ask(&server, "operator", "GET", "/jobs", Value::Null).await;
    assert_eq!(list["jobs"], json!([]));
    for path in ["/jobs", "/schema", "/metrics", "/ready"] {
        assert_eq!(ask(&server, "eve", "GET", path, Value::Null).await.0, 200, "{path}");
    }
}

#[actix::test]
async fn unauthenticated_requests_reach_only_health_and_open_metrics() {
    for (open, status) in [("false", 401), ("true", 200)] {
        let server = TestServer::with_config(&format!("security: {{api_token: letmein, open_metrics: {open}}}")).await;
        assert_eq!(server.get("/metrics").await.0, status);
        assert_eq!(server.get("/health").await.0, 200);
        for (method, path) in
            [("GET", "/ask"), ("GET", "/jobs"), ("GET", "/ready"), ("POST", "/crawl/job"), ("PUT", "/x")]
        {
            let (status, headers, response) = server.request(method, path, &[], vec![]).await;
            assert_eq!((status, &response), (401, &json!({"detail": "Authentication required"})), "{method} {path}");
            assert_eq!(headers.get("www-authenticate").and_then(|scheme| scheme.to_str().ok()), Some("Bearer"));
        }
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
        ("{a b: {sha256: X, scope: read}}", "a token's name"),
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

/// A JWT with these claims, signed with `key`.
fn jwt(claims: &Value, key: &str) -> String {
    use base64::Engine;
    let part = |text: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let unsigned = format!("{}.{}", part(br#"{"alg":"HS256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    format!("{unsigned}.{}", part(ring::hmac::sign(&key, unsigned.as_bytes()).as_ref()))
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[actix::test]
async fn operator_token_obtains_jwts_for_other_principals() {
    let server = TestServer::with_config_and_env("security: {api_token: letmein}", &[("SECRET_KEY", KEY)]).await;
    for (body, status, detail) in [
        (json!({"email": "ann@example.com", "api_token": "letmei"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com", "api_token": null}), 401, "Invalid or missing api_token"),
    ] {
        let response = server.post("/token", body.clone()).await;
        assert_eq!((response.0, &response.1["detail"]), (status, &json!(detail)), "{body}");
    }
    for body in
        [json!({}), json!([]), json!({"email": "ann", "api_token": "letmein"}), json!({"email": 7, "api_token": 7})]
    {
        assert_eq!(server.post("/token", body.clone()).await.0, 422, "{body}");
    }
    let (status, issued) = server.post("/token", json!({"email": "ann@Example.com", "api_token": "letmein"})).await;
    assert_eq!((status, &issued["email"], &issued["token_type"]), (200, &json!("ann@example.com"), &json!("bearer")));
    let bearer = format!("Bearer {}", issued["access_token"].as_str().expect("a token"));
    let json = ("content-type", "application/json");
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let (status, _, job) =
        server.request("POST", "/crawl/job", &[("authorization", &bearer), json], body.clone()).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    let bob = jwt(&json!({"sub": "bob@example.com", "exp": 4_102_444_800_i64, "scope": "data"}), KEY);
    let bob = format!("Bearer {bob}");
    for (bearer, expected) in [(bearer.as_str(), 200), ("Bearer letmein", 200), (&bob, 404)] {
        assert_eq!(server.get_status_with_header(&path, "authorization", bearer).await, expected, "{bearer}");
    }
    for (claims, key, expected) in [
        (json!({"sub": "a", "exp": 4_102_444_800_i64}), KEY, 200),
        (json!({"sub": "a", "exp": 1_700_000_000}), KEY, 401),
        (json!({"sub": "a"}), KEY, 401),
        (json!({"sub": "a", "exp": 4_102_444_800_i64}), "another key of more than 32 characters", 401),
    ] {
        assert_eq!(server.get_status_with_header("/jobs", "x-api-key", &jwt(&claims, key)).await, expected, "{claims}");
    }
}

#[actix::test]
async fn jwt_only_server_requires_a_token_and_issues_none() {
    let config = "security: {jwt_enabled: true}\napp: {host: 0.0.0.0}";
    let server = TestServer::with_config_and_env(config, &[("SECRET_KEY", KEY)]).await;
    let (status, response) = server.post("/token", json!({"email": "ann@example.com", "api_token": "x"})).await;
    assert_eq!(status, 403, "{response}");
    assert_eq!(server.get("/jobs").await.0, 401);
    let valid = jwt(&json!({"sub": "ann@example.com", "exp": 4_102_444_800_i64}), KEY);
    assert_eq!(server.get_status_with_header("/jobs", "authorization", &format!("Bearer {valid}")).await, 200);
}

#[actix::test]
async fn unknown_host_headers_are_rejected() {
    let server = TestServer::with_config("security: {trusted_hosts: [crawl.lan]}").await;
    let port = server.port();
    for (host, status) in [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("crawl.lan".to_owned(), 200),
        (format!("evil.example:{port}"), 400),
        ("evil.example".to_owned(), 400),
    ] {
        for path in ["/health", "/jobs"] {
            assert_eq!(server.get_status_with_header(path, "host", &host).await, status, "{host} {path}");
        }
    }
    let exposed = TestServer::with_config("app: {host: 0.0.0.0}\nsecurity: {api_token: letmein}").await;
    assert_eq!(exposed.get_status_with_header("/health", "host", "any.example").await, 200);
}

#[actix::test]
async fn open_server_rejects_proxied_requests() {
    let (open, closed) = (TestServer::start().await, TestServer::with_config("security: {api_token: letmein}").await);
    for (name, value) in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")]
    {
        let (status, _, response) = open.request("GET", "/jobs", &[(name, value)], vec![]).await;
        let detail = response["detail"].as_str().unwrap_or_default();
        assert!(status == 403 && detail.contains("rate_limiting.trusted_proxies"), "{name}: {response}");
        assert!(detail.contains("security.api_token"), "{detail}");
        let (status, _, _) = open.request("POST", "/token", &[(name, value)], vec![]).await;
        assert_ne!(status, 200, "{name}");
        assert_eq!(open.get_status_with_header("/health", name, value).await, 200, "health is always open");
        let (status, _, _) = closed.request("GET", "/jobs", &[(name, value), ("x-api-key", "letmein")], vec![]).await;
        assert_eq!(status, 200, "{name}");
    }
    let config = "rate_limiting: {trusted_proxies: [127.0.0.1]}\nsecurity: {allow_unauthenticated: true}";
    assert_eq!(
        TestServer::with_config(config).await.get_status_with_header("/jobs", "x-forwarded-for", "192.0.2.1").await,
        200
    );
}

#[actix::test]
async fn cross_site_browser_requests_cannot_start_jobs() {
    let server = TestServer::with_config("security: {cors_allow_origins: [\"https://app.example\"]}").await;
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let json = ("content-type", "application/json");
    for (headers, status) in [
        (vec![json], 202),
        (vec![json, ("sec-fetch-site", "same-origin")], 202),
        (vec![json, ("sec-fetch-site", "cross-site")], 403),
        (vec![json, ("origin", "https://evil.example")], 403),
        (vec![json, ("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], 202),
        (vec![("content-type", "text/plain")], 415),
        (vec![("content-type", "application/x-www-form-urlencoded")], 415),
    ] {
        let (found, _, response) = server.request("POST", "/crawl/job", &headers, body.clone()).await;
        assert_eq!(found, status, "{headers:?}: {response}");
    }
    // As an <img> of another site would request it.
    let (status, _, _) = server.request("GET", "/llm/a.example?q=x", &[("sec-fetch-site", "cross-site")], vec![]).await;
    assert_eq!(status, 403);
}

#[actix::test]
async fn cors_headers_are_sent_to_listed_origins_only() {
    let open =
        TestServer::with_config("security: {api_token: t, cors_allow_origins: [\"https://app.example\", \"*\"]}").await;
    let closed = TestServer::start().await;
    let preflight = |method: &'static str| [("access-control-request-method", method)];
    for (server, origin, allowed) in [
        (&open, "https://app.example", Some("https://app.example")),
        (&open, "https://evil.example", None),
        (&closed, "https://app.example", None),
    ] {
        for (method, path) in [("OPTIONS", "/crawl/job"), ("GET", "/health")] {
            let mut headers = preflight("POST").to_vec();
            headers.push(("origin", origin));
            let (_, response_headers, _) = server.request(method, path, &headers, vec![]).await;
            let found = response_headers.get("access-control-allow-origin").and_then(|value| value.to_str().ok());
            assert_eq!(found, allowed, "{origin}: {method}");
        }
    }
    // An allowed origin can read error responses too.
    let (status, response_headers, _) =
        open.request("GET", "/jobs", &[("origin", "https://app.example")], vec![]).await;
    assert!(status == 401 && response_headers.contains_key("access-control-allow-origin"));
}

#[actix::test]
async fn every_response_has_the_browser_security_headers() {
    let server = TestServer::with_config("security: {api_token: t}").await;
    for (method, path, headers, status) in [
        ("GET", "/health", vec![], 200),
        ("GET", "/jobs", vec![], 401),
        ("GET", "/jobs", vec![("x-api-key", "t")], 200),
        ("GET", "/nowhere", vec![("x-api-key", "t")], 404),
        ("PUT", "/crawl/job", vec![("x-api-key", "t")], 405),
        ("POST", "/crawl/job", vec![("x-api-key", "t")], 415),
        ("POST", "/screenshot", vec![("x-api-key", "t")], 501),
    ] {
        let (found, response_headers, _) = server.request(method, path, &headers, vec![]).await;
        assert_eq!(found, status, "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(
                response_headers.get(name).and_then(|found| found.to_str().ok()),
                Some(value),
                "{method} {path}: {name}"
            );
        }
        let policy = response_headers.get("content-security-policy").and_then(|policy| policy.to_str().ok());
        assert!(policy.is_some_and(|policy| policy.starts_with("default-src 'none'")), "{method} {path}");
    }
}
