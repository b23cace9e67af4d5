//! `opilio mcp`: serves the Model Context Protocol over standard input and output.
//!
//! Each message, one per line, is forwarded to `/mcp` of a running server; its responses are written one per line.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::client::{Client, ServerArgs};
use super::error::ClientError;
use super::event_stream;

/// Time for pending requests after the client has closed standard input.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

const PARSE_ERROR: i32 = -32700;
const INTERNAL_ERROR: i32 = -32603;

/// For clients that start their MCP servers as child processes.
#[derive(Debug, Args)]
pub struct Mcp {
    #[command(flatten)]
    server: ServerArgs,
}

impl Mcp {
    pub async fn run(self) -> anyhow::Result<()> {
        let relay = Relay { client: self.server.client()?, pending: Arc::default() };
        let mut lines = input_lines();
        let mut exchanges = JoinSet::new();
        while let Some(line) = lines.recv().await {
            while exchanges.try_join_next().is_some() {}
            match serde_json::from_slice::<Value>(&line) {
                _ if line.trim_ascii().is_empty() => {}
                Ok(message) if message["method"] == "notifications/cancelled" => relay.cancel(&message),
                Ok(message) => relay.start(message, &mut exchanges),
                Err(error) => write(&failure(&Value::Null, PARSE_ERROR, &format!("invalid JSON: {error}")))?,
            }
        }
        let _ = timeout(SHUTDOWN_GRACE, async { while exchanges.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

/// The lines of standard input, read by a thread because its reads block.
fn input_lines() -> mpsc::Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[derive(Clone)]
struct Relay {
    client: Client,
    /// Requests without a response, by id.
    pending: Arc<Mutex<HashMap<String, AbortHandle>>>,
}

impl Relay {
    fn start(&self, message: Value, exchanges: &mut JoinSet<()>) {
        let (relay, id) = (self.clone(), message["id"].clone());
        let key = id.to_string();
        let exchange = exchanges.spawn_local(async move {
            if let Err(error) = relay.exchange(&message).await
                && !id.is_null()
            {
                let _ = write(&failure(&id, INTERNAL_ERROR, &error.to_string()));
            }
            relay.pending().remove(&id.to_string());
        });
        self.pending().insert(key, exchange);
    }

    /// Closes the connection of the request, which cancels it on the server.
    fn cancel(&self, message: &Value) {
        if let Some(exchange) = self.pending().remove(&message["params"]["requestId"].to_string()) {
            exchange.abort();
        }
    }

    /// Forwards a message and writes the messages that the server returns.
    ///
    /// # Errors
    /// The message is a request, and the server returned no response to it.
    async fn exchange(&self, message: &Value) -> Result<(), ClientError> {
        let response = self.client.send(Method::POST, "/mcp", headers(message), Some(message.to_string())).await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let mut awaited = if message["method"].is_string() { message["id"].clone() } else { Value::Null };
        if content_type.unwrap_or_default().starts_with("text/event-stream") {
            let mut events = event_stream::messages(response);
            while let Some(Ok(event)) = events.next().await {
                if let Some(message) = event.data.as_deref().and_then(parse) {
                    forward(&message, &mut awaited);
                }
            }
        } else {
            let body = response.bytes().await.map_err(|error| self.client.unreachable(&error))?;
            match std::str::from_utf8(&body).ok().and_then(parse) {
                Some(message) => forward(&message, &mut awaited),
                None if status >= 400 => return Err(ClientError::from_response(status, &body)),
                None => {}
            }
        }
        if awaited.is_null() { Ok(()) } else { Err(self.client.incomplete_response()) }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers that the streamable HTTP transport derives from a message.
fn headers(message: &Value) -> HeaderMap {
    let params = &message["params"];
    let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
    let pairs = [("mcp-protocol-version", version), ("mcp-method", &message["method"]), ("mcp-name", &params["name"])];
    let pairs = pairs.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(value.as_str()?).ok()?))
    });
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    pairs.chain([(ACCEPT, accept)]).collect()
}

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

fn write(message: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}")?;
    out.flush()
}

/// A JSON-RPC message.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|message: &Value| message.get("jsonrpc").is_some())
}

/// Writes a message. Clears `awaited` if it is the response to that id.
fn forward(message: &Value, awaited: &mut Value) {
    if message["id"] == *awaited && message.get("method").is_none() {
        *awaited = Value::Null;
    }
    // A client that closes standard output also closes standard input.
    let _ = write(message);
}
