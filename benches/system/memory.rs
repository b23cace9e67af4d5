//! What the process holds in memory.

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

pub async fn at_rest_and_queued(origin: &Origin, table: &mut Table) {
    const JOBS: usize = 50_000;
    let server = Server::start();
    table.at_most("memory at rest", server.memory(), 20.0, "MB");
    let body = json!({"urls": [origin.url("/never")]}).to_string();
    let warm = post("/crawl/job", &body);
    let request = warm.clone();
    load::run(&server.address, 64, 5_000, 202, move |_| warm.clone()).await;
    let before = server.memory();
    load::run(&server.address, 64, JOBS, 202, move |_| request.clone()).await;
    // Nothing for each job; what the database caches is bounded.
    table.at_most("memory added by 50,000 queued jobs", (server.memory() - before).max(0.0), 8.0, "MB");
}

/// Ten clients each fetch the same long result; they read as fast as it comes.
pub async fn long_results(origin: &Origin, table: &mut Table) {
    const CLIENTS: usize = 10;
    let server = Server::start();
    let submit = post("/crawl/job", &json!({"urls": long_pages(origin)}).to_string());
    let mut connection = Connection::open(&server.address).await;
    let (status, job) = connection.ask(&submit).await;
    assert_eq!(status, 202);
    let job: Value = serde_json::from_slice(job).expect("JSON");
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    server.settled(1).await;
    let before = server.memory();
    let mut fetching = JoinSet::new();
    for _ in 0..CLIENTS {
        fetching.spawn(length(server.address.clone(), path.clone()));
    }
    let (mut most, mut least) = (before, usize::MAX);
    while !fetching.is_empty() {
        tokio::select! {
            Some(fetched) = fetching.join_next() => least = least.min(fetched.expect("it comes whole")),
            () = tokio::time::sleep(Duration::from_millis(2)) => most = most.max(server.memory()),
        }
    }
    assert!(least >= 30_000_000, "{least}");
    table.at_most("memory added by ten clients of 30 MB results", most - before, 60.0, "MB");
}

/// Ten webhooks with a result of 30 MB each are sent at once, to a receiver that reads as fast as they come.
pub async fn long_webhooks(origin: &Origin, table: &mut Table) {
    const WEBHOOKS: usize = 10;
    let server = Server::start();
    let (hook, mut taken) = receiver().await;
    let webhook = json!({"webhook_url": hook, "webhook_data_in_payload": true});
    let submit = post("/crawl/job", &json!({"urls": long_pages(origin), "webhook_config": webhook}).to_string());
    let mut connection = Connection::open(&server.address).await;
    for _ in 0..WEBHOOKS {
        assert_eq!(connection.ask(&submit).await.0, 202);
        assert!(taken.recv().await.expect("the receiver runs") >= 30_000_000);
    }
    let before = server.memory();
    assert_eq!(connection.ask(&post("/deliveries/replay", "{}")).await.0, 202);
    let (mut most, mut left) = (before, WEBHOOKS);
    while left > 0 {
        tokio::select! {
            Some(_) = taken.recv() => left -= 1,
            () = tokio::time::sleep(Duration::from_millis(2)) => most = most.max(server.memory()),
        }
    }
    table.at_most("memory added by ten webhooks of 30 MB", most - before, 60.0, "MB");
}

/// Addresses whose results come to 30 MB.
fn long_pages(origin: &Origin) -> Vec<String> {
    (0..16).map(|n| origin.url(&format!("/long?{n}"))).collect()
}

/// Its address, and how long each webhook is that it has taken.
async fn receiver() -> (String, UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let (tell, taken) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let length = take(stream).await;
                let _ = tell.send(length);
            });
        }
    });
    (address, taken)
}

/// The length of the one webhook of a connection, which is taken.
async fn take(stream: TcpStream) -> usize {
    let (mut stream, mut head, mut announced) = (BufReader::new(stream), String::new(), 0);
    while stream.read_line(&mut head).await.expect("the connection holds") > 2 {
        let line = head.to_ascii_lowercase();
        announced = line.strip_prefix("content-length: ").map_or(announced, |n| n.trim().parse().expect("a number"));
        head.clear();
    }
    let (mut buffer, mut left) = (vec![0; 1 << 16], announced);
    while left > 0 {
        let read = stream.read(&mut buffer).await.expect("the connection holds");
        assert!(read > 0, "it comes whole");
        left -= read;
    }
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(answer).await.expect("the connection holds");
    announced
}

/// How long the answer is, of which no more is kept than is read at once.
async fn length(address: String, path: String) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
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
