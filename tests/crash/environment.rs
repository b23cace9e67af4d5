//! A site, a webhook receiver and a model that record every request, across crashes of the server.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::support::DEADLINE;

/// A webhook as the receiver got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedWebhook {
    pub webhook_id: String,
    pub bytes: Bytes,
}

/// All requests from the server under test.
#[derive(Default)]
pub struct Requests {
    /// The number of fetches of each page, by URL.
    pub pages: HashMap<String, u32>,
    /// The number of model requests, by instruction.
    pub model: HashMap<String, u32>,
    /// By job id.
    pub webhooks: HashMap<String, Vec<ReceivedWebhook>>,
    count: u64,
}

struct State {
    base: String,
    requests: Mutex<Requests>,
    /// The number of requests.
    count: watch::Sender<u64>,
    /// Requests for gated pages of submissions from this number on are held. `None`: none.
    gate: watch::Sender<Option<usize>>,
    /// Decides which webhooks get an error. `None`: none.
    rng: Mutex<Option<fastrand::Rng>>,
}

pub struct Environment {
    state: Arc<State>,
}

impl Environment {
    /// The receiver responds to about one webhook in four with an error.
    pub fn start(rng: fastrand::Rng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let state = Arc::new(State {
            base: format!("http://{}", listener.local_addr().expect("it is bound")),
            requests: Mutex::default(),
            count: watch::channel(0).0,
            gate: watch::channel(None).0,
            rng: Mutex::new(Some(rng)),
        });
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 26))
                .route("/page/{job}/{page}", web::get().to(page))
                .route("/gated/{job}/{page}", web::get().to(gated))
                .route("/hook", web::post().to(webhook))
                .route("/openai/chat/completions", web::post().to(model))
        });
        actix::spawn(server.workers(1).disable_signals().listen(listener).expect("it is bound").run());
        Self { state }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.state.base)
    }

    pub fn requests(&self) -> MutexGuard<'_, Requests> {
        self.state.requests()
    }

    /// Holds requests for gated pages of submissions from number `first` on until the gate is opened. Earlier ones may be
    /// suspects, which no other job may run beside.
    pub fn close_gate(&self, first: usize) {
        self.state.gate.send_replace(Some(first));
    }

    pub fn open_gate(&self) {
        self.state.gate.send_replace(None);
    }

    /// From now on every webhook gets a 200.
    pub fn accept_all_webhooks(&self) {
        *self.state.rng.lock().expect("no panic") = None;
    }

    /// Waits until `missing` returns nothing. A timeout reports what it returns.
    async fn wait_until_none<T: Debug>(&self, missing: impl Fn(&Requests) -> Vec<T>) {
        // Notified and not polled, so that a crash can follow a request without a delay.
        let mut count = self.state.count.subscribe();
        let reached = async {
            while !missing(&self.requests()).is_empty() {
                count.changed().await.expect("the environment runs");
            }
        };
        if timeout(3 * DEADLINE, reached).await.is_err() {
            panic!("still missing: {:?}", missing(&self.requests()));
        }
    }

    /// Waits until these pages were fetched.
    pub async fn wait_for_pages(&self, urls: &[String]) {
        let missing = |requests: &Requests| missing(urls, |url| requests.pages.contains_key(url));
        self.wait_until_none(missing).await;
    }

    /// Waits until each of these jobs has sent a webhook.
    pub async fn wait_for_webhooks(&self, ids: &HashSet<String>) {
        let missing = |requests: &Requests| missing(ids, |id| requests.webhooks.contains_key(id));
        self.wait_until_none(missing).await;
    }

    /// Waits for this many requests from now on.
    pub async fn wait_for_requests(&self, count: u64) {
        let end = self.requests().count + count;
        self.wait_until_none(|requests| (requests.count..end).collect()).await;
    }
}

fn missing<'a>(wanted: impl IntoIterator<Item = &'a String>, found: impl Fn(&String) -> bool) -> Vec<String> {
    wanted.into_iter().filter(|name| !found(name)).cloned().collect()
}

impl State {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().expect("no panic")
    }

    fn record(&self, change: impl FnOnce(&mut Requests)) {
        let count = {
            let mut requests = self.requests();
            change(&mut requests);
            requests.count += 1;
            requests.count
        };
        self.count.send_replace(count);
    }
}

async fn page(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let url = format!("{}{}", state.base, request.uri());
    state.record(|requests| *requests.pages.entry(url).or_default() += 1);
    HttpResponse::Ok().content_type("text/html").body("<title>T</title><p>Some words.")
}

async fn gated(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let number: usize = request.match_info().query("job").parse().expect("the number of a submission");
    let response = page(state.clone(), request).await;
    let mut gate = state.gate.subscribe();
    let is_open = |first: &Option<usize>| first.is_none_or(|first| number < first);
    gate.wait_for(is_open).await.expect("the state outlives the request");
    response
}

async fn webhook(state: web::Data<State>, request: HttpRequest, bytes: Bytes) -> HttpResponse {
    let header = request.headers().get("webhook-id").and_then(|value| value.to_str().ok());
    let webhook_id = header.expect("every webhook has its id").to_owned();
    let body: Value = serde_json::from_slice(&bytes).expect("a webhook is JSON");
    let job = body["task_id"].as_str().expect("it names its job").to_owned();
    let fails = state.rng.lock().expect("no panic").as_mut().is_some_and(|rng| rng.u8(..4) == 0);
    state.record(|requests| requests.webhooks.entry(job).or_default().push(ReceivedWebhook { webhook_id, bytes }));
    if fails { HttpResponse::InternalServerError().finish() } else { HttpResponse::Ok().finish() }
}

async fn model(state: web::Data<State>, bytes: Bytes) -> HttpResponse {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let number = text.split("question-").nth(1).and_then(|rest| rest.split('.').next()).unwrap_or_default();
    state.record(|requests| *requests.model.entry(format!("question-{number}.")).or_default() += 1);
    let message = json!({"role": "assistant", "content": "{\"title\": \"T\"}"});
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12});
    let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
    HttpResponse::Ok()
        .json(json!({"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}))
}
