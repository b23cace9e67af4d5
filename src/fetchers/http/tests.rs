//! Every way a page can come or fail to come, over real sockets.

use std::io::Write;
use std::net::IpAddr;

use jiff::Timestamp;
use opilio_actors::domain::crawl_options::{Cookie, CrawlOptions, FetchOptions};
use opilio_actors::domain::secret::Secret;
use rustls::RootCertStore;

use super::*;
use crate::egress::testing::{Reply, TestServer, answer, egress, redirect};
use crate::egress::{Allow, Guard};

mod tls;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        "2025-10-21T10:30:00Z".parse().expect("a timestamp")
    }
}

fn settings() -> HttpFetcherSettings {
    HttpFetcherSettings { read_timeout: Duration::from_millis(400), max_bytes: 64 * 1024, ..Default::default() }
}

fn fetcher_with(settings: HttpFetcherSettings, guard: Guard, names: &[(&'static str, &str)]) -> HttpFetcher {
    HttpFetcher::new(egress(guard, names, RootCertStore::empty()), settings, Arc::new(FixedClock))
}

fn fetcher() -> HttpFetcher {
    fetcher_with(settings(), Guard::open(Allow::default()), &[])
}

fn request(url: impl Into<String>, fetch: FetchOptions) -> PageRequest {
    PageRequest { url: url.into(), options: Arc::new(CrawlOptions { fetch, ..CrawlOptions::default() }) }
}

fn cookie_for(domain: &str) -> Cookie {
    Cookie {
        name: "c".to_owned(),
        value: Secret::new("1"),
        domain: domain.to_owned(),
        host_only: false,
        path: "/".to_owned(),
        secure: false,
    }
}

async fn fetch(url: impl Into<String>) -> Result<FetchedPage, FetchError> {
    fetcher().fetch(request(url, FetchOptions::default())).await
}

async fn reason(url: impl Into<String>) -> (String, bool) {
    let error = fetch(url).await.expect_err("no page");
    (error.reason, error.transient)
}

fn passing(reason: impl Into<String>) -> (String, bool) {
    (reason.into(), true)
}

fn lasting(reason: impl Into<String>) -> (String, bool) {
    (reason.into(), false)
}

#[tokio::test]
async fn a_page_comes_with_its_status_headers_type_and_body() {
    let server = TestServer::start(|_| {
        answer(404, &[("content-type", "text/plain"), ("x-a", "1"), ("X-A", "2"), ("retry-after", "7")], "gone")
    });
    let server = server.await;
    let page = fetch(server.url("/x#part")).await.unwrap();
    assert_eq!(page.exchange.status, Some(404));
    assert_eq!(page.exchange.final_url, Some(server.url("/x#part")));
    assert_eq!(page.exchange.headers.unwrap()["x-a"], "1, 2");
    assert_eq!(page.content_type.as_deref(), Some("text/plain"));
    assert_eq!(page.body, "gone");
    assert_eq!(page.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn every_content_encoding_is_undone() {
    let server = TestServer::start(|seen| {
        let accepted = seen.header("accept-encoding").unwrap_or_default();
        for encoding in ["gzip", "br", "zstd", "deflate"] {
            assert!(accepted.contains(encoding), "{accepted}");
        }
        let (encoding, body) = match seen.path.as_str() {
            "/gzip" => ("gzip", gzip(b"hello")),
            "/empty" => ("gzip", Vec::new()),
            "/zstd" => ("zstd", zstd::encode_all(b"hello".as_slice(), 3).unwrap()),
            "/br" => ("br", brotli(b"hello")),
            _ => ("deflate", deflate(b"hello")),
        };
        answer(200, &[("content-encoding", encoding)], body)
    });
    let server = server.await;
    for path in ["/gzip", "/zstd", "/br", "/deflate"] {
        assert_eq!(fetch(server.url(path)).await.unwrap().body, "hello", "{path}");
    }
    assert_eq!(fetch(server.url("/empty")).await.unwrap().body, "");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// An uncompressed meta-block (RFC 7932, 9.2), so that no encoder is needed: window 16 bits, length, text, last block.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap() - 1;
    let header: u32 = (length << 4) | (1 << 20);
    let mut coded = header.to_le_bytes()[..3].to_vec();
    coded.extend(bytes);
    coded.push(3);
    coded
}

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_is_a_lasting_failure() {
    let server = TestServer::start(|_| answer(200, &[("content-encoding", "gzip")], "no gzip at all")).await;
    assert_eq!(reason(server.url("/")).await, lasting("Body cannot be decompressed"));
}

#[tokio::test]
async fn a_gzip_bomb_is_not_unpacked_beyond_the_bound() {
    let bomb = gzip(&vec![0; 30 << 20]);
    let server = TestServer::start(move |_| answer(200, &[("content-encoding", "gzip")], &bomb)).await;
    assert_eq!(reason(server.url("/")).await, lasting("Page larger than 64 KiB"));
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
async fn redirects_of_every_kind_are_followed_to_the_end() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/" => redirect(301, "/2"),
        "/2" => redirect(302, "a/../3?q#new"),
        "/3?q" => redirect(303, &format!("//{}/4", seen.header("host").unwrap())),
        "/4" => redirect(307, "?5"),
        "/4?5" => redirect(308, "/end"),
        "/end" => answer(200, &[], format!("{} {}", seen.method, seen.body.len())),
        other => answer(500, &[], other),
    });
    let server = server.await;
    let page = fetch(server.url("/#old")).await.unwrap();
    assert_eq!(page.exchange.status, Some(200));
    assert_eq!(page.exchange.final_url, Some(server.url("/end#new")));
    assert_eq!(page.body, "GET 0");
}

#[tokio::test]
async fn ten_redirects_are_followed_and_not_eleven() {
    let server = TestServer::start(|seen| match seen.path[1..].parse::<u32>() {
        Ok(0) => answer(200, &[], "end"),
        Ok(n) => redirect(302, &format!("/{}", n - 1)),
        Err(_) => redirect(302, "/loop"),
    });
    let server = server.await;
    assert_eq!(fetch(server.url("/10")).await.unwrap().body, "end");
    assert_eq!(reason(server.url("/11")).await, lasting("Too many redirects (10)"));
    let error = fetch(server.url("/loop")).await.expect_err("no end");
    assert_eq!((error.exchange.status, error.exchange.final_url), (Some(302), Some(server.url("/loop"))));
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_lasting_failure() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/none" => answer(301, &[], ""),
        "/bad" => redirect(301, "http://["),
        "/file" => redirect(301, "file:///etc/passwd"),
        _ => answer(304, &[("location", "/none")], ""),
    });
    let server = server.await;
    assert_eq!(reason(server.url("/none")).await, lasting("Redirect without a location"));
    assert_eq!(reason(server.url("/bad")).await, lasting("Redirect to an address that is none"));
    assert_eq!(reason(server.url("/file")).await, lasting("URL blocked"));
    assert_eq!(fetch(server.url("/304")).await.unwrap().exchange.status, Some(304));
}

