//! Limits on bytes and time.

use super::*;

#[tokio::test]
async fn decompression_bomb_stops_at_size_limit() {
    let zeros = vec![0; 30 << 20];
    let mut brotli = Vec::new();
    let quick = brotli::enc::BrotliEncoderParams { quality: 1, ..Default::default() };
    brotli::BrotliCompress(&mut &zeros[..4 << 20], &mut brotli, &quick).unwrap();
    let zstd = zstd::encode_all(&zeros[..], 1).unwrap();
    for (encoding, bomb) in [("gzip", gzip(&zeros)), ("br", brotli), ("zstd", zstd)] {
        assert!(bomb.len() < 64 << 10, "{encoding}: small when compressed");
        let server = TestServer::start(move |_| response(200, &[("content-encoding", encoding)], &bomb)).await;
        assert_eq!(reason(server.url("/")).await, permanent("Page larger than 64 KiB"), "{encoding}");
    }
}

#[tokio::test]
async fn reading_stops_at_size_limit() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/announced" => Reply::Stall(b"HTTP/1.1 200 X\r\ncontent-length: 99999999\r\n\r\n".to_vec()),
        _ => Reply::Endless(b"HTTP/1.1 200 X\r\nx: y\r\n\r\n".to_vec(), vec![b'x'; 1024]),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/announced")).await, permanent("Page larger than 64 KiB"));
    let error = fetch(server.url("/endless")).await.expect_err("the fetch fails");
    assert_eq!(error.reason, "Page larger than 64 KiB");
    assert_eq!(error.exchange.status, Some(200), "the error contains the response");
    assert_eq!(error.exchange.headers.unwrap()["x"], "y");
    assert!(server.sent() < 20 << 20, "{} bytes", server.sent());
}

#[tokio::test]
async fn page_of_exactly_the_size_limit_is_accepted() {
    let server = TestServer::start(|request| {
        let size: usize = request.path[1..].parse().unwrap();
        response(200, &[], vec![b'x'; size])
    });
    let server = server.await;
    assert_eq!(fetch(server.url("/65536")).await.unwrap().body.len(), 65_536);
    assert_eq!(reason(server.url("/65537")).await, permanent("Page larger than 64 KiB"));
}

#[tokio::test]
async fn silent_server_times_out() {
    let server = TestServer::start(|_| Reply::Stall(Vec::new())).await;
    assert_eq!(reason(server.url("/")).await, transient("Connection timeout after 3s"));
    let options = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..FetchOptions::default() };
    let error = fetcher().fetch(request(server.url("/"), options)).await.expect_err("the fetch fails");
    assert_eq!(error.reason, "Connection timeout after 1s");
}

#[tokio::test]
async fn stalled_body_and_slow_body_time_out() {
    let head = b"HTTP/1.1 200 X\r\ncontent-length: 50\r\n\r\n".to_vec();
    let server = TestServer::start(move |request| match request.path.as_str() {
        "/stall" => Reply::Stall(head.clone()),
        _ => Reply::Drip(head.clone(), vec![b'x'; 50], Duration::from_millis(50)),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/stall")).await, transient("Connection stalled: no data for 3s"));
    let options = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..FetchOptions::default() };
    let error = fetcher().fetch(request(server.url("/drip"), options)).await.expect_err("the fetch fails");
    assert_eq!(error.reason, "Connection timeout after 1s");
}

#[tokio::test]
async fn page_timeout_excludes_waiting_for_permit() {
    let server = TestServer::start(|_| response(200, &[], "ok")).await;
    let fetcher = fetcher_with(
        HttpFetcherSettings { host_gap: Duration::from_millis(1500), ..settings() },
        Guard::open(Allowlist::default()),
        &[],
    );
    let options = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..FetchOptions::default() };
    for _ in 0..3 {
        assert_eq!(fetcher.fetch(request(server.url("/"), options.clone())).await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn incomplete_handshake_times_out() {
    // The connection is never accepted, so the TLS handshake does not complete.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let patient = HttpFetcherSettings { read_timeout: Duration::from_secs(60), ..settings() };
    let fetcher = fetcher_with(patient, Guard::open(Allowlist::default()), &[]);
    let error = fetcher.fetch(request(url, FetchOptions::default())).await.expect_err("the fetch fails");
    assert_eq!((error.reason.as_str(), error.is_transient()), ("Connection timeout after 2s", true));
}

#[tokio::test]
async fn page_fails_after_its_permit_was_revoked_too_often() {
    let server = TestServer::start(move |request| match request.path.as_str() {
        "/drip" => Reply::Drip(b"HTTP/1.1 200 X\r\n\r\n".to_vec(), vec![b'x'; 5000], Duration::from_millis(100)),
        _ => response(200, &[], "ok"),
    });
    let server = server.await;
    let settings = HttpFetcherSettings { max_pages: 2, min_rate: 0, ..settings() };
    let fetcher = Arc::new(fetcher_with(settings, Guard::open(Allowlist::default()), &[]));
    let slow: Vec<_> = (0..2)
        .map(|_| {
            let (fetcher, request) = (Arc::clone(&fetcher), request(server.url("/drip"), FetchOptions::default()));
            tokio::spawn(async move { fetcher.fetch(request).await })
        })
        .collect();
    let mut other = request(server.url("/"), FetchOptions::default());
    other.queue = QueueKey::batch(Principal::new("other"));
    while !slow.iter().any(tokio::task::JoinHandle::is_finished) {
        assert_eq!(fetcher.fetch(other.clone()).await.expect("it is fetched").body, "ok");
        // The slow page gets the permit again.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for page in slow.into_iter().filter(tokio::task::JoinHandle::is_finished) {
        let error = page.await.expect("no panic").expect_err("its permit was revoked");
        assert_eq!((error.reason.as_str(), error.is_transient()), ("page took too long while others waited", false));
    }
}
