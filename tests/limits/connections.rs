//! Limits on connections, request heads, bodies and unsent responses.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::settled;
use crate::support::{DEADLINE, TestServer, TestSite, expect, until};

async fn connect(server: &TestServer) -> TcpStream {
    let address = server.base().strip_prefix("http://").expect("an address");
    TcpStream::connect(address).await.expect("the server listens")
}

/// Reads until the server closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset ends the connection too.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut all)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `end` has arrived.
pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = String::new();
    let mut chunk = [0; 4096];
    while !all.contains(end) {
        let read =
            timeout(DEADLINE, stream.read(&mut chunk)).await.expect("a response").expect("the connection is open");
        assert!(read > 0, "the connection ended after {all:?}");
        all.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    all
}

/// Sends a request and reads little more than the head of its response.
async fn request_without_reading(server: &TestServer, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8192).expect("a small buffer");
    let address = server.base().strip_prefix("http://").and_then(|address| address.parse().ok()).expect("an address");
    let mut stream = socket.connect(address).await.expect("the server listens");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
        .await
        .expect("the write succeeds");
    read_until(&mut stream, "\r\n\r\n").await;
    stream
}

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}\r\n")
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[actix::test]
async fn body_size_is_checked_while_the_body_arrives() {
    let server = TestServer::with_config("limits: {max_body_bytes: 1000}").await;
    let mut stream = connect(&server).await;
    stream
        .write_all(post("/crawl/job", "transfer-encoding: chunked\r\n").as_bytes())
        .await
        .expect("the write succeeds");
    for _ in 0..3 {
        stream.write_all(format!("190\r\n{}\r\n", " ".repeat(400)).as_bytes()).await.expect("the write succeeds");
    }
    // The body has no end.
    let response = read_until(&mut stream, "}").await;
    assert!(response.starts_with("HTTP/1.1 413") && response.contains("1000 bytes"), "{response}");
    let mut stream = connect(&server).await;
    stream.write_all(post("/crawl/job", "content-length: 1001\r\n").as_bytes()).await.expect("the write succeeds");
    let response = read_until(&mut stream, "}").await;
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
}

#[actix::test]
async fn incomplete_request_head_times_out() {
    let server = TestServer::with_config("limits: {header_timeout: 1s, keep_alive: 1s}").await;
    for start in ["", "GET /health HT", "GET /health HTTP/1.1\r\nhost: localhost\r\nx: "] {
        let mut stream = connect(&server).await;
        stream.write_all(start.as_bytes()).await.expect("the write succeeds");
        read_to_end(&mut stream).await;
        let mut stream = connect(&server).await;
        stream.write_all(format!("{HEALTH}{start}").as_bytes()).await.expect("the write succeeds");
        let response = read_to_end(&mut stream).await;
        assert_eq!(response.matches("HTTP/1.1 200").count(), 1, "{start:?}: {response}");
    }
}

#[actix::test]
async fn slowly_sent_request_head_times_out() {
    let server = TestServer::with_config("limits: {header_timeout: 500ms, keep_alive: 500ms}").await;
    let mut stream = connect(&server).await;
    stream.write_all(HEALTH.as_bytes()).await.expect("the write succeeds");
    read_until(&mut stream, "}").await;
    stream.write_all(b"GET /health HTTP/1.1\r\nx: ").await.expect("the write succeeds");
    let closed = timeout(DEADLINE, async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    closed.await.expect("the server closes the connection");
}

#[actix::test]
async fn incomplete_body_times_out() {
    let server = TestServer::with_config("limits: {body_timeout: 300ms}").await;
    for headers in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let mut stream = connect(&server).await;
        stream.write_all(post("/crawl/job", headers).as_bytes()).await.expect("the write succeeds");
        stream.write_all(b"2\r\n{ \r\n").await.expect("the write succeeds");
        let response = read_to_end(&mut stream).await;
        assert!(response.starts_with("HTTP/1.1 408"), "{headers}: {response}");
    }
}

#[actix::test]
async fn client_that_does_not_read_is_disconnected() {
    let (site, server) = (TestSite::start(), TestServer::with_config("limits: {write_timeout: 1s}").await);
    // More than the socket buffers hold.
    let page = format!("raw:<p>{}</p>", "x ".repeat(500_000));
    let body = json!({"urls": [page], "webhook_config": {"webhook_url": site.webhook_url()}});
    let (status, job) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{job}");
    site.next_webhook().await;
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    // The server closes a connection to which it cannot write.
    let mut stream = request_without_reading(&server, &path).await;
    let evaluate = async || {
        assert_eq!(server.get("/health").await.0, 200);
        expect(stream.write_all(b"x").await.is_err(), "the connection is open")
    };
    until(evaluate, DEADLINE).await;
}

