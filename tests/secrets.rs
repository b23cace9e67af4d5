//! Secrets planted wherever one can be given, and everything that the server says searched for them.

mod support;

use std::process::Command;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use support::TestServer;

/// What each secret begins with. None of them may be anywhere in what is said.
const MARK: &str = "planted-";

/// The text of everything that a server sent to the outside, by which it is known that the secrets were used.
type Sent = Arc<Mutex<String>>;

/// A page, a receiver that fails once and repeats all it was sent, and a model that refuses and repeats its key.
fn site() -> (String, Sent) {
    let sent = Sent::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    let data = web::Data::from(Arc::clone(&sent));
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(repeat)));
    actix::spawn(server.workers(1).disable_signals().listen(listener).expect("it is bound").run());
    (base, sent)
}

async fn repeat(request: HttpRequest, sent: web::Data<Mutex<String>>) -> HttpResponse {
    let headers = request.headers().iter();
    let said: String = headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?"))).collect();
    let mut sent = sent.lock().expect("not poisoned");
    sent.push_str(&said);
    match request.path() {
        "/page" => HttpResponse::Ok().content_type("text/html").body("<!DOCTYPE html><title>A page</title><p>words"),
        "/hook" if sent.matches("webhook-id").count() < 2 => HttpResponse::InternalServerError().body(said),
        "/hook" => HttpResponse::Ok().body(said),
        _ => HttpResponse::BadRequest().json(json!({"error": {"message": format!("no good key: {said}")}})),
    }
}

/// Where nobody listens any more.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn config(site: &str) -> String {
    format!(
        "security: {{api_token: planted-api-token}}
egress: {{allow: [127.0.0.1]}}
logging: {{level: trace}}
webhooks:
  headers: {{X-Operator: planted-operators-header}}
  secrets: [whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi0zMi1ieXRlcw==, planted-signing-secret-of-32-bytes]
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

struct Said(Vec<(String, String)>);

impl Said {
    fn hear(&mut self, what: impl Into<String>, text: impl Into<String>) {
        self.0.push((what.into(), text.into()));
    }

    async fn ask(&mut self, server: &TestServer, method: &str, path: &str, body: Value) -> Value {
        let request = server.client().request(method.parse().expect("a method"), format!("{}{path}", server.base()));
        let request =
            request.header("authorization", "Bearer planted-api-token").header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.expect("the server answers");
        let headers = format!("{:?}", response.headers());
        let text = response.text().await.expect("the whole answer arrives");
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        self.hear(format!("{method} {path}"), headers + &text);
        answer
    }

    /// Asks until the job and its webhook have ended.
    async fn settled(&mut self, server: &TestServer, job: &Value) {
        let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
        loop {
            let status = self.ask(server, "GET", &path, Value::Null).await;
            let next_webhook = &status["webhook"]["state"];
            if status["status"] != "processing" && next_webhook != "waiting" && next_webhook != "pending" {
                break;
            }
        }
    }
}

#[actix::test]
async fn no_secret_is_in_anything_that_is_said() {
    let (site, sent) = site();
    let config = config(&site);
    let mut server = TestServer::with_config_and_env(&config, &VARIABLES).await;
    let mut said = Said(vec![]);
    let webhook = json!({"webhook_url": format!("{site}/hook"), "webhook_headers": {
        "Authorization": "Bearer planted-webhook-credential", "X-Key": "planted-webhook-header"}});
    let crawl = json!({"urls": [format!("{site}/page"), format!("http://127.0.0.1:{}/", closed_port())], "webhook_config": webhook,
        "browser_config": {"headers": {"X-Page": "planted-page-header"}, "cookies": [{"name": "c", "value": "planted-cookie", "url": site}]}});
    let job = said.ask(&server, "POST", "/crawl/job", crawl).await;
    said.settled(&server, &job).await;
    let id = job["task_id"].as_str().expect("an id");
    let question = json!({"url": format!("{site}/page"), "q": "what?", "webhook_config": webhook,
        "api_key": "planted-key-in-a-request"});
    let asked = said.ask(&server, "POST", "/llm/job", question).await;
    said.settled(&server, &asked).await;
    let email = json!({"email": "ann@example.com", "api_token": "planted-wrong-token"});
    for (method, path, body) in [
        ("GET", "/jobs".to_owned(), Value::Null),
        ("GET", "/metrics".to_owned(), Value::Null),
        ("GET", format!("/jobs/{id}/deliveries"), Value::Null),
        ("GET", format!("/jobs/{id}/events"), Value::Null),
        ("GET", format!("/llm/job/{}", asked["task_id"].as_str().expect("an id")), Value::Null),
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
        said.ask(&server, method, &path, body).await;
    }
    for (name, value) in [("authorization", "Bearer planted-wrong-credential"), ("x-api-key", "planted-wrong-key")] {
        let (status, headers, answer) = server.request("GET", "/jobs", &[(name, value)], vec![]).await;
        assert_eq!(status, 401);
        said.hear("a wrong credential", format!("{headers:?} {answer}"));
    }
    server.send_sigterm();
    server.wait_for_exit().await;
    said.hear("the log", server.remaining_log().await);
    for arguments in [&["config"][..], &["serve", "--host", "odd"], &["health", "--port", "1"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opilio"));
        let output =
            command.args(arguments).current_dir(server.folder()).envs(VARIABLES).output().expect("it is built");
        said.hear(format!("{arguments:?}"), format!("{output:?}"));
    }

    let sent = sent.lock().expect("not poisoned").clone();
    for used in ["operators-header", "webhook-credential", "webhook-header", "page-header", "cookie", "models-key"] {
        assert!(sent.contains(&format!("{MARK}{used}")), "{used} was never sent");
    }
    assert!(said.0.iter().any(|(what, text)| what == "the log" && text.contains("webhook")), "there is a log");
    for (what, text) in &said.0 {
        let found = text.find(MARK).map(|at| text[at..].chars().take(60).collect::<String>());
        assert_eq!(found, None, "in {what}");
    }
}

#[actix::test]
async fn text_from_outside_cannot_write_lines_of_its_own_into_the_log() {
    let mut server = TestServer::with_config("logging: {level: trace}").await;
    let odd = "x\r\n2026-01-01T00:00:00Z  INFO webhook: all is well\u{1b}[2K\u{85}";
    let encoded: String = odd.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for (method, path, body) in [
        ("GET", format!("/jobs?status={encoded}"), Value::Null),
        ("GET", format!("/crawl/job/{encoded}"), Value::Null),
        ("GET", format!("/llm/{encoded}?q={encoded}"), Value::Null),
        (
            "POST",
            "/crawl/job".to_owned(),
            json!({"urls": [odd], odd: odd, "webhook_config": {
            "webhook_url": odd, "webhook_headers": {odd: odd}}}),
        ),
        (
            "POST",
            "/crawl/job".to_owned(),
            json!({"urls": [format!("http://127.0.0.1:1/{odd}")], "webhook_config": {
            "webhook_url": format!("http://127.0.0.1:1/{odd}")}}),
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
