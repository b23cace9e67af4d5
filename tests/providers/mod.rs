//! Fake model providers, one server for all four protocols. Each validates requests as strictly as the real one. The name of
//! the model selects its behaviour.
#![allow(dead_code, reason = "no test binary uses all of it")]

mod protocols;

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// A valid request that a provider received.
#[derive(Clone)]
pub struct ProviderRequest {
    pub body: Value,
    pub at: Instant,
}

struct State {
    arrived: Semaphore,
    /// The number of requests by model.
    counts: Mutex<HashMap<String, usize>>,
    requests: Mutex<Vec<ProviderRequest>>,
    /// Concurrent requests to the slow model: now, and the maximum.
    concurrent: Mutex<(usize, usize)>,
}

/// The server and the requests that it received.
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
            counts: Mutex::default(),
            requests: Mutex::default(),
            concurrent: Mutex::default(),
        });
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/openai/chat/completions", web::post().to(protocols::openai))
                .route("/own/chat/completions", web::post().to(protocols::openai))
                .route("/anthropic/v1/messages", web::post().to(protocols::anthropic))
                .route("/gemini/models/{method}", web::post().to(protocols::gemini))
                .route("/ollama/api/chat", web::post().to(protocols::ollama))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it is bound").run();
        actix::spawn(server);
        Self { base, state }
    }

    /// The base URL of a family.
    pub fn url(&self, family: &str) -> String {
        format!("{}/{family}", self.base)
    }

    /// The maximum of concurrent requests to the slow model.
    pub fn max_concurrent(&self) -> usize {
        self.state.concurrent.lock().expect("no panic").1
    }

    /// Waits for one more request.
    pub async fn wait_for_request(&self) {
        self.state.arrived.acquire().await.expect("never closed").forget();
    }

    /// The valid requests, in order.
    pub fn requests(&self) -> Vec<ProviderRequest> {
        self.state.requests.lock().expect("no panic").clone()
    }
}

pub const FAMILIES: [&str; 4] = ["openai", "anthropic", "gemini", "ollama"];
pub const KEY: &str = "test-key";
/// The response of a model that works.
pub const GOOD: &str = r#"{"title": "T"}"#;

/// What a model does, in any protocol.
enum Behaviour {
    Responds(&'static str),
    RespondsAfter(Duration, &'static str),
    Truncates(&'static str),
    Refuses,
    Filters,
    Status(u16, &'static str),
    Hangs,
    PartialBody,
    InvalidJson,
}

/// The behaviour of a model by its name and the number of earlier requests.
fn behaviour(model: &str, before: usize) -> Behaviour {
    match (model, before) {
        ("good", _) => Behaviour::Responds(GOOD),
        ("fenced", _) => Behaviour::Responds("Of course!\n```json\n{\"title\": \"T\"}\n```\nDone."),
        ("broken", _) => Behaviour::Responds("{'title': 'T',}"),
        ("hangs-once", 0) => Behaviour::Hangs,
        ("moved", _) => Behaviour::Status(307, "go there"),
        ("hangs-later", 0) => Behaviour::Responds(r#"{"title": 7}"#),
        ("hangs-later", 1) => Behaviour::Hangs,
        ("conforms-later", 0) => Behaviour::Responds(r#"{"title": 7}"#),
        ("conforms-later", _) => Behaviour::Responds(GOOD),
        ("never-conforms", _) => Behaviour::Responds(r#"{"title": 7}"#),
        ("truncated", _) => Behaviour::Truncates(r#"{"title": "T"#),
        ("refuses", _) => Behaviour::Refuses,
        ("filtered", _) => Behaviour::Filters,
        ("empty", _) => Behaviour::Responds(""),
        ("bad-key", _) => Behaviour::Status(401, "invalid key"),
        ("forbidden", _) => Behaviour::Status(403, "no"),
        ("missing", _) => Behaviour::Status(404, "no such model"),
        ("quota", _) => Behaviour::Status(429, "insufficient_quota"),
        ("long", _) => Behaviour::Status(400, "prompt is too long: maximum context length"),
        ("limited-once", 0) | ("limited", _) => Behaviour::Status(429, "slow down"),
        ("fails-once", 0) | ("fails", _) => Behaviour::Status(500, "oops"),
        ("hangs", _) => Behaviour::Hangs,
        ("half", _) => Behaviour::PartialBody,
        ("no-json", _) => Behaviour::InvalidJson,
        ("no-schema", 0) => Behaviour::Status(400, "response_format: json_schema is not supported by this model"),
        ("picky", _) => Behaviour::Status(400, "test-key: this model takes no such temperature"),
        ("slow", _) => Behaviour::RespondsAfter(Duration::from_millis(50), GOOD),
        _ => Behaviour::Responds(GOOD),
    }
}

impl State {
    /// Records the request and responds. `format` builds the body of the protocol from a text and the reason of its end.
    async fn respond(&self, model: &str, body: Value, format: impl Fn(&str, &str) -> Value) -> HttpResponse {
        let before = {
            let mut counts = self.counts.lock().expect("no panic");
            let count = counts.entry(model.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        {
            let mut concurrent = self.concurrent.lock().expect("no panic");
            concurrent.0 += usize::from(model == "slow");
            concurrent.1 = concurrent.1.max(concurrent.0);
        }
        self.requests.lock().expect("no panic").push(ProviderRequest { body, at: Instant::now() });
        self.arrived.add_permits(1);
        match behaviour(model, before) {
            Behaviour::Responds(text) => HttpResponse::Ok().json(format(text, "done")),
            Behaviour::RespondsAfter(wait, text) => {
                tokio::time::sleep(wait).await;
                self.concurrent.lock().expect("no panic").0 -= 1;
                HttpResponse::Ok().json(format(text, "done"))
            }
            Behaviour::Truncates(text) => HttpResponse::Ok().json(format(text, "length")),
            Behaviour::Refuses => HttpResponse::Ok().json(format("I will not", "refusal")),
            Behaviour::Filters => HttpResponse::Ok().json(format("", "filter")),
            Behaviour::Status(status, message) => {
                let mut response = HttpResponse::build(status.try_into().expect("a status"));
                if status == 307 {
                    response.insert_header(("location", "/own/chat/completions"));
                }
                if status == 429 {
                    response.insert_header(("retry-after-ms", "30"));
                }
                response.json(json!({"error": {"message": message, "type": "error"}}))
            }
            Behaviour::Hangs => std::future::pending().await,
            Behaviour::PartialBody => {
                let start = Ok::<_, std::io::Error>(Bytes::from_static(b"{\"choices\": [{\"mess"));
                let cut = Err(std::io::Error::other("cut"));
                HttpResponse::Ok().content_type("application/json").streaming(stream::iter([start, cut]))
            }
            Behaviour::InvalidJson => HttpResponse::Ok().body("<html>Bad gateway</html>"),
        }
    }
}
