//! The error of every kind of failed fetch.

use super::*;

#[tokio::test]
async fn network_errors_have_readable_reasons() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/reset" => Reply::Reset,
        "/close" => Reply::Close(Vec::new()),
        "/cut" => Reply::Close(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        "/huge" => Reply::Close(format!("HTTP/1.1 200 X\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
        _ => Reply::Close(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
    });
    let server = server.await;
    let at = server.address().to_string();
    assert_eq!(reason(server.url("/reset")).await, transient(format!("Connection reset by {at}")));
    let closed = format!("Connection closed by {at} before the response was complete");
    assert_eq!(reason(server.url("/close")).await, transient(closed.clone()));
    assert_eq!(reason(server.url("/cut")).await, transient(closed));
    assert_eq!(reason(server.url("/ssh")).await, permanent(format!("Response from {at} is not HTTP")));
    let too_large = format!("Response headers from {at} are too large");
    assert_eq!(reason(server.url("/huge")).await, permanent(too_large));
    drop(server);
    assert_eq!(reason("http://127.0.0.1:1/x").await, transient("Connection refused by 127.0.0.1:1"));
}

#[tokio::test]
async fn unknown_host_is_permanent() {
    assert_eq!(reason("http://example.invalid/").await, permanent("DNS: no such host example.invalid"));
    assert_eq!(reason("http://nowhere.example/").await, permanent("DNS: no such host nowhere.example"));
}

#[tokio::test]
async fn closed_guard_blocks_addresses_names_and_redirects() {
    let script = |request: &crate::egress::testing::Received| match request.path.as_str() {
        "/in" => redirect(302, &format!("http://127.0.0.1:{}/secret", request.header("x-port").unwrap())),
        "/name" => redirect(307, &format!("http://inside.example:{}/secret", request.header("x-port").unwrap())),
        _ => response(200, &[], "secret"),
    };
    let inside = TestServer::start(script).await;
    let outside = TestServer::start_on([127, 0, 0, 2].into(), None, script).await;
    let guard = Guard::closed(Allowlist::parse(["127.0.0.2", "listed.example"]).unwrap());
    let names = [("inside.example", "127.0.0.1"), ("mixed.example", "1.1.1.1"), ("mixed.example", "127.0.0.1")];
    let fetcher = fetcher_with(settings(), guard, &[&names[..], &[("listed.example", "127.0.0.1")]].concat());
    let port = inside.address().port();
    let options =
        FetchOptions { headers: vec![("x-port".to_owned(), Secret::new(port.to_string()))], ..FetchOptions::default() };
    let fetch = async |url: String| fetcher.fetch(request(url, options.clone())).await.map(|page| page.body);
    for url in [
        inside.url("/"),
        format!("http://inside.example:{port}/"),
        format!("http://mixed.example:{port}/"),
        outside.url("/in"),
        outside.url("/name"),
    ] {
        let error = fetch(url.clone()).await.expect_err(&url);
        assert_eq!((error.reason.as_str(), error.is_transient()), ("URL blocked", false), "{url}");
    }
    assert_eq!(inside.received().len(), 0, "nothing was requested");
    assert_eq!(fetch(outside.url("/")).await.unwrap(), "secret");
    assert_eq!(fetch(format!("http://listed.example:{port}/")).await.unwrap(), "secret");
}

#[tokio::test]
async fn invalid_request_is_permanent() {
    assert_eq!(reason("no url").await, permanent("Input should be a valid URL, relative URL without a base"));
    assert_eq!(reason("ftp://example.com/").await, permanent("URL scheme should be http or https, not ftp"));
    let options = FetchOptions { headers: vec![("a b".to_owned(), Secret::new("secret"))], ..FetchOptions::default() };
    let error = fetcher().fetch(request("http://127.0.0.1:1/", options)).await.expect_err("the fetch fails");
    assert_eq!((error.reason.as_str(), error.is_transient()), ("Invalid header \"a b\"", false));
}
