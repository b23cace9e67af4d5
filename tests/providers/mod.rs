//! Providers of the tests' own, one server for all four formats. Each checks what it is sent as strictly as the real one,
//! and plays the script that the model's name picks.
#![allow(dead_code, reason = "each test binary needs its part of them")]

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// One request that a provider took for good.
#[derive(Clone)]
pub struct Taken {
    pub body: Value,
    pub at: Instant,
}

struct State {
    arrived: Semaphore,
    asked: Mutex<HashMap<String, usize>>,
    taken: Mutex<Vec<Taken>>,
    /// Questions to the slow model now, and at most.
    at_once: Mutex<(usize, usize)>,
}

/// The server, and what it was asked.
pub struct Providers {
    base: String,
    state: Arc<State>,
}

impl Providers {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let state = Arc::new(State {
            arrived: Semaphore::new(0),
            asked: Mutex::default(),
            taken: Mutex::default(),
            at_once: Mutex::default(),
        });
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/openai/chat/completions", web::post().to(openai))
                .route("/own/chat/completions", web::post().to(openai))
                .route("/anthropic/v1/messages", web::post().to(anthropic))
                .route("/gemini/models/{method}", web::post().to(gemini))
                .route("/ollama/api/chat", web::post().to(ollama))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it is bound").run();
        actix::spawn(server);
        Self { base, state }
    }

    /// Where a family is to be found.
    pub fn address(&self, family: &str) -> String {
        format!("{}/{family}", self.base)
    }

    /// So many questions the slow model had at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.state.at_once.lock().expect("no panic").1
    }

    /// Until one more question has arrived.
    pub async fn asked(&self) {
        self.state.arrived.acquire().await.expect("never closed").forget();
    }

    /// Requests that were taken, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.state.taken.lock().expect("no panic").clone()
    }
}

pub const FAMILIES: [&str; 4] = ["openai", "anthropic", "gemini", "ollama"];
pub const KEY: &str = "test-key";
/// What good models say.
pub const GOOD: &str = r#"{"title": "T"}"#;

