//! A site and a receiver of the tests' own, and the real binary between them.
#![allow(dead_code, reason = "each test binary needs its part of it")]

use std::collections::VecDeque;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, watch};

const ARTICLE: &str = "<!DOCTYPE html><title>The page</title><h1>A title</h1>\
    <p>Some <b>bold</b> words and <a href=\"/other\">a link</a>.</p>";

/// A page that is no HTML.
pub const TEXT: &str = "# A text\nthat is <b>read</b> as it is.\n";

/// A page with something of everything that a result tells of.
const FULL: &str = "<!DOCTYPE html><html lang=en><head><title>The page</title>\
    <meta name=description content='What it is about'><meta property='og:title' content='The page'>\
    <meta property='og:type' content=article><meta property='og:image' content='https://a.example/i.png'></head>\
    <body><h1>A title</h1><p>Some <b>bold</b> words, <a href=/other title=t>a link</a> and\
    <a href='https://b.example/' title=u>another</a>.</p>\
    <p><img src=/picture.png alt='A picture of something' width=640 height=480></p>\
    <table class=c summary=s><caption>A table</caption><thead><tr><th>a<th>b</thead>\
    <tr><td>1<td>2<tr><td>3<td>4</table></body></html>";

/// What the receiver got.
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

struct Shared {
    gate: watch::Sender<bool>,
    at_gate: Semaphore,
    statuses: Mutex<VecDeque<u16>>,
    next_webhook: mpsc::UnboundedSender<ReceivedWebhook>,
    visits: AtomicUsize,
}

/// Pages to crawl and a place for webhooks, on one port.
pub struct TestSite {
    base: String,
    shared: Arc<Shared>,
    next_webhook: AsyncMutex<mpsc::UnboundedReceiver<ReceivedWebhook>>,
}

impl TestSite {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (sender, next_webhook) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            gate: watch::channel(false).0,
            at_gate: Semaphore::new(0),
            statuses: Mutex::default(),
            next_webhook: sender,
            visits: AtomicUsize::new(0),
        });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(1 << 26))
                .route(
                    "/article",
                    web::get().to(|| async { HttpResponse::Ok().content_type("text/html").body(ARTICLE) }),
                )
                .route("/full", web::get().to(|| async { HttpResponse::Ok().content_type("text/html").body(FULL) }))
                .route("/text", web::get().to(|| async { HttpResponse::Ok().content_type("text/plain").body(TEXT) }))
                .route("/gated", web::get().to(gated))
                .route("/counted", web::get().to(counted))
                .route("/hook", web::post().to(hook))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it is bound").run();
        actix::spawn(server);
        Self { base, shared, next_webhook: AsyncMutex::new(next_webhook) }
    }

    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn hook(&self) -> String {
        self.page("/hook")
    }

    /// The next webhook that arrives.
    pub async fn next_webhook(&self) -> ReceivedWebhook {
        self.next_webhook.lock().await.recv().await.expect("the receiver runs")
    }

    /// Statuses of the next answers to webhooks; 200 when they are used up.
    pub fn answer_hooks_with(&self, statuses: &[u16]) {
        self.shared.statuses.lock().expect("not poisoned").extend(statuses);
    }

    /// How often `/counted` was asked for.
    pub fn visits(&self) -> usize {
        self.shared.visits.load(Ordering::SeqCst)
    }

    /// Pages at `/gated` wait until the gate is open.
    pub fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }

    pub fn close_gate(&self) {
        self.shared.gate.send_replace(false);
    }

    /// Until somebody waits at the gate.
    pub async fn gate_reached(&self) {
        self.shared.at_gate.acquire().await.expect("never closed").forget();
    }
}

/// A page that says how often it was asked for, and that has not changed for who knows it.
async fn counted(shared: web::Data<Shared>, request: HttpRequest) -> HttpResponse {
    let visit = shared.visits.fetch_add(1, Ordering::SeqCst) + 1;
    if request.headers().get("if-none-match").is_some_and(|known| known == "\"same\"") {
        return HttpResponse::NotModified().finish();
    }
    let page = format!("<!DOCTYPE html><title>Counted</title><p>visit {visit}</p>");
    HttpResponse::Ok().insert_header(("etag", "\"same\"")).content_type("text/html").body(page)
}

async fn gated(shared: web::Data<Shared>) -> HttpResponse {
    shared.at_gate.add_permits(1);
    let mut gate = shared.gate.subscribe();
    gate.wait_for(|open| *open).await.expect("the test holds the gate");
    HttpResponse::Ok().content_type("text/html").body(ARTICLE)
}

async fn hook(shared: web::Data<Shared>, request: HttpRequest, bytes: Bytes) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    // A test that ended does not need to hear of more.
    let _ = shared.next_webhook.send(ReceivedWebhook { headers: headers.collect(), bytes, body });
    let status = shared.statuses.lock().expect("not poisoned").pop_front().unwrap_or(200);
    HttpResponse::build(status.try_into().expect("a status")).finish()
}

