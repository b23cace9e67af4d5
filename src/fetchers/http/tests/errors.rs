//! Every reason there is for a page not to come, in its words.

use super::*;

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_is_a_lasting_failure() {
    let server = TestServer::start(|_| answer(200, &[("content-encoding", "gzip")], "no gzip at all")).await;
    assert_eq!(reason(server.url("/")).await, lasting("Body cannot be decompressed"));
}

#[tokio::test]
async fn network_errors_are_said_in_words() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/reset" => Reply::Reset,
        "/close" => Reply::Close(Vec::new()),
        "/cut" => Reply::Close(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        "/huge" => Reply::Close(format!("HTTP/1.1 200 X\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
        _ => Reply::Close(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
    });
    let server = server.await;
    let at = server.address().to_string();
    assert_eq!(reason(server.url("/reset")).await, passing(format!("Connection reset by {at}")));
    let closed = format!("Connection closed by {at} before the answer was complete");
    assert_eq!(reason(server.url("/close")).await, passing(closed.clone()));
    assert_eq!(reason(server.url("/cut")).await, passing(closed));
    assert_eq!(reason(server.url("/ssh")).await, lasting(format!("Answer of {at} is not HTTP")));
    let many = format!("Answer of {at} has too many or too long headers");
    assert_eq!(reason(server.url("/huge")).await, lasting(many));
    drop(server);
    assert_eq!(reason("http://127.0.0.1:1/x").await, passing("Connection refused by 127.0.0.1:1"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_said_so() {
    assert_eq!(reason("http://example.invalid/").await, lasting("DNS: no such host example.invalid"));
    assert_eq!(reason("http://nowhere.example/").await, lasting("DNS: no such host nowhere.example"));
}

#[tokio::test]
async fn a_closed_guard_blocks_addresses_names_and_redirects() {
    let script = |seen: &crate::egress::testing::Seen| match seen.path.as_str() {
        "/in" => redirect(302, &format!("http://127.0.0.1:{}/secret", seen.header("x-port").unwrap())),
        "/name" => redirect(307, &format!("http://inside.example:{}/secret", seen.header("x-port").unwrap())),
        _ => answer(200, &[], "secret"),
    };
    let inside = TestServer::start(script).await;
    let outside = TestServer::start_on([127, 0, 0, 2].into(), None, script).await;
    let guard = Guard::closed(Allow::parse(["127.0.0.2", "listed.example"]).unwrap());
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
    assert_eq!(inside.seen().len(), 0, "nothing was even asked");
    assert_eq!(fetch(outside.url("/")).await.unwrap(), "secret");
    assert_eq!(fetch(format!("http://listed.example:{port}/")).await.unwrap(), "secret");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_a_lasting_failure() {
    assert_eq!(reason("no url").await, lasting("Not a URL: relative URL without a base"));
    assert_eq!(reason("ftp://example.com/").await, lasting("URL blocked"));
    let options = FetchOptions { headers: vec![("a b".to_owned(), Secret::new("secret"))], ..FetchOptions::default() };
    let error = fetcher().fetch(request("http://127.0.0.1:1/", options)).await.expect_err("no page");
    assert_eq!((error.reason.as_str(), error.is_transient()), ("Header \"a b\" cannot be sent", false));
}
