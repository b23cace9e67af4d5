//! Limits on slow, large and frequent requests and on large pages, against the real binary.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::events::events_until;
use support::{DEADLINE, TestServer, TestSite, expect, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

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
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
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
    let server = TestServer::with_config("limits: {header_timeout: 300ms, keep_alive: 300ms}").await;
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
async fn large_jobs_are_listed_in_pages_and_events_omit_urls() {
    let server = TestServer::start().await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(100_000));
    let mut jobs = Vec::new();
    for _ in 0..5 {
        let (status, job) = server.post("/crawl/job", json!({"urls": [page]})).await;
        assert_eq!(status, 202, "{job}");
        jobs.push(job["task_id"].clone());
    }
    let (mut listed, mut pages, mut path) = (Vec::new(), 0, "/jobs?limit=1000".to_owned());
    loop {
        let (_, list) = server.get(&path).await;
        listed.extend(list["jobs"].as_array().expect("a list").iter().map(|job| job["task_id"].clone()));
        pages += 1;
        let Some(next) = list["next_cursor"].as_str() else { break };
        path = format!("/jobs?limit=1000&cursor={next}");
    }
    jobs.reverse();
    assert_eq!((pages, listed), (3, jobs.clone()), "a page holds a megabyte, which is two of these jobs");

    let path = format!("/jobs/{}/events", jobs[0].as_str().expect("an id"));
    let events = events_until(&server, &path, None, "completed").await;
    let states: Vec<_> = events.iter().filter(|event| event.name != "page").map(|event| &event.data).collect();
    assert_eq!((states.len(), events.last().map(|last| last.id.as_str())), (3, Some("settled")));
    assert!(
        states
            .iter()
            .all(|job| job["task_id"] == jobs[0] && job["urls"] == Value::Null && job["status"] != Value::Null)
    );
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
async fn json_nesting_depth_is_limited() {
    let server = TestServer::with_config("limits: {max_json_depth: 10}").await;
    for (depth, expected) in [(10, 422), (11, 400), (100_000, 400)] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        let json = [("content-type", "application/json")];
        let (status, _, response) = server.request("POST", "/crawl/job", &json, body).await;
        assert_eq!(status, expected, "{depth}: {response}");
    }
}

#[actix::test]
async fn rate_limited_request_gets_retry_after() {
    for (config, path) in
        [("limits: {rate: {per_address: 2/hour}}", "/health"), ("limits: {rate: {per_principal: 2/hour}}", "/jobs")]
    {
        let server = TestServer::with_config(config).await;
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let (status, headers, _) = server.request("GET", path, &[], vec![]).await;
            statuses.push(status);
            if status == 429 {
                let wait = headers.get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
                assert!(wait.is_some_and(|wait| (60..=1800).contains(&wait)), "{wait:?}");
            }
        }
        assert_eq!(statuses, [200, 200, 429], "{config}");
    }
}

#[actix::test]
async fn default_limit_of_crawl4ai_applies_to_synchronous_routes() {
    let server =
        TestServer::with_config("rate_limiting: {enabled: true, default_limit: 1/hour, trusted_proxies: []}").await;
    let page = json!({"url": "raw:<p>x", "f": "raw"});
    assert_eq!(server.post("/md", page.clone()).await.0, 200);
    assert_eq!(server.post("/md", page.clone()).await.0, 429);
    assert_eq!(server.post("/crawl", json!({"urls": ["raw:<p>x"]})).await.0, 429);
    assert_eq!(server.get("/llm/example.com?q=x").await.0, 429);
    for _ in 0..3 {
        assert_eq!(server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await.0, 202);
    }
    let off = TestServer::with_config("rate_limiting: {enabled: false, default_limit: 1/hour}").await;
    for _ in 0..2 {
        assert_eq!(off.post("/md", page.clone()).await.0, 200);
    }
}

