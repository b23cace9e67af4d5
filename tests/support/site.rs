//! A site to crawl and a webhook receiver, on one port.

use std::collections::{HashMap, VecDeque};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::DEADLINE;

const ARTICLE: &str = "<!DOCTYPE html><title>The page</title><h1>A title</h1>\
    <p>Some <b>bold</b> words and <a href=\"/other\">a link</a>.</p>";

const LINKING: &str =
    "<!DOCTYPE html><a href=/full>a</a> <a href=/missing>b</a> <a href=/article>c</a> <a href=/gated>d</a>";

/// The body of `/text`, which is served as `text/plain`.
pub const TEXT: &str = "# A text\nthat is <b>read</b> as it is.\n";

/// A page with an example of every kind of content that a result has a field for.
const FULL: &str = "<!DOCTYPE html><html lang=en><head><title>The page</title>\
    <meta name=description content='What it is about'><meta property='og:title' content='The page'>\
    <meta property='og:type' content=article><meta property='og:image' content='https://a.example/i.png'></head>\
    <body><h1>A title</h1><p>Some <b>bold</b> words, <a href=/other title=t>a link</a> and\
    <a href='https://b.example/' title=u>another</a>.</p>\
    <p><img src=/picture.png alt='A picture of something' width=640 height=480></p>\
    <table class=c summary=s><caption>A table</caption><thead><tr><th>a<th>b</thead>\
    <tr><td>1<td>2<tr><td>3<td>4</table></body></html>";

/// A webhook as the receiver got it.
pub struct ReceivedWebhook {
    pub headers: Vec<(String, String)>,
    pub bytes: Bytes,
    pub body: Value,
}

impl ReceivedWebhook {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct State {
    gate: watch::Sender<bool>,
    gated_requests: Semaphore,
    webhook_statuses: Mutex<VecDeque<u16>>,
    webhooks: mpsc::UnboundedSender<ReceivedWebhook>,
    visits: AtomicUsize,
}

/// Pages to crawl and a webhook receiver.
pub struct TestSite {
    base: String,
    state: Arc<State>,
    webhooks: AsyncMutex<mpsc::UnboundedReceiver<ReceivedWebhook>>,
}

impl TestSite {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (sender, webhooks) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            gate: watch::channel(false).0,
            gated_requests: Semaphore::new(0),
            webhook_statuses: Mutex::default(),
            webhooks: sender,
            visits: AtomicUsize::new(0),
        });
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 26))
                .route("/article", web::get().to(|| async { html(ARTICLE) }))
                .route("/full", web::get().to(|| async { html(FULL) }))
                .route("/linking", web::get().to(|| async { html(LINKING) }))
                .route("/text", web::get().to(|| async { HttpResponse::Ok().content_type("text/plain").body(TEXT) }))
                .route("/gated", web::get().to(gated))
                .route("/counted", web::get().to(counted))
                .route("/headers", web::get().to(headers))
                .route("/hook", web::post().to(webhook))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it is bound").run();
        actix::spawn(server);
        Self { base, state, webhooks: AsyncMutex::new(webhooks) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn webhook_url(&self) -> String {
        self.url("/hook")
    }

    /// Waits for the next webhook.
    pub async fn next_webhook(&self) -> ReceivedWebhook {
        let webhook = timeout(DEADLINE, async { self.webhooks.lock().await.recv().await }).await;
        webhook.expect("a webhook arrives in time").expect("the receiver runs")
    }

    /// Sets the statuses of the next responses to webhooks. After them, every response is a 200.
    pub fn set_webhook_statuses(&self, statuses: &[u16]) {
        self.state.webhook_statuses.lock().expect("not poisoned").extend(statuses);
    }

    /// The number of requests for `/counted`.
    pub fn visits(&self) -> usize {
        self.state.visits.load(Ordering::SeqCst)
    }

    /// Lets requests for `/gated` complete.
    pub fn open_gate(&self) {
        self.state.gate.send_replace(true);
    }

    /// Holds requests for `/gated` until the gate is opened. This is the initial state.
    pub fn close_gate(&self) {
        self.state.gate.send_replace(false);
    }

    /// Waits for one more request for `/gated`.
    pub async fn wait_for_gated_request(&self) {
        let request = timeout(DEADLINE, self.state.gated_requests.acquire()).await;
        request.expect("a request arrives in time").expect("never closed").forget();
    }
}

fn html(text: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html").body(text.into())
}

/// A page that shows how often it was requested. A conditional request gets 304.
async fn counted(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let visit = state.visits.fetch_add(1, Ordering::SeqCst) + 1;
    if request.headers().get("if-none-match").is_some_and(|known| known == "\"same\"") {
        return HttpResponse::NotModified().finish();
    }
    let page = format!("<!DOCTYPE html><title>Counted</title><p>visit {visit}</p>");
    HttpResponse::Ok().insert_header(("etag", "\"same\"")).content_type("text/html").body(page)
}

/// A page that shows the headers of its request as JSON, by lower-case name.
async fn headers(request: HttpRequest) -> HttpResponse {
    let shown = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    HttpResponse::Ok().json(shown.collect::<HashMap<_, _>>())
}

async fn gated(state: web::Data<State>) -> HttpResponse {
    state.gated_requests.add_permits(1);
    let mut gate = state.gate.subscribe();
    gate.wait_for(|open| *open).await.expect("the state outlives the request");
    html(ARTICLE)
}

async fn webhook(state: web::Data<State>, request: HttpRequest, bytes: Bytes) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    // The receiving end is dropped once the test has ended.
    let _ = state.webhooks.send(ReceivedWebhook { headers: headers.collect(), bytes, body });
    let status = state.webhook_statuses.lock().expect("not poisoned").pop_front().unwrap_or(200);
    HttpResponse::build(status.try_into().expect("a status")).finish()
}
