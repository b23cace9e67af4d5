//! Secrets are planted in every input, and all output is searched for them.

mod support;

use std::process::Command;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opilio_actors::testing::until::{DEADLINE, expect, until};
use serde_json::{Value, json};
use support::TestServer;

/// The prefix of each planted secret. It must not occur in any output.
const MARK: &str = "planted-";
/// [`MARK`] in base64.
const ENCODED_MARK: &str = "cGxhbnRlZC";

/// The headers of all requests that the server sent, which prove that the secrets were used.
type Sent = Arc<Mutex<String>>;

/// A page, a receiver that fails once and repeats the headers, and a model that rejects the request and repeats its key.
fn site() -> (String, Sent) {
    let sent = Sent::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let data = web::Data::from(Arc::clone(&sent));
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(repeat)));
    actix::spawn(server.workers(1).disable_signals().listen(listener).expect("bound").run());
    (base, sent)
}

async fn repeat(request: HttpRequest, sent: web::Data<Mutex<String>>) -> HttpResponse {
    let headers = request.headers().iter();
    let received: String =
        headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?"))).collect();
    let mut sent = sent.lock().expect("not poisoned");
    sent.push_str(&received);
    match request.path() {
        "/page" => HttpResponse::Ok().content_type("text/html").body("<!DOCTYPE html><title>A page</title><p>words"),
        "/hook" if sent.matches("webhook-id").count() < 2 => HttpResponse::InternalServerError().body(received),
        "/hook" => HttpResponse::Ok().body(received),
        _ => HttpResponse::BadRequest().json(json!({"error": {"message": format!("invalid key: {received}")}})),
    }
}

/// A port without a listener.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