#[actix::test]
async fn full_principal_queue_is_429_and_full_queue_is_503() {
    let site = TestSite::start();
    for (config, expected) in [
        ("limits: {queue: {per_principal: 2}}\njobs: {crawl_workers: 1}", 429),
        ("limits: {queue: {maxsize: 1}}\njobs: {crawl_workers: 1}", 503),
    ] {
        let server = TestServer::with_config(config).await;
        let gated = json!({"urls": [site.url("/gated")]});
        assert_eq!(server.post("/crawl/job", gated.clone()).await.0, 202);
        site.wait_for_gated_request().await;
        assert_eq!(server.post("/crawl/job", gated.clone()).await.0, 202);
        let body = gated.to_string().into_bytes();
        let (status, headers, response) =
            server.request("POST", "/crawl/job", &[("content-type", "application/json")], body).await;
        assert_eq!(status, expected, "{config}: {response}");
        assert!(headers.contains_key("retry-after"), "{config}");
    }
}

#[actix::test]
async fn token_can_have_its_own_limits() {
    let hash: String = opilio::http::hash("t").iter().map(|byte| format!("{byte:02x}")).collect();
    let token = format!("{{sha256: {hash}, scope: submit, rate: 3/hour, max_jobs: 1}}");
    let config = format!("security: {{api_token: own, tokens: {{ci: {token}}}}}\negress: {{allow: [127.0.0.1]}}");
    let (site, server) = (TestSite::start(), TestServer::with_config(&config).await);
    let gated = json!({"urls": [site.url("/gated")]}).to_string().into_bytes();
    let mut responses = Vec::new();
    for token in ["t", "t", "t", "t", "own", "own"] {
        let headers = [("x-api-key", token), ("content-type", "application/json")];
        let (status, _, response) = server.request("POST", "/crawl/job", &headers, gated.clone()).await;
        responses.push((status, response["detail"].as_str().map(|detail| detail.starts_with("Too many of your jobs"))));
    }
    let full = (429, Some(true));
    assert_eq!(responses, [(202, None), full, full, (429, Some(false)), (202, None), (202, None)]);
}

/// Starts a site with this response by path.
async fn site(response: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_until(&mut stream, "\r\n\r\n").await;
            let path = head.split(' ').nth(1).expect("a path");
            // The client may close the connection early.
            let _ = stream.write_all(&response(path)).await;
        }
    });
    base
}

#[actix::test]
async fn redirects_of_a_page_are_limited() {
    let site = site(|path| {
        let next = path.trim_start_matches('/').parse::<u32>().map_or(0, |left| left.saturating_sub(1));
        let head = if path == "/0" { "200 OK".to_owned() } else { format!("302 Found\r\nlocation: /{next}") };
        format!("HTTP/1.1 {head}\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 5\r\n\r\n<p>ok")
            .into()
    });
    let (site, server) = (site.await, TestServer::with_config("limits: {max_redirects: 3}").await);
    let (_, job) = server.post("/crawl/job", json!({"urls": [format!("{site}/3"), format!("{site}/4")]})).await;
    let status = settled(&server, &job).await;
    let outcome = |page: usize| (&status["results"][page]["success"], &status["results"][page]["error_message"]);
    assert_eq!(outcome(0), (&json!(true), &json!("")), "{status}");
    assert_eq!(outcome(1), (&json!(false), &json!("Too many redirects (3)")));
}

