//! A site on every loopback address with slow pages, a `Crawl-delay`, and webhook receivers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::support::{DEADLINE, expect, until};

/// The site's behaviour depends on the first word of the path:
///
/// - `/drip…`: a page that sends a byte per second and never ends.
/// - `/hang…`: a receiver that never responds.
/// - every other path: a page, which is also a receiver that responds with 200.
#[derive(Clone)]
pub struct SlowSite {
    port: u16,
    requests: Arc<Mutex<HashMap<String, usize>>>,
}

impl SlowSite {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let site = Self { port, requests: Arc::default() };
        let requests = Arc::clone(&site.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(respond(stream, Arc::clone(&requests)));
            }
        });
        site
    }

    /// The URL of a path on the loopback address with this number.
    pub fn url(&self, host: usize, path: &str) -> String {
        format!("http://127.0.{}.{}:{}{path}", host / 250, 1 + host % 250, self.port)
    }

    /// The number of requests so far whose path begins with `prefix`.
    pub fn requests(&self, prefix: &str) -> usize {
        let requests = self.requests.lock().expect("not poisoned");
        requests.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// Waits for this number of requests whose path begins with `prefix`.
    pub async fn wait_for_requests(&self, prefix: &str, count: usize) {
        let reached = async || expect(self.requests(prefix) >= count, self.requests(prefix));
        until(reached, DEADLINE).await;
    }
}

async fn respond(mut stream: TcpStream, requests: Arc<Mutex<HashMap<String, usize>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    *requests.lock().expect("not poisoned").entry(path.clone()).or_default() += 1;
    if path.starts_with("/hang") {
        sleep(DEADLINE * 10).await;
    }
    if path.starts_with("/drip") {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>").await;
        while sent.is_ok() {
            sleep(Duration::from_secs(1)).await;
            sent = stream.write_all(b"x").await;
        }
        return;
    }
    let (kind, body) = match path.as_str() {
        "/robots.txt" => ("text/plain", "User-agent: *\nCrawl-delay: 5\n"),
        _ => ("text/html", "<p>hello"),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}", body.len());
    // The client may have closed the connection.
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
}