/// The real binary on a store of its own; killed when dropped.
pub struct Server {
    binary: PathBuf,
    folder: TempDir,
    environment: Vec<(String, String)>,
    child: Child,
    base: String,
    log: mpsc::UnboundedReceiver<String>,
    client: reqwest::Client,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables in its environment.
    pub async fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(env!("CARGO_BIN_EXE_opilio").into(), folder, environment).await
    }

    /// With this `config.yml` in its working directory.
    pub async fn configured(config: &str) -> Self {
        Self::configured_with(config, &[]).await
    }

    /// With both.
    pub async fn configured_with(config: &str, environment: &[(&str, &str)]) -> Self {
        Self::of_version(env!("CARGO_BIN_EXE_opilio"), config, environment).await
    }

    /// That of another version, too, whose binary is there.
    pub async fn of_version(binary: impl Into<PathBuf>, config: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("config.yml"), config).expect("the folder is ours");
        Self::start_in(binary.into(), folder, environment).await
    }

    async fn start_in(binary: PathBuf, folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (child, base, log) = launch(&binary, &folder, &environment).await;
        // The library's own egress has installed no provider here; plain HTTP needs none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        Self { binary, folder, environment, child, base, log, client }
    }

    /// Its working directory; the store is in `data`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Set from the next start on.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// For requests that need more than the methods here.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.get_url(&format!("{}{path}", self.base)).await
    }

    /// An error where the server dies meanwhile.
    pub async fn try_get(&self, path: &str) -> Result<(u16, Value), reqwest::Error> {
        answer(self.client.get(format!("{}{path}", self.base)).send().await).await
    }

    pub async fn get_url(&self, url: &str) -> (u16, Value) {
        answer(self.client.get(url).send().await).await.expect("the server answers")
    }

    /// The status of the answer to a request with this header.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> u16 {
        let request = self.client.get(format!("{}{path}", self.base)).header(name, value);
        request.send().await.expect("the server answers").status().as_u16()
    }

    pub fn port(&self) -> String {
        self.base.rsplit(':').next().expect("an address ends in its port").to_owned()
    }

    /// What is left of its log, once it has ended.
    pub async fn rest_of_log(&mut self) -> String {
        let mut log = String::new();
        while let Some(line) = self.log.recv().await {
            log.push_str(&line);
            log.push('\n');
        }
        log
    }

    /// The next line of its log.
    pub async fn log_line(&mut self) -> String {
        self.log.recv().await.expect("the server runs")
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.try_post(path, body).await.expect("the server answers")
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        self.try_post_with_key(path, key, body).await.expect("the server answers")
    }

    /// An error where the server dies meanwhile.
    pub async fn try_post_with_key(&self, path: &str, key: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.base)).header("idempotency-key", key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        answer(request.send().await).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.try_delete(path).await.expect("the server answers")
    }

    /// An error where the server dies meanwhile.
    pub async fn try_delete(&self, path: &str) -> Result<(u16, Value), reqwest::Error> {
        answer(self.client.delete(format!("{}{path}", self.base)).send().await).await
    }

    /// An error where the server dies meanwhile.
    pub async fn try_post(&self, path: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        answer(request.body(body.to_string()).send().await).await
    }

    /// The status of the first `/ready` that is not 200.
    pub async fn until_not_ready(&self) -> u16 {
        loop {
            let (status, _) = self.get("/ready").await;
            if status != 200 {
                return status;
            }
        }
    }

    /// The status of the first submission that is not admitted any more.
    pub async fn refusal_of(&self, body: Value) -> u16 {
        loop {
            let (status, _) = self.post("/crawl/job", body.clone()).await;
            if status != 202 {
                return status;
            }
        }
    }

    /// The one job's status once it is no longer under way.
    pub async fn end_of_the_job(&self) -> Value {
        loop {
            let (_, jobs) = self.get("/jobs").await;
            let status = jobs["jobs"][0]["status"].clone();
            if status != "processing" {
                return status;
            }
            tokio::task::yield_now().await;
        }
    }

    /// For signals.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it was running");
    }

    /// SIGTERM.
    pub fn begin_stop(&self) {
        let pid = self.child.id().expect("it is running").to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        assert!(sent.success());
    }

    pub async fn stopped(&mut self) -> ExitStatus {
        self.child.wait().await.expect("it was running")
    }

    /// Starts again on the same store.
    pub async fn restart(&mut self) {
        (self.child, self.base, self.log) = launch(&self.binary, &self.folder, &self.environment).await;
    }
}

type Launched = (Child, String, mpsc::UnboundedReceiver<String>);

async fn launch(binary: &Path, folder: &TempDir, environment: &[(String, String)]) -> Launched {
    // To who may not make a file longer, that is an error, as on a full disk, and not his end.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(binary)
        .args(["serve", "--port", "0"])
        .current_dir(folder.path())
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary is built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let first = lines.next_line().await.expect("it is text").expect("the server starts");
    let base = first.strip_prefix("listening on ").expect("the first line says where").replace("0.0.0.0", "127.0.0.1");
    let (sender, log) = mpsc::unbounded_channel();
    // Read whether anybody asks for it or not: a full pipe would stop the server.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = sender.send(line);
        }
    });
    (child, base, log)
}

async fn answer(response: Result<reqwest::Response, reqwest::Error>) -> Result<(u16, Value), reqwest::Error> {
    let response = response?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}

/// A request as odd as a test wants it.
impl Server {
    /// Status, headers and JSON body of the answer to any request at all.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, reqwest::header::HeaderMap, Value) {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("the whole answer arrives");
        (status, headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