#[actix::test]
async fn response_memory_limits_long_responses_only() {
    let server = TestServer::with_config("limits: {response_memory: 3000000}").await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(1_900_000));
    let (_, long) = server.post("/crawl/job", json!({"urls": [page]})).await;
    let (_, short) = server.post("/crawl/job", json!({"urls": ["raw:<p>short"]})).await;
    let id = |job: &Value| job["task_id"].as_str().expect("an id").to_owned();
    let page = format!("/crawl/job/{}/pages/0", id(&long));
    settled(&server, &short).await;
    let is_available = async || {
        let (status, body) = server.get(&page).await;
        expect(status == 200, (status, body["detail"].clone()))
    };
    until(is_available, DEADLINE).await;

    let reader = request_without_reading(&server, &page).await;
    for path in [page.clone(), format!("/crawl/job/{}", id(&long)), format!("/crawl/job/{}?fields=html", id(&long))] {
        let rejected =
            server.client().get(format!("{}{path}", server.base())).send().await.expect("the server responds");
        let wait = rejected.headers().get("retry-after").map(|wait| wait.as_bytes().to_vec());
        assert_eq!((rejected.status().as_u16(), wait), (503, Some(b"1".to_vec())), "{path}");
    }
    let (status, response) = server.get(&format!("/crawl/job/{}", id(&short))).await;
    assert_eq!((status, &response["status"]), (200, &json!("completed")));
    drop(reader);
    until(is_available, DEADLINE).await;
}

#[actix::test]
async fn connections_per_address_are_limited() {
    let server =
        TestServer::with_config("limits: {max_connections_per_address: 2, keep_alive: 1m, header_timeout: 1m}").await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server).await;
        stream.write_all(HEALTH.as_bytes()).await.expect("the write succeeds");
        read_until(&mut stream, "}").await;
        open.push(stream);
    }
    let mut third = connect(&server).await;
    let response = read_to_end(&mut third).await;
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 503"), "{response}");
    open.pop();
    let evaluate = async || {
        let mut stream = connect(&server).await;
        let _ = stream.write_all(HEALTH.as_bytes()).await;
        let response = read_chunk(&mut stream).await;
        expect(response.contains("200 OK"), response)
    };
    until(evaluate, DEADLINE).await;
}

/// Reads the first chunk of a response, which is empty if the connection has ended.
async fn read_chunk(stream: &mut TcpStream) -> String {
    let mut chunk = [0; 4096];
    let read =
        timeout(DEADLINE, stream.read(&mut chunk)).await.expect("a response or the end of the connection").unwrap_or(0);
    String::from_utf8_lossy(&chunk[..read]).into_owned()
}

#[actix::test]
async fn large_request_head_is_rejected() {
    let server = TestServer::with_config("limits: {max_headers: 20, max_header_bytes: 2000}").await;
    let names: Vec<_> = (0..21).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let long = "x".repeat(2000);
    for (name, path, headers) in [
        ("many headers", "/health".to_owned(), many),
        ("a long header", "/health".to_owned(), vec![("x-long", long.as_str())]),
        ("a long address", format!("/health?{long}"), vec![]),
    ] {
        let (status, _, response) = server.request("GET", &path, &headers, vec![]).await;
        assert_eq!(status, 431, "{name}: {response}");
    }
    assert_eq!(server.get("/health").await.0, 200);
    // Above the limit of the parser.
    let server = TestServer::start().await;
    let mut stream = connect(&server).await;
    let head = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(300_000));
    // The server may close the connection before it has read all.
    let _ = stream.write_all(head.as_bytes()).await;
    let response = read_to_end(&mut stream).await;
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 431"), "{response}");
}

#[actix::test]
async fn unsent_compressed_bodies_leave_memory_for_others() {
    let server = TestServer::with_config("limits: {request_memory: 50331648}").await;
    let mut idle = connect(&server).await;
    let head = post("/crawl/job", "content-encoding: br\r\ncontent-length: 100\r\n");
    idle.write_all(head.as_bytes()).await.expect("the write succeeds");
    let headers = [("content-type", "application/json"), ("content-encoding", "br")];
    // The first one holds the memory for decoders as soon as the server has read its headers.
    let rejected = async { while server.request("POST", "/crawl/job", &headers, vec![]).await.0 != 503 {} };
    timeout(DEADLINE, rejected).await.expect("another compressed body is rejected");
    assert_eq!(server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await.0, 202);
}