fn config(site: &str) -> String {
    format!(
        "security: {{api_token: planted-api-token}}
egress: {{allow: [127.0.0.1]}}
logging: {{level: trace}}
webhooks:
  headers: {{X-Operator: planted-operators-header}}
  secrets: [whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcw==, cGxhbnRlZC1zZWNvbmQtc2lnbmluZy1zZWNyZXQtb2YtMzI=]
  retry: {{initial_delay: 10ms}}
llm:
  provider: own/model
  families: {{own: {{base_url: \"{site}\", api_key: planted-models-key, needs_key: true}}}}
"
    )
}

const VARIABLES: [(&str, &str); 3] = [
    ("SECRET_KEY", "planted-secret-key-of-32-characters"),
    ("OPENAI_API_KEY", "planted-key-of-another-model"),
    ("REDIS_PASSWORD", "planted-redis-password"),
];

/// Collected output, each with its source.
struct Outputs(Vec<(String, String)>);

impl Outputs {
    fn add(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.0.push((what.into(), text.into()));
    }

    async fn request(&mut self, server: &TestServer, method: &str, path: &str, body: Value) -> Value {
        let request = server.client().request(method.parse().expect("a method"), format!("{}{path}", server.base()));
        let request =
            request.header("authorization", "Bearer planted-api-token").header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.expect("a response");
        let headers = format!("{:?}", response.headers());
        let text = response.text().await.expect("a complete response");
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        self.add(format!("{method} {path}"), headers + &text);
        answer
    }

    /// Waits until the job has settled and its delivery has ended.
    async fn wait_until_settled(&mut self, server: &TestServer, job: &Value) {
        let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
        let is_final = async || {
            let status = self.request(server, "GET", &path, Value::Null).await;
            let state = &status["webhook"]["state"];
            expect(status["status"] != "processing" && state != "waiting" && state != "pending", status.clone())
        };
        until(is_final, DEADLINE).await;
    }
}

#[actix::test]
async fn no_output_contains_a_secret() {
    let (site, sent) = site();
    let config = config(&site);
    let mut server = TestServer::with_config_and_env(&config, &VARIABLES).await;
    let mut outputs = Outputs(vec![]);
    let webhook = json!({"webhook_url": format!("{site}/hook"), "webhook_headers": {
        "Authorization": "Bearer planted-webhook-credential", "X-Key": "planted-webhook-header"}});
    let crawl = json!({"urls": [format!("{site}/page"), format!("http://127.0.0.1:{}/", closed_port())], "webhook_config": webhook,
        "browser_config": {"headers": {"X-Page": "planted-page-header"}, "cookies": [{"name": "c", "value": "planted-cookie", "url": site}]}});
    let job = outputs.request(&server, "POST", "/crawl/job", crawl).await;
    outputs.wait_until_settled(&server, &job).await;
    let id = job["task_id"].as_str().expect("an id");
    let llm_job = json!({"url": format!("{site}/page"), "q": "what?", "webhook_config": webhook,
        "api_key": "planted-key-in-a-request"});
    let llm_job = outputs.request(&server, "POST", "/llm/job", llm_job).await;
    outputs.wait_until_settled(&server, &llm_job).await;
    let email = json!({"email": "ann@example.com", "api_token": "planted-wrong-token"});
    for (method, path, body) in [
        ("GET", "/jobs".to_owned(), Value::Null),
        ("GET", "/metrics".to_owned(), Value::Null),
        ("GET", format!("/jobs/{id}/deliveries"), Value::Null),
        ("GET", format!("/jobs/{id}/events"), Value::Null),
        ("GET", format!("/llm/job/{}", llm_job["task_id"].as_str().expect("an id")), Value::Null),
        ("POST", format!("/jobs/{id}/rerun"), Value::Null),
        ("POST", "/token".to_owned(), email),
        (
            "POST",
            "/crawl/job".to_owned(),
            json!({"urls": ["x"], "webhook_config": {
            "webhook_url": "http://planted-user:planted-password@a.example/\u{0}", "webhook_headers": {
            "Host": "planted-refused-header", "X": "planted-broken-header\n"}}}),
        ),
    ] {
        outputs.request(&server, method, &path, body).await;
    }
    for (name, value) in [("authorization", "Bearer planted-wrong-credential"), ("x-api-key", "planted-wrong-key")] {
        let (status, headers, answer) = server.request("GET", "/jobs", &[(name, value)], vec![]).await;
        assert_eq!(status, 401);
        outputs.add("a wrong credential", format!("{headers:?} {answer}"));
    }
    server.send_sigterm();
    server.wait_for_exit().await;
    outputs.add("the log", server.remaining_log().await);
    for arguments in [&["config"][..], &["serve", "--host", "odd"], &["health", "--port", "1"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opilio"));
        let output =
            command.args(arguments).current_dir(server.folder()).envs(VARIABLES).output().expect("the binary runs");
        outputs.add(format!("{arguments:?}"), format!("{output:?}"));
    }

    let sent = sent.lock().expect("not poisoned").clone();
    for secret in ["operators-header", "webhook-credential", "webhook-header", "page-header", "cookie", "models-key"] {
        assert!(sent.contains(&format!("{MARK}{secret}")), "{secret} was never sent");
    }
    assert!(outputs.0.iter().any(|(what, text)| what == "the log" && text.contains("webhook")), "the log is not empty");
    for (what, text) in &outputs.0 {
        let found = text
            .find(MARK)
            .or_else(|| text.find(ENCODED_MARK))
            .map(|at| text[at..].chars().take(60).collect::<String>());
        assert_eq!(found, None, "in {what}");
    }
}

#[actix::test]
async fn text_from_outside_cannot_forge_log_lines() {
    let mut server = TestServer::with_config("logging: {level: trace}").await;
    let hostile = "x\r\n2026-01-01T00:00:00Z  INFO webhook: all is well\u{1b}[2K\u{85}";
    let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for (method, path, body) in [
        ("GET", format!("/jobs?status={encoded}"), Value::Null),
        ("GET", format!("/crawl/job/{encoded}"), Value::Null),
        ("GET", format!("/llm/{encoded}?q={encoded}"), Value::Null),
        (
            "POST",
            "/crawl/job".to_owned(),
            json!({"urls": [hostile], hostile: hostile, "webhook_config": {
            "webhook_url": hostile, "webhook_headers": {hostile: hostile}}}),
        ),
        (
            "POST",
            "/crawl/job".to_owned(),
            json!({"urls": [format!("http://127.0.0.1:1/{hostile}")], "webhook_config": {
            "webhook_url": format!("http://127.0.0.1:1/{hostile}")}}),
        ),
    ] {
        let json = [("content-type", "application/json")];
        let (status, _, answer) = server.request(method, &path, &json, body.to_string().into_bytes()).await;
        if status >= 400 {
            let acts = |text: &str| text.contains(char::is_control);
            fn texts(value: &Value) -> Vec<&str> {
                match value {
                    Value::String(text) => vec![text],
                    Value::Array(list) => list.iter().flat_map(texts).collect(),
                    Value::Object(map) => map.values().flat_map(texts).collect(),
                    _ => vec![],
                }
            }
            assert!(!texts(&answer).into_iter().any(acts), "{method} {path}: {answer}");
        }
    }
    server.send_sigterm();
    server.wait_for_exit().await;
    let log = server.remaining_log().await;
    assert!(!log.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
}
