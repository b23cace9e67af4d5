//! Jobs while slow, huge and broken clients are there by the hundred.

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

/// Of each kind; they pause, because what they cost this machine on their own side is not to be measured.
const SLOW: usize = 150;
const HUGE: usize = 10;
const BROKEN: usize = 100;

/// For so long an answer lies about that nobody reads.
const UNREAD: Duration = Duration::from_secs(10);

/// All that they may make the server hold.
const MEMORY: f64 = 400.0;

pub async fn clients(plan: Plan, origin: &Origin, table: &mut Table) {
    let (mut rounds, mut most) = (Vec::new(), 0.0_f64);
    for _ in 0..plan.rounds {
        let server = Server::start();
        let alone = jobs(&server, origin, JOBS).await;
        let mut crowd = crowd(&server.address);
        sleep(Duration::from_secs(2)).await;
        let beside = jobs(&server, origin, 2 * JOBS).await;
        most = most.max(server.memory());
        crowd.abort_all();
        rounds.push((beside, alone));
    }
    table.share("jobs beside 410 slow, huge and broken clients", &rounds, "/s", 0.8);
    table.at_most("memory beside them", most, MEMORY, "MB");
}

/// A second, until so many are settled in all.
async fn jobs(server: &Server, origin: &Origin, settled: usize) -> f64 {
    let request = post("/crawl/job", &json!({"urls": [origin.url("/article")]}).to_string());
    let began = Instant::now();
    load::run(&server.address, 64, JOBS, 202, move |_| request.clone()).await;
    server.settled(settled).await;
    per_second(JOBS, began.elapsed())
}

fn crowd(address: &str) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    let head = "POST /crawl/job HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let slow_head = format!("{head}x: ");
    let slow_body = format!("{head}content-length: 1000000\r\n\r\n{{\"urls\": [\"");
    let huge = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for _ in 0..SLOW {
        crowd.spawn(drip(address.to_owned(), slow_head.clone()));
        crowd.spawn(drip(address.to_owned(), slow_body.clone()));
    }
    for _ in 0..HUGE {
        crowd.spawn(flood(address.to_owned(), huge.clone()));
    }
    for _ in 0..BROKEN {
        crowd.spawn(break_off(address.to_owned()));
    }
    crowd
}

/// A byte at a time, and from the start when the server has had enough.
async fn drip(address: String, begin: String) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await
            && stream.write_all(begin.as_bytes()).await.is_ok()
        {
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(500)).await;
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// More and more, until the server has had enough.
async fn flood(address: String, begin: String) {
    let piece = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await
            && stream.write_all(begin.as_bytes()).await.is_ok()
        {
            while stream.write_all(piece.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// What is no HTTP, half a request, an answer that nobody waits for, and one that nobody reads.
async fn break_off(address: String) {
    for turn in 0_usize.. {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let said: &[u8] = match turn % 4 {
                0 => b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 not what was expected\r\n\r\n",
                1 => b"POST /crawl/job HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99",
                _ => b"GET /jobs?limit=1000 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            };
            let _ = stream.write_all(said).await;
            match turn % 4 {
                0 => drop(stream.read(&mut [0; 64]).await),
                1 | 2 => {}
                // The connection stays, and its answer with it.
                _ => sleep(UNREAD).await,
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}
