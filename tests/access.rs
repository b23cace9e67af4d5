//! Who gets in, and whose jobs they find there, against the real binary.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

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
async fn ask(server: &TestServer, name: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, _, answer) = server.request(method, path, &headers, body.to_string().into_bytes()).await;
    (status, answer)
}

async fn submit(server: &TestServer, name: &str, body: Value) -> String {
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
    let (site, server) = (TestSite::start(), TestServer::with_config(&config(HOOKS)).await);
    let webhook = json!({"webhook_url": site.webhook_url()});
    let id = submit(&server, "ann", json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
    site.next_webhook().await;
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
            let (_, answer) = ask(&server, name, "POST", "/deliveries/replay", json!({})).await;
            assert_eq!(answer["replayed"], json!(jobs), "{name}");
        }
    }
}

#[actix::test]
async fn the_same_idempotency_key_is_another_one_for_another_caller() {
    let server = TestServer::with_config(&config("")).await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "ann"] {
        let bearer = format!("Bearer {}", token(name));
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "k")];
        let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
        let (status, _, answer) = server.request("POST", "/crawl/job", &headers, body).await;
        assert_eq!(status, 202);
        ids.push(answer["task_id"].clone());
    }
    assert!(ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
}

#[actix::test]
async fn who_may_only_read_starts_nothing_by_any_route() {
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
        let server = TestServer::with_config(&format!("security: {{api_token: letmein, open_metrics: {open}}}")).await;
        assert_eq!(server.get("/metrics").await.0, status);
        assert_eq!(server.get("/health").await.0, 200);
        for (method, path) in
            [("GET", "/ask"), ("GET", "/jobs"), ("GET", "/ready"), ("POST", "/crawl/job"), ("PUT", "/x")]
        {
            let (status, headers, answer) = server.request(method, path, &[], vec![]).await;
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
    let next_webhook = String::from_utf8(made.stderr).expect("it is text");
    let token = next_webhook.lines().next().expect("the token is said first");
    assert!(made.status.success() && token.len() > 40 && !lines.contains(token), "{lines}");
    let server = TestServer::with_config(&lines).await;
    assert_eq!(server.get_status_with_header("/jobs", "x-api-key", token).await, 200);
    assert_eq!(server.get("/jobs").await.0, 401);
}

#[test]
fn tokens_that_are_none_stop_the_start_and_are_not_shown() {
    let hash = "0".repeat(64);
    for (tokens, says) in [
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

/// A token as anybody who knows the key can make it.
fn signed(claims: &Value, key: &str) -> String {
    use base64::Engine;
    let part = |text: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(br#"{"alg":"HS256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    format!("{signed}.{}", part(ring::hmac::sign(&key, signed.as_bytes()).as_ref()))
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[actix::test]
async fn who_holds_the_operators_token_gets_signed_ones_for_others() {
    let server = TestServer::with_config_and_env("security: {api_token: letmein}", &[("SECRET_KEY", KEY)]).await;
    for (body, status, detail) in [
        (json!({"email": "ann@example.com", "api_token": "letmei"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com", "api_token": null}), 401, "Invalid or missing api_token"),
    ] {
        let answer = server.post("/token", body.clone()).await;
        assert_eq!((answer.0, &answer.1["detail"]), (status, &json!(detail)), "{body}");
    }
    for body in
        [json!({}), json!([]), json!({"email": "ann", "api_token": "letmein"}), json!({"email": 7, "api_token": 7})]
    {
        assert_eq!(server.post("/token", body.clone()).await.0, 422, "{body}");
    }
    let (status, given) = server.post("/token", json!({"email": "ann@Example.com", "api_token": "letmein"})).await;
    assert_eq!((status, &given["email"], &given["token_type"]), (200, &json!("ann@example.com"), &json!("bearer")));
    let bearer = format!("Bearer {}", given["access_token"].as_str().expect("a token"));
    let json = ("content-type", "application/json");
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let (status, _, job) =
        server.request("POST", "/crawl/job", &[("authorization", &bearer), json], body.clone()).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    let bob = signed(&json!({"sub": "bob@example.com", "exp": 4_102_444_800_i64, "scope": "data"}), KEY);
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
        assert_eq!(
            server.get_status_with_header("/jobs", "x-api-key", &signed(&claims, key)).await,
            expected,
            "{claims}"
        );
    }
}

#[actix::test]
async fn signed_tokens_alone_close_a_server_and_none_are_given_without_the_operators() {
    let config = "security: {jwt_enabled: true}\napp: {host: 0.0.0.0}";
    let server = TestServer::with_config_and_env(config, &[("SECRET_KEY", KEY)]).await;
    let (status, answer) = server.post("/token", json!({"email": "ann@example.com", "api_token": "x"})).await;
    assert_eq!(status, 403, "{answer}");
    assert_eq!(server.get("/jobs").await.0, 401);
    let good = signed(&json!({"sub": "ann@example.com", "exp": 4_102_444_800_i64}), KEY);
    assert_eq!(server.get_status_with_header("/jobs", "authorization", &format!("Bearer {good}")).await, 200);
}

#[actix::test]
async fn a_page_whose_name_was_made_to_lead_here_is_refused() {
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
async fn a_server_that_is_open_to_its_own_machine_answers_nobody_by_a_proxy() {
    let (open, closed) = (TestServer::start().await, TestServer::with_config("security: {api_token: letmein}").await);
    for (name, value) in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1")]
    {
        let (status, _, answer) = open.request("GET", "/jobs", &[(name, value)], vec![]).await;
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 403 && detail.contains("rate_limiting.trusted_proxies"), "{name}: {answer}");
        assert!(detail.contains("security.api_token"), "{detail}");
        let (status, _, _) = open.request("POST", "/token", &[(name, value)], vec![]).await;
        assert_ne!(status, 200, "{name}");
        assert_eq!(open.get_status_with_header("/health", name, value).await, 200, "that is for everybody");
        let (status, _, _) = closed.request("GET", "/jobs", &[(name, value), ("x-api-key", "letmein")], vec![]).await;
        assert_eq!(status, 200, "{name}");
    }
    let said = "rate_limiting: {trusted_proxies: [127.0.0.1]}\nsecurity: {allow_unauthenticated: true}";
    assert_eq!(
        TestServer::with_config(said).await.get_status_with_header("/jobs", "x-forwarded-for", "192.0.2.1").await,
        200
    );
}

#[actix::test]
async fn another_sites_page_cannot_make_a_browser_start_anything() {
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
        let (found, _, answer) = server.request("POST", "/crawl/job", &headers, body.clone()).await;
        assert_eq!(found, status, "{headers:?}: {answer}");
    }
    // What an image's address can do.
    let (status, _, _) = server.request("GET", "/llm/a.example?q=x", &[("sec-fetch-site", "cross-site")], vec![]).await;
    assert_eq!(status, 403);
}

#[actix::test]
async fn only_listed_sites_may_read_answers() {
    let open =
        TestServer::with_config("security: {api_token: t, cors_allow_origins: [\"https://app.example\", \"*\"]}").await;
    let closed = TestServer::start().await;
    let asks = |method: &'static str| [("access-control-request-method", method)];
    for (server, origin, allowed) in [
        (&open, "https://app.example", Some("https://app.example")),
        (&open, "https://evil.example", None),
        (&closed, "https://app.example", None),
    ] {
        for (method, path) in [("OPTIONS", "/crawl/job"), ("GET", "/health")] {
            let mut headers = asks("POST").to_vec();
            headers.push(("origin", origin));
            let (_, answered, _) = server.request(method, path, &headers, vec![]).await;
            let found = answered.get("access-control-allow-origin").and_then(|value| value.to_str().ok());
            assert_eq!(found, allowed, "{origin}: {method}");
        }
    }
    // Also what is refused can be read by a page that may.
    let (status, answered, _) = open.request("GET", "/jobs", &[("origin", "https://app.example")], vec![]).await;
    assert!(status == 401 && answered.contains_key("access-control-allow-origin"));
}

#[actix::test]
async fn every_answer_has_the_headers_that_keep_browsers_from_making_anything_of_it() {
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
        let (found, answered, _) = server.request(method, path, &headers, vec![]).await;
        assert_eq!(found, status, "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(
                answered.get(name).and_then(|found| found.to_str().ok()),
                Some(value),
                "{method} {path}: {name}"
            );
        }
        let policy = answered.get("content-security-policy").and_then(|policy| policy.to_str().ok());
        assert!(policy.is_some_and(|policy| policy.starts_with("default-src 'none'")), "{method} {path}");
    }
}
