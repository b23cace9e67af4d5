//! Throughput of jobs while hundreds of slow, flooding and broken clients are connected.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Plan;
use crate::load::{self, per_second, post};
use crate::opilio::Server;
use crate::origin::Origin;
use crate::table::Table;

const JOBS: usize = 2_000;

/// Clients of each kind. They pause between writes, so that their own CPU time is not measured.
const SLOW: usize = 150;
const FLOODING: usize = 10;
const BROKEN: usize = 100;

/// How long a client leaves a response unread.
const UNREAD: Duration = Duration::from_secs(10);

/// The bound for the memory of the server, in MB.
const MEMORY: f64 = 400.0;

pub async fn clients(plan: Plan, origin: &Origin, table: &mut Table) {
    let (mut rounds, mut peak) = (Vec::new(), 0.0_f64);
    for _ in 0..plan.rounds {
        let server = Server::start();
        let alone = jobs(&server, origin, JOBS).await;
        let mut clients = connect_clients(&server.address);
        sleep(Duration::from_secs(2)).await;
        let loaded = jobs(&server, origin, 2 * JOBS).await;
        peak = peak.max(server.memory());
        clients.abort_all();
        rounds.push((loaded, alone));
    }
    table.share("jobs with 410 hostile clients", &rounds, "/s", 0.8);
    table.at_most("memory with 410 hostile clients", peak, MEMORY, "MB");
}

/// Jobs per second, until `settled` jobs are settled in total.
async fn jobs(server: &Server, origin: &Origin, settled: usize) -> f64 {
    let request = post("/crawl/job", &json!({"urls": [origin.url("/article")]}).to_string());
    let began = Instant::now();
    load::run(&server.address, 64, JOBS, 202, move |_| request.clone()).await;
    server.settled(settled).await;
    per_second(JOBS, began.elapsed())
}

fn connect_clients(address: &str) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    let head = "POST /crawl/job HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let slow_head = format!("{head}x: ");
    let slow_body = format!("{head}content-length: 1000000\r\n\r\n{{\"urls\": [\"");
    let flood_head = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for _ in 0..SLOW {
        clients.spawn(drip(address.to_owned(), slow_head.clone()));
        clients.spawn(drip(address.to_owned(), slow_body.clone()));
    }
    for _ in 0..FLOODING {
        clients.spawn(flood(address.to_owned(), flood_head.clone()));
    }
    for _ in 0..BROKEN {
        clients.spawn(misbehave(address.to_owned()));
    }
    clients
}

/// Sends a byte at a time. Reconnects when the server closes the connection.
async fn drip(address: String, start: String) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await
            && stream.write_all(start.as_bytes()).await.is_ok()
        {
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(500)).await;
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Sends an endless body. Reconnects when the server closes the connection.
async fn flood(address: String, start: String) {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await
            && stream.write_all(start.as_bytes()).await.is_ok()
        {
            while stream.write_all(chunk.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// In turn: not HTTP, an incomplete request, a disconnect before the response, and an unread response.
async fn misbehave(address: String) {
    for turn in 0_usize.. {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let sent: &[u8] = match turn % 4 {
                0 => b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 not what was expected\r\n\r\n",
                1 => b"POST /crawl/job HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99",
                _ => b"GET /jobs?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            };
            let _ = stream.write_all(sent).await;
            match turn % 4 {
                0 => drop(stream.read(&mut [0; 64]).await),
                1 | 2 => {}
                // The connection stays open with its response unread.
                _ => sleep(UNREAD).await,
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}
