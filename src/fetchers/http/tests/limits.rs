//! Bounds on bytes and on time.

use super::*;

#[tokio::test]
async fn a_bomb_of_any_kind_is_not_unpacked_beyond_the_bound() {
    let zeros = vec![0; 30 << 20];
    let mut brotli = Vec::new();
    let quick = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
    brotli::BrotliCompress(&mut &zeros[..4 << 20], &mut brotli, &quick).unwrap();
    let zstd = zstd::encode_all(&zeros[..], 1).unwrap();
    for (encoding, bomb) in [("gzip", gzip(&zeros)), ("br", brotli), ("zstd", zstd)] {
        assert!(bomb.len() < 64 << 10, "{encoding}: it is small before it is unpacked");
        let server = TestServer::start(move |_| answer(200, &[("content-encoding", encoding)], &bomb)).await;
        assert_eq!(reason(server.url("/")).await, lasting("Page larger than 64 KiB"), "{encoding}");
    }
}

#[tokio::test]
async fn reading_stops_at_the_byte_bound() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/announced" => Reply::Stall(b"HTTP/1.1 200 X\r\ncontent-length: 99999999\r\n\r\n".to_vec()),
        _ => Reply::Endless(b"HTTP/1.1 200 X\r\nx: y\r\n\r\n".to_vec(), vec![b'x'; 1024]),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/announced")).await, lasting("Page larger than 64 KiB"));
    let error = fetch(server.url("/endless")).await.expect_err("no page");
    assert_eq!(error.reason, "Page larger than 64 KiB");
    assert_eq!(error.exchange.status, Some(200), "what is known of it is told");
    assert_eq!(error.exchange.headers.unwrap()["x"], "y");
    assert!(server.sent() < 20 << 20, "{} bytes", server.sent());
}

#[tokio::test]
async fn a_page_of_exactly_the_bound_is_taken() {
    let server = TestServer::start(|seen| {
        let size: usize = seen.path[1..].parse().unwrap();
        answer(200, &[], vec![b'x'; size])
    });
    let server = server.await;
    assert_eq!(fetch(server.url("/65536")).await.unwrap().body.len(), 65_536);
    assert_eq!(reason(server.url("/65537")).await, lasting("Page larger than 64 KiB"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = TestServer::start(|_| Reply::Stall(Vec::new())).await;
    assert_eq!(reason(server.url("/")).await, passing("Connection timeout after 400ms"));
    let options = FetchOptions { page_timeout: Some(Duration::from_millis(150)), ..FetchOptions::default() };
    let error = fetcher().fetch(request(server.url("/"), options)).await.expect_err("no page");
    assert_eq!(error.reason, "Connection timeout after 150ms");
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_and_one_that_drips_ends_with_the_page_timeout() {
    let head = b"HTTP/1.1 200 X\r\ncontent-length: 50\r\n\r\n".to_vec();
    let server = TestServer::start(move |seen| match seen.path.as_str() {
        "/stall" => Reply::Stall(head.clone()),
        _ => Reply::Drip(head.clone(), vec![b'x'; 50], Duration::from_millis(50)),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/stall")).await, passing("Connection stalled: no data for 400ms"));
    let options = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..FetchOptions::default() };
    let error = fetcher().fetch(request(server.url("/drip"), options)).await.expect_err("no page");
    assert_eq!(error.reason, "Connection timeout after 1s");
}

#[tokio::test]
async fn waiting_for_a_turn_does_not_count_as_the_pages_time() {
    let server = TestServer::start(|_| answer(200, &[], "ok")).await;
    let fetcher = fetcher_with(
        HttpFetcherSettings { host_gap: Duration::from_millis(300), ..settings() },
        Guard::open(Allow::default()),
        &[],
    );
    let options = FetchOptions { page_timeout: Some(Duration::from_millis(200)), ..FetchOptions::default() };
    for _ in 0..3 {
        assert_eq!(fetcher.fetch(request(server.url("/"), options.clone())).await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made_is_given_up() {
    // Nobody accepts, and so nobody shakes hands.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let patient = HttpFetcherSettings { read_timeout: Duration::from_secs(60), ..settings() };
    let fetcher = fetcher_with(patient, Guard::open(Allow::default()), &[]);
    let error = fetcher.fetch(request(url, FetchOptions::default())).await.expect_err("no page");
    assert_eq!((error.reason.as_str(), error.is_transient()), ("Connection timeout after 2s", true));
}
