//! A receiver that takes scripted actions.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver does with one webhook.
#[derive(Clone)]
pub enum Action {
    Respond(u16),
    /// Responds with a header.
    RespondWith(u16, &'static str, String),
    Hang,
    Reset,
    /// Sends an endless response slowly, byte by byte.
    Drip,
    /// Responds with this status and a body of 1 GiB.
    Flood(u16),
}

/// A webhook as it arrived.
pub struct RawWebhook {
    pub path: String,
    pub head: String,
    pub body: String,
}

impl RawWebhook {
    pub fn header(&self, name: &str) -> &str {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// Takes the actions of its script in order, one per connection, and then responds with 200.
#[derive(Clone)]
pub struct Receiver {
    pub base: String,
    pub script: Arc<Mutex<VecDeque<Action>>>,
    webhooks: Arc<Mutex<Vec<RawWebhook>>>,
    /// Bytes sent by `Flood`.
    pub flooded: Arc<AtomicUsize>,
}

impl Receiver {
    pub async fn start(script: impl IntoIterator<Item = Action>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let receiver = Self {
            base: format!("http://{}", listener.local_addr().expect("it is bound")),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            webhooks: Arc::default(),
            flooded: Arc::default(),
        };
        let this = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().serve(stream));
            }
        });
        receiver
    }

    async fn serve(self, mut stream: TcpStream) {
        let Some(webhook) = read(&mut stream).await else { return };
        self.webhooks.lock().expect("not poisoned").push(webhook);
        let action = self.script.lock().expect("not poisoned").pop_front().unwrap_or(Action::Respond(200));
        match action {
            Action::Respond(status) => respond(&mut stream, status, "").await,
            Action::RespondWith(status, name, value) => {
                respond(&mut stream, status, &format!("{name}: {value}\r\n")).await
            }
            Action::Hang => std::future::pending().await,
            Action::Reset => stream.set_zero_linger().expect("a socket"),
            Action::Drip => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Action::Flood(status) => self.flood(stream, status).await,
        }
    }

    async fn flood(self, mut stream: TcpStream, status: u16) {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", 1 << 30);
        let chunk = vec![b'x'; 1 << 16];
        let mut open = stream.write_all(head.as_bytes()).await.is_ok();
        while open {
            open = stream.write_all(&chunk).await.is_ok();
            self.flooded.fetch_add(chunk.len(), Ordering::Relaxed);
        }
    }

    pub fn webhooks(&self) -> std::sync::MutexGuard<'_, Vec<RawWebhook>> {
        self.webhooks.lock().expect("not poisoned")
    }
}

async fn read(stream: &mut TcpStream) -> Option<RawWebhook> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some(RawWebhook { path, head: head.to_owned(), body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn respond(stream: &mut TcpStream, status: u16, header: &str) {
    let response = format!("HTTP/1.1 {status} X\r\n{header}connection: close\r\ncontent-length: 0\r\n\r\n");
    let _ = stream.write_all(response.as_bytes()).await;
}