#[tokio::test]
async fn cookies_set_by_a_hop_are_sent_to_the_next_and_forgotten_after() {
    let server = TestServer::start(|seen| match seen.path.as_str() {
        "/login" => answer(302, &[("location", "/in"), ("set-cookie", "sid=42; HttpOnly")], ""),
        _ => answer(200, &[], seen.header("cookie").unwrap_or("none")),
    });
    let (server, fetcher) = (server.await, fetcher());
    let body = async |path| fetcher.fetch(request(server.url(path), FetchOptions::default())).await.unwrap().body;
    assert_eq!(body("/login").await, "sid=42");
    assert_eq!(body("/in").await, "none");
}

#[tokio::test]
async fn what_the_job_says_replaces_what_the_operator_says() {
    let server = TestServer::start(|_| answer(200, &[], "")).await;
    let operators = vec![("X-From".to_owned(), "operator".to_owned()), ("X-Kept".to_owned(), "yes".to_owned())];
    let fetcher =
        fetcher_with(HttpFetcherSettings { headers: operators, ..settings() }, Guard::open(Allow::default()), &[]);
    let options = FetchOptions {
        headers: vec![("x-from".to_owned(), Secret::new("job"))],
        cookies: vec![cookie_for("127.0.0.1")],
        user_agent: Some("Job/1".to_owned()),
        ..FetchOptions::default()
    };
    fetcher.fetch(request(server.url("/"), options)).await.unwrap();
    let seen = &server.seen()[0];
    let headers =
        ["x-from", "x-kept", "cookie", "user-agent"].map(|name| seen.header(name).unwrap_or("none").to_owned());
    assert_eq!(headers, ["job", "yes", "c=1", "Job/1"]);
    fetcher.fetch(request(server.url("/"), FetchOptions::default())).await.unwrap();
    assert!(server.seen()[1].header("user-agent").unwrap().contains("Opilio/"));
}

