//! A client with low CPU cost: prepared requests over persistent connections; response bodies are read but not parsed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream: BufReader::with_capacity(1 << 16, stream), line: String::new(), body: Vec::new() }
    }

    /// Sends a request and returns the status and the body of the response.
    pub async fn request(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("the connection holds");
        let (mut status, mut length) = (0, None);
        loop {
            self.line.clear();
            let read = self.stream.read_line(&mut self.line).await.expect("the connection holds");
            assert!(read > 0, "a response arrives");
            let line = self.line.trim_end();
            if status == 0 {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        self.body.resize(length.expect("a response with a length"), 0);
        self.stream.read_exact(&mut self.body).await.expect("the response is complete");
        (status, &self.body)
    }
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The time of `total` requests over `connections` connections. Each response must have `status`.
pub async fn run(
    address: &str,
    connections: usize,
    total: usize,
    status: u16,
    request: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
) -> Duration {
    let (request, next) = (Arc::new(request), Arc::new(AtomicUsize::new(0)));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await);
    }
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for mut connection in open {
        let (request, next) = (Arc::clone(&request), Arc::clone(&next));
        clients.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= total {
                    return;
                }
                let (found, body) = connection.request(&request(index)).await;
                assert_eq!(found, status, "{}", String::from_utf8_lossy(body));
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("no client fails");
    }
    began.elapsed()
}

pub fn per_second(count: usize, time: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = count as f64;
    count / time.as_secs_f64()
}
