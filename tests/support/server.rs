//! The real binary on a store of its own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use opilio_actors::testing::until::{DEADLINE, until};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A server process; killed when dropped.
pub struct TestServer {
    binary: PathBuf,
    folder: TempDir,
    environment: Vec<(String, String)>,
    process: Process,
    client: reqwest::Client,
}

struct Process {
    child: Child,
    base: String,
    log: mpsc::UnboundedReceiver<String>,
}

/// Starting and stopping.
impl TestServer {
    pub async fn start() -> Self {
        Self::with_env(&[]).await
    }

    /// Starts with these environment variables.
    pub async fn with_env(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(env!("CARGO_BIN_EXE_opilio").into(), folder, environment).await
    }

    /// Starts with this `config.yml` in its working directory.
    pub async fn with_config(config: &str) -> Self {
        Self::with_config_and_env(config, &[]).await
    }

    pub async fn with_config_and_env(config: &str, environment: &[(&str, &str)]) -> Self {
        Self::with_binary(env!("CARGO_BIN_EXE_opilio"), config, environment).await
    }

    /// Starts this binary, which may be of another version.
    pub async fn with_binary(binary: impl Into<PathBuf>, config: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("config.yml"), config).expect("the folder is writable");
        Self::start_in(binary.into(), folder, environment).await
    }

    async fn start_in(binary: PathBuf, folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let process = launch(&binary, &folder, &environment).await;
        // reqwest is built without a default TLS provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        Self { binary, folder, environment, process, client }
    }

    /// Starts again on the same store, after the process has ended.
    pub async fn restart(&mut self) {
        self.process = launch(&self.binary, &self.folder, &self.environment).await;
    }

    /// Sets an environment variable for the next `restart`.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Sends SIGKILL and waits for the exit.
    pub async fn kill(&mut self) {
        self.process.child.kill().await.expect("the process runs");
    }

    pub fn send_sigterm(&self) {
        let sent = std::process::Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(sent.expect("kill is installed").success());
    }

    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        self.process.child.wait().await.expect("the process was started")
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id().expect("the process runs")
    }

    /// The working directory. The store is in `data`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The next line of the log.
    pub async fn next_log_line(&mut self) -> String {
        timeout(DEADLINE, self.process.log.recv()).await.expect("a line is logged in time").expect("the process runs")
    }

    /// All unread lines of the log, once the process has ended.
    pub async fn remaining_log(&mut self) -> String {
        let mut log = String::new();
        while let Some(line) = self.process.log.recv().await {
            log.push_str(&line);
            log.push('\n');
        }
        log
    }
}

/// Requests. The `try_` forms return an error if the process ends before it responds.
impl TestServer {
    /// `http://address:port`.
    pub fn base(&self) -> &str {
        &self.process.base
    }

    pub fn port(&self) -> String {
        self.base().rsplit(':').next().expect("an address ends in its port").to_owned()
    }

    /// The client, for requests that need more than the methods here.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.try_get(path).await.expect("the server responds")
    }

    pub async fn try_get(&self, path: &str) -> Result<(u16, Value), reqwest::Error> {
        respond(self.client.get(format!("{}{path}", self.base()))).await
    }

    pub async fn get_url(&self, url: &str) -> (u16, Value) {
        respond(self.client.get(url)).await.expect("the server responds")
    }

    pub async fn get_status_with_header(&self, path: &str, name: &str, value: &str) -> u16 {
        let request = self.client.get(format!("{}{path}", self.base())).header(name, value);
        request.send().await.expect("the server responds").status().as_u16()
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.try_post(path, body).await.expect("the server responds")
    }

    pub async fn try_post(&self, path: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        respond(self.json_post(path, &body)).await
    }

    /// Posts with an `Idempotency-Key`.
    pub async fn post_with_key(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        self.try_post_with_key(path, key, body).await.expect("the server responds")
    }

    pub async fn try_post_with_key(&self, path: &str, key: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        respond(self.json_post(path, &body).header("idempotency-key", key)).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.try_delete(path).await.expect("the server responds")
    }

    pub async fn try_delete(&self, path: &str) -> Result<(u16, Value), reqwest::Error> {
        respond(self.client.delete(format!("{}{path}", self.base()))).await
    }

    fn json_post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.base())).header("content-type", "application/json");
        request.body(body.to_string())
    }

    /// Status, headers and JSON body of the response to any request.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (u16, reqwest::header::HeaderMap, Value) {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.base())).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the server responds");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("the response is complete");
        (status, headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// Waiting for a state.
impl TestServer {
    /// Waits until the JSON at `path` meets `condition`, and returns it.
    pub async fn get_until(&self, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let evaluate = async || {
            let (status, body) = self.get(path).await;
            if condition(&body) { Ok(body) } else { Err((status, body)) }
        };
        until(evaluate, DEADLINE).await
    }

    /// Waits until the job with this id is settled, and returns it.
    pub async fn wait_until_settled(&self, id: &str) -> Value {
        let is_settled = |job: &Value| job["status"].is_string() && job["status"] != "processing";
        self.get_until(&format!("/crawl/job/{id}"), is_settled).await
    }

    /// Waits until the job's webhook is in this state, and returns the job.
    pub async fn wait_for_webhook_state(&self, id: &str, state: &str) -> Value {
        self.get_until(&format!("/crawl/job/{id}"), |job| job["webhook"]["state"] == state).await
    }

    /// Waits until the caller has this many jobs.
    pub async fn wait_for_job_count(&self, count: usize) {
        self.get_until("/jobs", |list| list["jobs"].as_array().map(Vec::len) == Some(count)).await;
    }

    /// Waits until the newest job is settled, and returns its status.
    pub async fn wait_for_settled_status(&self) -> Value {
        let list = self.get_until("/jobs", |list| list["jobs"][0]["status"] != "processing").await;
        list["jobs"][0]["status"].clone()
    }

    /// Waits until `/ready` is not 200, and returns its status.
    pub async fn wait_until_not_ready(&self) -> u16 {
        until(async || status_other_than(200, self.get("/ready").await), DEADLINE).await
    }

    /// Submits until a submission is not accepted, and returns its status.
    pub async fn submit_until_rejected(&self, body: Value) -> u16 {
        until(async || status_other_than(202, self.post("/crawl/job", body.clone()).await), DEADLINE).await
    }
}

fn status_other_than(expected: u16, (status, body): (u16, Value)) -> Result<u16, (u16, Value)> {
    if status == expected { Err((status, body)) } else { Ok(status) }
}

async fn launch(binary: &Path, folder: &TempDir, environment: &[(String, String)]) -> Process {
    // With SIGXFSZ ignored, a file size limit is a write error, as on a full disk, and does not end the process.
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
    let base = first.strip_prefix("listening on ").expect("the first line names the address");
    let base = base.replace("0.0.0.0", "127.0.0.1");
    let (sender, log) = mpsc::unbounded_channel();
    // Always read: a full pipe would block the server.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = sender.send(line);
        }
    });
    Process { child, base, log }
}

async fn respond(request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}
