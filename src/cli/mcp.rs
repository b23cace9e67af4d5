//! `opilio mcp`: the tools of a running server for a client that starts its servers itself and talks to them over
//! standard input and output.
//!
//! Each message is passed on to the server's `/mcp`, and what comes of it is passed back, a message a line.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::client::{Client, Remote};
use super::following;
use super::trouble::Trouble;

/// For what is under way when the client closes its end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a client's configuration names as the command of a server.
#[derive(Debug, Args)]
pub struct Mcp {
    #[command(flatten)]
    remote: Remote,
}

impl Mcp {
    pub async fn run(self) -> anyhow::Result<()> {
        let relay = Relay { client: self.remote.client()?, under_way: Arc::default() };
        let mut lines = lines();
        let mut exchanges = JoinSet::new();
        while let Some(line) = lines.recv().await {
            while exchanges.try_join_next().is_some() {}
            match serde_json::from_slice::<Value>(&line) {
                _ if line.trim_ascii().is_empty() => {}
                Ok(message) if message["method"] == "notifications/cancelled" => relay.cancel(&message),
                Ok(message) => relay.begin(message, &mut exchanges),
                Err(error) => say(&failure(Value::Null, -32700, &format!("not JSON: {error}")))?,
            }
        }
        let _ = timeout(LAST_WORDS, async { while exchanges.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

/// Of standard input, which is read by a thread of its own: there is no other way to wait for it.
fn lines() -> mpsc::Receiver<Vec<u8>> {
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
    /// Requests that wait for their answers, by id.
    under_way: Arc<Mutex<HashMap<String, AbortHandle>>>,
}

impl Relay {
    fn begin(&self, message: Value, exchanges: &mut JoinSet<()>) {
        let (relay, id) = (self.clone(), message["id"].clone());
        let key = id.to_string();
        let exchange = exchanges.spawn_local(async move {
            if let Err(trouble) = relay.exchange(&message).await
                && !id.is_null()
            {
                let _ = say(&failure(id.clone(), -32603, &trouble.to_string()));
            }
            relay.under_way().remove(&id.to_string());
        });
        self.under_way().insert(key, exchange);
    }

    /// A server that is not listened to any more stops the work.
    fn cancel(&self, message: &Value) {
        if let Some(exchange) = self.under_way().remove(&message["params"]["requestId"].to_string()) {
            exchange.abort();
        }
    }

    /// Passes a message on, and back what comes of it.
    ///
    /// # Errors
    /// Nothing came that answers it, although it is to be answered.
    async fn exchange(&self, message: &Value) -> Result<(), Trouble> {
        let sent = self.client.send(Method::POST, "/mcp", headers(message), Some(message.to_string())).await?;
        let status = sent.status().as_u16();
        let kind = sent.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let mut awaited = if message["method"].is_string() { message["id"].clone() } else { Value::Null };
        if kind.starts_with("text/event-stream") {
            let mut events = following::events(sent);
            while let Some(Ok(event)) = events.next().await {
                if let Some(said) = event.data.as_deref().and_then(parse) {
                    print(&said, &mut awaited);
                }
            }
        } else {
            let body = sent.bytes().await.map_err(|error| self.client.unreachable(&error))?;
            match std::str::from_utf8(&body).ok().and_then(parse) {
                Some(answer) => print(&answer, &mut awaited),
                None if status >= 400 => return Err(Trouble::answered(status, &body)),
                None => {}
            }
        }
        if awaited.is_null() { Ok(()) } else { Err(self.client.fell_silent()) }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What streamable HTTP wants to see of a message without reading it.
fn headers(message: &Value) -> HeaderMap {
    let params = &message["params"];
    let version = &params["_meta"]["io.modelcontextprotocol/protocolVersion"];
    let seen = [("mcp-protocol-version", version), ("mcp-method", &message["method"]), ("mcp-name", &params["name"])];
    let seen = seen.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(value.as_str()?).ok()?))
    });
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    seen.chain([(ACCEPT, accept)]).collect()
}

fn failure(id: Value, code: i32, why: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}})
}

fn say(message: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}")?;
    out.flush()
}

/// A message of the protocol, if it is one.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|message: &Value| message.get("jsonrpc").is_some())
}

/// Nothing is awaited any more when it has come.
fn print(message: &Value, awaited: &mut Value) {
    if message["id"] == *awaited && message.get("method").is_none() {
        *awaited = Value::Null;
    }
    // Who does not listen any more closes the other end, too.
    let _ = say(message);
}
