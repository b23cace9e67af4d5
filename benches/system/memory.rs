//! Resident memory of the process.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::load::{self, Connection, post};
use crate::opilio::Server;
use crate::origin::Origin;
use crate::table::Table;

pub async fn idle_and_queued(origin: &Origin, table: &mut Table) {
    const JOBS: usize = 50_000;
    let server = Server::start();
    table.at_most("memory when idle", server.memory(), 20.0, "MB");
    let body = json!({"urls": [origin.url("/never")]}).to_string();
    let warm = post("/crawl/job", &body);
    let request = warm.clone();
    load::run(&server.address, 64, 5_000, 202, move |_| warm.clone()).await;
    let before = server.memory();
    load::run(&server.address, 64, JOBS, 202, move |_| request.clone()).await;
    // Queued jobs are not in memory; the cache of the database is bounded.
    table.at_most("memory added by 50,000 queued jobs", (server.memory() - before).max(0.0), 8.0, "MB");
}

/// Ten clients fetch the same long result and read it without delay.
pub async fn long_results(origin: &Origin, table: &mut Table) {
    const CLIENTS: usize = 10;
    let server = Server::start();
    let submit = post("/crawl/job", &json!({"urls": long_pages(origin)}).to_string());
    let mut connection = Connection::open(&server.address).await;
    let (status, job) = connection.request(&submit).await;
    assert_eq!(status, 202);
    let job: Value = serde_json::from_slice(job).expect("JSON");
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    server.settled(1).await;
    let before = server.memory();
    let mut fetching = JoinSet::new();
    for _ in 0..CLIENTS {
        fetching.spawn(length(server.address.clone(), path.clone()));
    }
    let (mut peak, mut shortest) = (before, usize::MAX);
    while !fetching.is_empty() {
        tokio::select! {
            Some(fetched) = fetching.join_next() => shortest = shortest.min(fetched.expect("the response is complete")),
            () = tokio::time::sleep(Duration::from_millis(2)) => peak = peak.max(server.memory()),
        }
    }
    assert!(shortest >= 30_000_000, "{shortest}");
    table.at_most("memory added by ten clients of 30 MB results", peak - before, 60.0, "MB");
}

/// Ten webhooks with a result of 30 MB each are sent at once to a receiver that reads without delay.
pub async fn long_webhooks(origin: &Origin, table: &mut Table) {
    const WEBHOOKS: usize = 10;
    let server = Server::start();
    let (url, mut lengths) = receiver().await;
    let webhook = json!({"webhook_url": url, "webhook_data_in_payload": true});
    let submit = post("/crawl/job", &json!({"urls": long_pages(origin), "webhook_config": webhook}).to_string());
    let mut connection = Connection::open(&server.address).await;
    for _ in 0..WEBHOOKS {
        assert_eq!(connection.request(&submit).await.0, 202);
        assert!(lengths.recv().await.expect("the receiver runs") >= 30_000_000);
    }
    let before = server.memory();
    assert_eq!(connection.request(&post("/deliveries/replay", "{}")).await.0, 202);
    let (mut peak, mut left) = (before, WEBHOOKS);
    while left > 0 {
        tokio::select! {
            Some(_) = lengths.recv() => left -= 1,
            () = tokio::time::sleep(Duration::from_millis(2)) => peak = peak.max(server.memory()),
        }
    }
    table.at_most("memory added by ten webhooks of 30 MB", peak - before, 60.0, "MB");
}

/// URLs whose results are 30 MB in total.
fn long_pages(origin: &Origin) -> Vec<String> {
    (0..16).map(|n| origin.url(&format!("/long?{n}"))).collect()
}

/// Starts a receiver. Returns its URL and the lengths of the received webhooks.
async fn receiver() -> (String, UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let (sender, lengths) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let _ = sender.send(receive(stream).await);
            });
        }
    });
    (address, lengths)
}

/// Reads the webhook of a connection, accepts it, and returns its length.
async fn receive(stream: TcpStream) -> usize {
    let (mut stream, mut head, mut length) = (BufReader::new(stream), String::new(), 0);
    while stream.read_line(&mut head).await.expect("the connection holds") > 2 {
        let line = head.to_ascii_lowercase();
        length = line.strip_prefix("content-length: ").map_or(length, |n| n.trim().parse().expect("a number"));
        head.clear();
    }
    let (mut buffer, mut left) = (vec![0; 1 << 16], length);
    while left > 0 {
        let read = stream.read(&mut buffer).await.expect("the connection holds");
        assert!(read > 0, "the webhook is complete");
        left -= read;
    }
    let response = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(response).await.expect("the connection holds");
    length
}

/// Reads a response without storing it, and returns its length.
async fn length(address: String, path: String) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the connection holds");
    let (mut buffer, mut length) = (vec![0; 1 << 16], 0);
    loop {
        match stream.read(&mut buffer).await.expect("the connection holds") {
            0 => return length,
            read => length += read,
        }
    }
}