/// What a model does, whatever its provider's format.
enum Play {
    Says(&'static str),
    SaysAfter(Duration, &'static str),
    Cut(&'static str),
    Refuses,
    Filters,
    Status(u16, &'static str),
    Hangs,
    HalfAnAnswer,
    NoJson,
}

/// The script of a model, by its name and how often it was asked before.
fn play(model: &str, before: usize) -> Play {
    match (model, before) {
        ("good", _) => Play::Says(GOOD),
        ("fenced", _) => Play::Says("Of course!\n```json\n{\"title\": \"T\"}\n```\nDone."),
        ("broken", _) => Play::Says("{'title': 'T',}"),
        ("hangs-once", 0) => Play::Hangs,
        ("moved", _) => Play::Status(307, "go there"),
        ("hangs-later", 0) => Play::Says(r#"{"title": 7}"#),
        ("hangs-later", 1) => Play::Hangs,
        ("conforms-later", 0) => Play::Says(r#"{"title": 7}"#),
        ("conforms-later", _) => Play::Says(GOOD),
        ("never-conforms", _) => Play::Says(r#"{"title": 7}"#),
        ("truncated", _) => Play::Cut(r#"{"title": "T"#),
        ("refuses", _) => Play::Refuses,
        ("filtered", _) => Play::Filters,
        ("empty", _) => Play::Says(""),
        ("bad-key", _) => Play::Status(401, "invalid key"),
        ("forbidden", _) => Play::Status(403, "no"),
        ("missing", _) => Play::Status(404, "no such model"),
        ("quota", _) => Play::Status(429, "insufficient_quota"),
        ("long", _) => Play::Status(400, "prompt is too long: maximum context length"),
        ("limited-once", 0) | ("limited", _) => Play::Status(429, "slow down"),
        ("fails-once", 0) | ("fails", _) => Play::Status(500, "oops"),
        ("hangs", _) => Play::Hangs,
        ("half", _) => Play::HalfAnAnswer,
        ("no-json", _) => Play::NoJson,
        ("no-schema", 0) => Play::Status(400, "response_format: json_schema is not supported by this model"),
        ("picky", _) => Play::Status(400, "test-key: this model takes no such temperature"),
        ("slow", _) => Play::SaysAfter(Duration::from_millis(50), GOOD),
        _ => Play::Says(GOOD),
    }
}

impl State {
    /// Notes the request and answers by `say` what is to be said, or by what all formats have in common.
    async fn answer(&self, model: &str, body: Value, say: impl Fn(&str, &str) -> Value) -> HttpResponse {
        let before = {
            let mut asked = self.asked.lock().expect("no panic");
            let count = asked.entry(model.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        {
            let mut at_once = self.at_once.lock().expect("no panic");
            at_once.0 += usize::from(model == "slow");
            at_once.1 = at_once.1.max(at_once.0);
        }
        self.taken.lock().expect("no panic").push(Taken { body, at: Instant::now() });
        self.arrived.add_permits(1);
        match play(model, before) {
            Play::Says(text) => HttpResponse::Ok().json(say(text, "done")),
            Play::SaysAfter(wait, text) => {
                tokio::time::sleep(wait).await;
                self.at_once.lock().expect("no panic").0 -= 1;
                HttpResponse::Ok().json(say(text, "done"))
            }
            Play::Cut(text) => HttpResponse::Ok().json(say(text, "length")),
            Play::Refuses => HttpResponse::Ok().json(say("I will not", "refusal")),
            Play::Filters => HttpResponse::Ok().json(say("", "filter")),
            Play::Status(status, words) => {
                let mut response = HttpResponse::build(status.try_into().expect("a status"));
                if status == 307 {
                    response.insert_header(("location", "/own/chat/completions"));
                }
                if status == 429 {
                    response.insert_header(("retry-after-ms", "30"));
                }
                response.json(json!({"error": {"message": words, "type": "error"}}))
            }
            Play::Hangs => std::future::pending().await,
            Play::HalfAnAnswer => {
                let piece = Ok::<_, std::io::Error>(Bytes::from_static(b"{\"choices\": [{\"mess"));
                let cut = Err(std::io::Error::other("cut"));
                HttpResponse::Ok().content_type("application/json").streaming(stream::iter([piece, cut]))
            }
            Play::NoJson => HttpResponse::Ok().body("<html>Bad gateway</html>"),
        }
    }
}

/// What is wrong with a request, as a provider that is strict would find it.
struct Exam(Vec<String>);

impl Exam {
    fn headers(request: &HttpRequest, needed: &[(&str, &str)]) -> Self {
        let mut exam = Self(Vec::new());
        let found = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        for (name, value) in [("content-type", "application/json")].iter().chain(needed) {
            exam.check(found(name) == Some(value), &format!("header {name}"));
        }
        exam
    }

    fn check(&mut self, good: bool, what: &str) {
        if !good {
            self.0.push(what.to_owned());
        }
    }

    fn keys(&mut self, object: &Value, needed: &[&str], possible: &[&str]) {
        let Some(object) = object.as_object() else { return self.check(false, "an object") };
        for key in needed {
            self.check(object.contains_key(*key), &format!("{key} is missing"));
        }
        for key in object.keys() {
            let known = needed.contains(&key.as_str()) || possible.contains(&key.as_str());
            self.check(known, &format!("{key} is not known"));
        }
    }

    /// Turns that alternate, the first and the last of them the user's.
    fn turns(&mut self, turns: &[Value], other: &str, text: &str) {
        self.check(turns.len() % 2 == 1, "an odd number of turns");
        for (turn, role) in turns.iter().zip(["user", other].into_iter().cycle()) {
            self.check(turn["role"] == role, "turns alternate");
            self.check(
                turn.pointer(text).is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty())),
                "a text",
            );
        }
    }

    fn refusal(self) -> Option<HttpResponse> {
        let wrong = format!("the fake provider found: {}", self.0.join(", "));
        (!self.0.is_empty())
            .then(|| HttpResponse::build(418u16.try_into().expect("a status")).json(json!({"error": wrong})))
    }
}

async fn openai(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut exam = Exam::headers(&request, &[("authorization", "Bearer test-key")]);
    // The servers that speak as OpenAI's does know the older name only.
    let most = if request.path().starts_with("/own") { "max_tokens" } else { "max_completion_tokens" };
    exam.keys(&body, &["model", "messages", most], &["temperature", "response_format"]);
    exam.check(body[most].as_u64().is_some_and(|tokens| tokens > 0), most);
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    exam.check(messages.first().is_some_and(|first| first["role"] == "system"), "a system message");
    exam.turns(messages.get(1..).unwrap_or_default(), "assistant", "/content");
    if let Some(format) = body.get("response_format") {
        let named = &format["json_schema"];
        let whole = named["name"].is_string() && named["schema"].is_object() && named["strict"].is_boolean();
        exam.check(format["type"] == "json_object" || format["type"] == "json_schema" && whole, "response_format");
    }
    if let Some(refusal) = exam.refusal() {
        return refusal;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let say = |text: &str, end: &str| {
        let refusal = (end == "refusal").then_some(text);
        let content = if refusal.is_some() { Value::Null } else { text.into() };
        let finish = match end {
            "length" => "length",
            "filter" => "content_filter",
            _ => "stop",
        };
        json!({"id": "x", "object": "chat.completion", "model": "gpt-test-2026",
            "choices": [{"index": 0, "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}})
    };
    state.answer(&model, body.into_inner(), say).await
}

async fn anthropic(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut exam = Exam::headers(&request, &[("x-api-key", "test-key"), ("anthropic-version", "2023-06-01")]);
    exam.keys(&body, &["model", "messages", "max_tokens"], &["system", "temperature", "output_config"]);
    exam.check(body["max_tokens"].as_u64().is_some_and(|most| most > 0), "max_tokens");
    exam.check(body["system"].is_string(), "system");
    exam.turns(body["messages"].as_array().map_or(&[], Vec::as_slice), "assistant", "/content");
    if let Some(config) = body.get("output_config") {
        let format = &config["format"];
        exam.check(format["type"] == "json_schema" && format["schema"].is_object(), "output_config");
    }
    if let Some(refusal) = exam.refusal() {
        return refusal;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let say = |text: &str, end: &str| {
        let stop = match end {
            "length" => "max_tokens",
            "refusal" | "filter" => "refusal",
            _ => "end_turn",
        };
        json!({"id": "msg_x", "type": "message", "role": "assistant", "model": "claude-test-2026",
            "content": [{"type": "text", "text": text}], "stop_reason": stop,
            "usage": {"input_tokens": 100, "output_tokens": 10}})
    };
    state.answer(&model, body.into_inner(), say).await
}

async fn gemini(
    state: web::Data<State>,
    request: HttpRequest,
    method: web::Path<String>,
    body: web::Json<Value>,
) -> HttpResponse {
    let mut exam = Exam::headers(&request, &[("x-goog-api-key", "test-key")]);
    exam.keys(&body, &["contents"], &["systemInstruction", "generationConfig"]);
    exam.check(body.pointer("/systemInstruction/parts/0/text").is_some_and(Value::is_string), "systemInstruction");
    exam.turns(body["contents"].as_array().map_or(&[], Vec::as_slice), "model", "/parts/0/text");
    let known = ["temperature", "maxOutputTokens", "responseMimeType", "responseJsonSchema"];
    exam.keys(&body["generationConfig"], &[], &known);
    exam.check(request.query_string().is_empty(), "no key in the address");
    let (model, verb) = method.rsplit_once(':').unwrap_or_default();
    exam.check(verb == "generateContent", "the method");
    if let Some(refusal) = exam.refusal() {
        return refusal;
    }
    let say = |text: &str, end: &str| {
        let finish = match end {
            "length" => "MAX_TOKENS",
            "filter" => "SAFETY",
            "refusal" => return json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
            _ => "STOP",
        };
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish}],
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
            "modelVersion": "gemini-test-2026"})
    };
    state.answer(model, body.into_inner(), say).await
}

async fn ollama(state: web::Data<State>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let mut exam = Exam::headers(&request, &[]);
    exam.keys(&body, &["model", "messages", "stream"], &["format", "options"]);
    exam.check(body["stream"] == false, "stream");
    exam.check(body.pointer("/options/num_ctx").is_some_and(Value::is_u64), "num_ctx");
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    exam.turns(messages.get(1..).unwrap_or_default(), "assistant", "/content");
    if let Some(refusal) = exam.refusal() {
        return refusal;
    }
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let say = |text: &str, end: &str| {
        let reason = if end == "length" { "length" } else { "stop" };
        json!({"model": "ollama-test-2026", "message": {"role": "assistant", "content": text}, "done": true,
            "done_reason": reason, "prompt_eval_count": 100, "eval_count": 10})
    };
    state.answer(&model, body.into_inner(), say).await
}
