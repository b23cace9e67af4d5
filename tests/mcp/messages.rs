//! Protocol messages without an SDK, over each transport.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{DEADLINE, TestServer};

pub fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

pub fn call(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// A client over HTTP.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    pub fn of(server: &TestServer, token: &str) -> Self {
        Self { http: server.client().clone(), base: server.base().to_owned(), token: token.to_owned() }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().expect("a method"), format!("{}{path}", self.base));
        let request = request.header("accept", "application/json, text/event-stream");
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    fn message(&self, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
        self.request("POST", path).header("content-type", "application/json").body(body)
    }

    /// Sends a message and returns the response before its body is complete.
    pub async fn open(&self, message: &Value) -> reqwest::Response {
        self.message("/mcp", message.to_string().into()).send().await.expect("the server responds")
    }

    /// The same with the headers of protocol version 2026-07-28.
    pub async fn open_since_2026(&self, message: &Value) -> reqwest::Response {
        let request = self.message("/mcp", message.to_string().into());
        let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
        request.header("mcp-name", "crawl").send().await.expect("the server responds")
    }

    /// Status and the last message of the response.
    pub async fn exchange(&self, message: &Value) -> (u16, Value) {
        self.send(message.to_string().as_bytes()).await
    }

    pub async fn send(&self, body: &[u8]) -> (u16, Value) {
        status_and_message(self.message("/mcp", body.to_vec()).send().await.expect("the server responds")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        status_and_message(self.message(path, body.to_string().into()).send().await.expect("the server responds")).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        status_and_message(self.request("GET", path).send().await.expect("the server responds")).await
    }

    async fn result(&self, tool: &str, arguments: Value) -> Value {
        let (status, answer) = self.exchange(&call(tool, arguments)).await;
        assert_eq!((status, answer.get("error")), (200, None), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// The content of a successful call.
    pub async fn text(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result(tool, arguments).await;
        assert_eq!(result["isError"], false, "{tool}: {result}");
        content(&result)
    }

    /// The content of a failed call.
    pub async fn error(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result(tool, arguments).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        content(&result)
    }

    /// An initialized session of the SSE transport.
    pub async fn session(&self) -> Session {
        let stream = self.request("GET", "/mcp/sse").send().await.expect("the server responds");
        assert_eq!(stream.status(), 200);
        let client = Self { http: self.http.clone(), base: self.base.clone(), token: self.token.clone() };
        let mut session = Session { client, stream, buffer: String::new(), messages: String::new() };
        session.messages = session.event().await;
        let initialize =
            json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        session.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize})).await;
        assert_eq!(session.receive().await["result"]["protocolVersion"], "2024-11-05");
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        session
    }
}

fn content(result: &Value) -> Value {
    let text = result["content"][0]["text"].as_str().expect("a text");
    serde_json::from_str(text).expect("it is JSON")
}

async fn status_and_message(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("it is text");
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ").or(line.strip_prefix("data:")));
    (status, serde_json::from_str(last.unwrap_or(&text)).unwrap_or(Value::Null))
}

pub struct Session {
    client: Client,
    stream: reqwest::Response,
    buffer: String,
    /// The path to which messages are posted.
    messages: String,
}

impl Session {
    pub async fn send(&self, message: &Value) -> u16 {
        self.client.post(&self.messages, message.clone()).await.0
    }

    /// The next message.
    pub async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.event().await).expect("it is JSON")
    }

    /// The data of the next event.
    async fn event(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.buffer = rest.to_owned();
                if let Some(data) = data {
                    return data;
                }
                continue;
            }
            let chunk = timeout(DEADLINE, self.stream.chunk()).await.expect("an event arrives in time");
            let chunk = chunk.expect("the connection holds").expect("the stream continues");
            self.buffer.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// Closes the stream and returns the path of its messages.
    pub fn close(self) -> String {
        self.messages
    }
}

/// A process of `opilio mcp`, the stdio transport.
pub struct Relay {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Relay {
    pub fn start(server: &TestServer) -> Self {
        Self::to(server.base())
    }

    pub fn to(base: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opilio"));
        command.arg("mcp").env("OPILIO_URL", base).env("no_proxy", "*").kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let input = child.stdin.take().expect("it is piped");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, input, lines }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).await.expect("the process reads");
    }

    pub async fn send(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    pub async fn receive(&mut self) -> Value {
        let line = timeout(DEADLINE, self.lines.next_line()).await.expect("a line is printed in time");
        let line = line.expect("it is text").expect("the process still runs");
        serde_json::from_str(&line).expect("each line is JSON")
    }

    /// Closes standard input and returns the exit code.
    pub async fn close(self) -> i32 {
        let Self { mut child, input, lines } = self;
        drop((input, lines));
        child.wait().await.expect("it runs").code().expect("it exits")
    }
}