#[actix::test]
async fn decompression_ratio_is_limited_in_every_encoding() {
    let site = site(|path| {
        let zeros = vec![b' '; 4 << 20];
        let (encoding, bomb) = match path {
            "/gzip" => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                std::io::Write::write_all(&mut gzip, &zeros).expect("memory");
                ("gzip", gzip.finish().expect("memory"))
            }
            "/zstd" => ("zstd", zstd::encode_all(&zeros[..], 1).expect("memory")),
            _ => {
                let (mut bomb, quick) =
                    (Vec::new(), brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() });
                brotli::BrotliCompress(&mut &zeros[..], &mut bomb, &quick).expect("memory");
                ("br", bomb)
            }
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: {encoding}\r\nconnection: close");
        [format!("{head}\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes(), bomb].concat()
    });
    let site = site.await;
    let pages = ["/gzip", "/zstd", "/br"].map(|path| format!("{site}{path}"));
    for (ratio, reason) in [("", "Compression ratio of the body exceeds 250"), (": 0", "")] {
        let limit =
            if ratio.is_empty() { String::new() } else { format!("limits: {{max_decompression_ratio{ratio}}}") };
        let server = TestServer::with_config(&limit).await;
        let (_, job) = server.post("/crawl/job", json!({"urls": pages})).await;
        let status = settled(&server, &job).await;
        for page in status["results"].as_array().expect("a list") {
            assert_eq!(
                (&page["error_message"], &page["success"]),
                (&json!(reason), &json!(reason.is_empty())),
                "{}",
                page["url"]
            );
        }
    }
}

#[actix::test]
async fn forwarded_headers_count_from_trusted_proxies_only() {
    let limits = "limits: {rate: {per_address: 2/hour}}\n";
    let listed = "rate_limiting: {trusted_proxies: [127.0.0.0/8]}";
    // An open server rejects requests with forwarded headers unless this is set.
    let open = "security: {allow_unauthenticated: true}\n";
    let unlisted = "rate_limiting: {trusted_proxies: [192.0.2.99]}";
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    for (config, last, base) in [
        (format!("{limits}{open}{listed}"), 202, "https://crawl.example".to_owned()),
        (format!("{limits}{open}{unlisted}"), 429, String::new()),
    ] {
        let server = TestServer::with_config(&config).await;
        let base = if base.is_empty() { server.base().to_owned() } else { base };
        let mut statuses = Vec::new();
        for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            let forwarded = [
                ("content-type", "application/json"),
                ("x-forwarded-for", client),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "crawl.example"),
            ];
            let (status, _, response) = server.request("POST", "/crawl/job", &forwarded, body.clone()).await;
            let link = response["_links"]["self"]["href"].as_str().unwrap_or_default().to_owned();
            assert!(status == 429 || link.starts_with(&format!("{base}/crawl/job/")), "{link}");
            statuses.push(status);
        }
        assert_eq!(statuses, [202, 202, last]);
    }
}

#[actix::test]
async fn pages_above_max_job_bytes_fail() {
    let server = TestServer::with_config("limits: {max_job_bytes: 20000}\ncrawler: {pages_per_job: 1}").await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(400));
    let (_, job) = server.post("/crawl/job", json!({"urls": [page, page, page, page]})).await;
    let status = settled(&server, &job).await;
    let results = status["results"].as_array().expect("a list");
    let failed: Vec<_> = results.iter().filter(|page| page["success"] == json!(false)).collect();
    assert!(results[0]["success"] == json!(true) && !failed.is_empty(), "{status}");
    let reason = json!("The job's results are larger than 20000 bytes");
    assert!(failed.iter().all(|page| page["error_message"] == reason), "{failed:?}");
}

async fn settled(server: &TestServer, job: &Value) -> Value {
    server.wait_until_settled(job["task_id"].as_str().expect("an id")).await
}

#[actix::test]
async fn page_above_max_result_bytes_fails() {
    let server = TestServer::with_config("limits: {max_result_bytes: 5000}").await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(2000));
    let (_, job) = server.post("/crawl/job", json!({"urls": [page, "raw:<p>small"]})).await;
    let status = settled(&server, &job).await;
    let results = &status["results"];
    assert_eq!((&results[0]["success"], &results[0]["html"]), (&json!(false), &json!("")));
    assert_eq!(results[0]["error_message"], "Result larger than 5000 bytes");
    assert_eq!((&status["status"], &results[1]["success"]), (&json!("completed"), &Value::Bool(true)));
}
