//! A site, a receiver and a model that remember everything they see, whatever happens to the process between them.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

/// A webhook as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedWebhook {
    pub webhook_id: String,
    pub bytes: Bytes,
}

/// Everything that came from the server under test.
#[derive(Default)]
pub struct Seen {
    /// How often each page was fetched, by its address.
    pub pages: HashMap<String, u32>,
    /// How often the model was asked, by the instruction.
    pub questions: HashMap<String, u32>,
    /// By the job's id.
    pub next_webhook: HashMap<String, Vec<ReceivedWebhook>>,
    events: u64,
}

struct State {
    base: String,
    seen: Mutex<Seen>,
    happened: watch::Sender<u64>,
    gate: watch::Sender<bool>,
    /// `None`: every webhook is taken.
    luck: Mutex<Option<fastrand::Rng>>,
}

pub struct World {
    state: Arc<State>,
}

impl World {
    /// Its receiver answers every fourth webhook or so with an error.
    pub fn start(luck: fastrand::Rng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let state = Arc::new(State {
            base: format!("http://{}", listener.local_addr().expect("it is bound")),
            seen: Mutex::default(),
            happened: watch::channel(0).0,
            gate: watch::channel(true).0,
            luck: Mutex::new(Some(luck)),
        });
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 26))
                .route("/page/{job}/{page}", web::get().to(page))
                .route("/gated/{job}/{page}", web::get().to(gated))
                .route("/hook", web::post().to(hook))
                .route("/openai/chat/completions", web::post().to(model))
        });
        actix::spawn(server.workers(1).disable_signals().listen(listener).expect("it is bound").run());
        Self { state }
    }

    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.state.base)
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.state.seen()
    }

    /// Pages at `/gated` wait while the gate is closed.
    pub fn close_gate(&self) {
        self.state.gate.send_replace(false);
    }

    pub fn open_gate(&self) {
        self.state.gate.send_replace(true);
    }

    /// From now on every webhook is taken.
    pub fn calm_down(&self) {
        *self.state.luck.lock().expect("no panic") = None;
    }

    /// Until what was seen is as `wanted`; what is still missing is said if that takes all too long.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) {
        let mut happened = self.state.happened.subscribe();
        let reached = async {
            while !wanted(&self.seen()) {
                happened.changed().await.expect("the world goes on");
            }
        };
        tokio::time::timeout(Duration::from_secs(300), reached).await.unwrap_or_else(|_| panic!("waited for {what}"));
    }

    /// Until so many things have happened from now on.
    pub async fn goes_on_for(&self, events: u64) {
        let until = self.seen().events + events;
        self.until("events", |seen| seen.events >= until).await;
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        let events = {
            let mut seen = self.seen();
            what(&mut seen);
            seen.events += 1;
            seen.events
        };
        self.happened.send_replace(events);
    }
}

async fn page(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let url = format!("{}{}", state.base, request.uri());
    state.note(|seen| *seen.pages.entry(url).or_default() += 1);
    HttpResponse::Ok().content_type("text/html").body("<title>T</title><p>Some words.")
}

async fn gated(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let answer = page(state.clone(), request).await;
    let mut gate = state.gate.subscribe();
    gate.wait_for(|open| *open).await.expect("the world goes on");
    answer
}

async fn hook(state: web::Data<State>, request: HttpRequest, bytes: Bytes) -> HttpResponse {
    let header = request.headers().get("webhook-id").and_then(|value| value.to_str().ok());
    let webhook_id = header.expect("every webhook has its id").to_owned();
    let body: Value = serde_json::from_slice(&bytes).expect("a webhook is JSON");
    let job = body["task_id"].as_str().expect("it names its job").to_owned();
    let refused = state.luck.lock().expect("no panic").as_mut().is_some_and(|luck| luck.u8(..4) == 0);
    state.note(|seen| seen.next_webhook.entry(job).or_default().push(ReceivedWebhook { webhook_id, bytes }));
    if refused { HttpResponse::InternalServerError().finish() } else { HttpResponse::Ok().finish() }
}

async fn model(state: web::Data<State>, bytes: Bytes) -> HttpResponse {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let instruction = text.split("question-").nth(1).and_then(|rest| rest.split('.').next()).unwrap_or_default();
    state.note(|seen| *seen.questions.entry(format!("question-{instruction}.")).or_default() += 1);
    let message = json!({"role": "assistant", "content": "{\"title\": \"T\"}"});
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12});
    let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
    HttpResponse::Ok()
        .json(json!({"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}))
}
