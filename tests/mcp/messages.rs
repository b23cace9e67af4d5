//! Messages of the protocol by hand, over each transport.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::support::TestServer;

pub fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

pub fn call(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// Somebody who talks to the server.
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

    /// The answer to a message, as it begins.
    pub async fn open(&self, message: &Value) -> reqwest::Response {
        self.message("/mcp", message.to_string().into()).send().await.expect("the server responds")
    }

    /// The same, asked as the protocol has it since 2026-07-28.
    pub async fn open_since_2026(&self, message: &Value) -> reqwest::Response {
        let request = self.message("/mcp", message.to_string().into());
        let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
        request.header("mcp-name", "crawl").send().await.expect("the server responds")
    }

    /// Status, and what is answered to a message: of several things, the last.
    pub async fn exchange(&self, message: &Value) -> (u16, Value) {
        self.send(message.to_string().as_bytes()).await
    }

    pub async fn send(&self, body: &[u8]) -> (u16, Value) {
        whole(self.message("/mcp", body.to_vec()).send().await.expect("the server responds")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        whole(self.message(path, body.to_string().into()).send().await.expect("the server responds")).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        whole(self.request("GET", path).send().await.expect("the server responds")).await
    }

    async fn result(&self, tool: &str, arguments: Value) -> Value {
        let (status, answer) = self.exchange(&call(tool, arguments)).await;
        assert_eq!((status, answer.get("error")), (200, None), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// What a tool answers that succeeds.
    pub async fn text(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result(tool, arguments).await;
        assert_eq!(result["isError"], false, "{tool}: {result}");
        said(&result)
    }

    /// Why a tool does not succeed.
    pub async fn refusal(&self, tool: &str, arguments: Value) -> Value {
        let result = self.result(tool, arguments).await;
        assert_eq!(result["isError"], true, "{tool}: {result}");
        said(&result)
    }

    /// A session by the older transport, with its greetings exchanged.
    pub async fn session(&self) -> Session {
        let stream = self.request("GET", "/mcp/sse").send().await.expect("the server responds");
        assert_eq!(stream.status(), 200);
        let client = Self { http: self.http.clone(), base: self.base.clone(), token: self.token.clone() };
        let mut session = Session { client, stream, heard: String::new(), messages: String::new() };
        session.messages = session.event().await;
        let hello =
            json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        session.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})).await;
        assert_eq!(session.hear().await["result"]["protocolVersion"], "2024-11-05");
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        session
    }
}

fn said(result: &Value) -> Value {
    let text = result["content"][0]["text"].as_str().expect("a text");
    serde_json::from_str(text).expect("it is JSON")
}

async fn whole(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("it is text");
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ").or(line.strip_prefix("data:")));
    (status, serde_json::from_str(last.unwrap_or(&text)).unwrap_or(Value::Null))
}

pub struct Session {
    client: Client,
    stream: reqwest::Response,
    heard: String,
    messages: String,
}

impl Session {
    pub async fn send(&self, message: &Value) -> u16 {
        self.client.post(&self.messages, message.clone()).await.0
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.event().await).expect("it is JSON")
    }

    /// The data of the next event.
    async fn event(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.heard.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.heard = rest.to_owned();
                if let Some(data) = data {
                    return data;
                }
                continue;
            }
            let piece = self.stream.chunk().await.expect("the connection holds").expect("it goes on");
            self.heard.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }

    /// Ends the stream; where its messages went.
    pub fn leave(self) -> String {
        self.messages
    }
}

/// `opilio mcp`, and both ends of it.
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
        self.input.write_all(bytes).await.expect("it reads");
    }

    pub async fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    pub async fn hear(&mut self) -> Value {
        let line = self.lines.next_line().await.expect("it is text").expect("it goes on");
        serde_json::from_str(&line).expect("each line is JSON")
    }

    /// Closes its input; the code with which it ends.
    pub async fn leave(self) -> i32 {
        let Self { mut child, input, lines } = self;
        drop((input, lines));
        child.wait().await.expect("it runs").code().expect("it exits")
    }
}