#[tokio::test]
async fn credentials_stay_behind_when_a_redirect_leads_to_another_origin() {
    let other = TestServer::start_on([127, 0, 0, 2].into(), None, |_| answer(200, &[], "")).await;
    let target = other.url("/landing");
    let server = TestServer::start(move |_| redirect(302, &target)).await;
    let options = FetchOptions {
        headers: vec![("Authorization".to_owned(), Secret::new("Bearer me"))],
        cookies: vec![cookie_for("127.0.0.1")],
        user_agent: Some("Job/1".to_owned()),
        ..FetchOptions::default()
    };
    fetcher().fetch(request(server.url("/"), options)).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer me"));
    let there = &other.seen()[0];
    assert_eq!((there.header("authorization"), there.header("cookie")), (None, None));
    assert_eq!(there.header("user-agent"), Some("Job/1"));
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
async fn two_pages_that_redirect_to_each_others_host_do_not_wait_for_each_other() {
    let ips: [IpAddr; 2] = [[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
    let ports = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut servers = Vec::new();
    for (own, ip) in ips.into_iter().enumerate() {
        let ports = ports.clone();
        let script = move |seen: &crate::egress::testing::Seen| match seen.path.as_str() {
            "/go" => redirect(302, &format!("http://{}/end", ports.lock().unwrap()[1 - own])),
            _ => answer(200, &[], "end"),
        };
        servers.push(TestServer::start_on(ip, None, script).await);
    }
    ports.lock().unwrap().extend(servers.iter().map(TestServer::address));
    let one_each = HttpFetcherSettings { max_pages: 2, max_pages_per_host: 1, ..settings() };
    let fetcher = fetcher_with(one_each, Guard::open(Allow::default()), &[]);
    let go = |server: &TestServer| fetcher.fetch(request(server.url("/go"), FetchOptions::default()));
    let (a, b) = tokio::join!(go(&servers[0]), go(&servers[1]));
    assert_eq!((a.unwrap().body, b.unwrap().body), (Bytes::from("end"), Bytes::from("end")));
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
        assert_eq!((error.reason.as_str(), error.transient), ("URL blocked", false), "{url}");
    }
    assert_eq!(inside.seen().len(), 0, "nothing was even asked");
    assert_eq!(fetch(outside.url("/")).await.unwrap(), "secret");
    assert_eq!(fetch(format!("http://listed.example:{port}/")).await.unwrap(), "secret");
}

#[tokio::test]
async fn pages_brought_along_need_no_network() {
    for (url, html) in [("raw:<p>a#b?c%20</p>", "<p>a#b?c%20</p>"), ("raw://<p>é</p>", "<p>é</p>"), ("raw:", "")] {
        let page = fetch(url).await.unwrap();
        assert_eq!(page.body, html);
        assert_eq!(page.content_type.as_deref(), Some("text/html; charset=utf-8"));
        assert_eq!((page.exchange.status, page.exchange.final_url), (Some(200), None));
    }
    assert_eq!(reason(format!("raw:{}", "x".repeat(70_000))).await, lasting("Page larger than 64 KiB"));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_a_lasting_failure() {
    assert_eq!(reason("no url").await, lasting("Not a URL: relative URL without a base"));
    assert_eq!(reason("ftp://example.com/").await, lasting("URL blocked"));
    let options = FetchOptions { headers: vec![("a b".to_owned(), Secret::new("secret"))], ..FetchOptions::default() };
    let error = fetcher().fetch(request("http://127.0.0.1:1/", options)).await.expect_err("no page");
    assert_eq!((error.reason.as_str(), error.transient), ("Header \"a b\" cannot be sent", false));
}
