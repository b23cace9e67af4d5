//! Fetches over real sockets.

use std::io::Write;

use jiff::Timestamp;
use opilio_actors::domain::crawl_options::{Cookie, CrawlOptions, FetchOptions};
use opilio_actors::domain::engine::FetchEngine;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::domain::secret::Secret;
use rustls::RootCertStore;

use super::*;
use crate::egress::testing::{Reply, TestServer, egress, redirect, response};
use crate::egress::{Allowlist, Guard};

mod encodings;
mod errors;
mod limits;
mod meta_refresh;
mod redirects;
mod robots;
mod tls;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        "2025-10-21T10:30:00Z".parse().expect("a timestamp")
    }
}

fn settings() -> HttpFetcherSettings {
    HttpFetcherSettings { read_timeout: Duration::from_secs(3), max_bytes: 64 * 1024, ..Default::default() }
}

fn fetcher_with(settings: HttpFetcherSettings, guard: Guard, names: &[(&'static str, &str)]) -> HttpFetcher {
    HttpFetcher::new(egress(guard, names, RootCertStore::empty()), settings, Arc::new(FixedClock))
}

fn fetcher() -> HttpFetcher {
    fetcher_with(settings(), Guard::open(Allowlist::default()), &[])
}

fn request(url: impl Into<String>, fetch: FetchOptions) -> PageRequest {
    PageRequest {
        linked_from: None,
        url: url.into(),
        options: Arc::new(CrawlOptions { fetch, ..CrawlOptions::default() }),
        engine: FetchEngine::Http,
        queue: QueueKey::batch(Principal::anonymous()),
    }
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
    let error = fetch(url).await.expect_err("the fetch fails");
    (error.to_string(), error.is_transient())
}

fn transient(reason: impl Into<String>) -> (String, bool) {
    (reason.into(), true)
}

fn permanent(reason: impl Into<String>) -> (String, bool) {
    (reason.into(), false)
}

#[tokio::test]
async fn fetch_returns_status_headers_content_type_and_body() {
    let server = TestServer::start(|_| {
        response(404, &[("content-type", "text/plain"), ("x-a", "1"), ("X-A", "2"), ("retry-after", "7")], "gone")
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

/// An uncompressed meta-block (RFC 7932, 9.2): 16-bit window, length, text, last block.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap() - 1;
    let header: u32 = (length << 4) | (1 << 20);
    let mut coded = header.to_le_bytes()[..3].to_vec();
    coded.extend(bytes);
    coded.push(3);
    coded
}

#[tokio::test]
async fn job_headers_replace_operator_headers() {
    let server = TestServer::start(|_| response(200, &[], "")).await;
    let operator = vec![("X-From".to_owned(), "operator".to_owned()), ("X-Kept".to_owned(), "yes".to_owned())];
    let fetcher =
        fetcher_with(HttpFetcherSettings { headers: operator, ..settings() }, Guard::open(Allowlist::default()), &[]);
    let options = FetchOptions {
        headers: vec![("x-from".to_owned(), Secret::new("job"))],
        cookies: vec![cookie_for("127.0.0.1")],
        user_agent: Some("Job/1".to_owned()),
        ..FetchOptions::default()
    };
    fetcher.fetch(request(server.url("/"), options)).await.unwrap();
    let received = &server.received()[0];
    let headers =
        ["x-from", "x-kept", "cookie", "user-agent"].map(|name| received.header(name).unwrap_or("none").to_owned());
    assert_eq!(headers, ["job", "yes", "c=1", "Job/1"]);
    fetcher.fetch(request(server.url("/"), FetchOptions::default())).await.unwrap();
    assert!(server.received()[1].header("user-agent").unwrap().contains("Opilio/"));
}

#[tokio::test]
async fn raw_pages_need_no_network() {
    for (url, html) in [("raw:<p>a#b?c%20</p>", "<p>a#b?c%20</p>"), ("raw://<p>é</p>", "<p>é</p>")] {
        let page = fetch(url).await.unwrap();
        assert_eq!(page.body, html);
        assert_eq!(page.content_type.as_deref(), Some("text/html; charset=utf-8"));
        assert_eq!((page.exchange.status, page.exchange.final_url), (Some(200), None));
    }
    assert_eq!(reason("raw: ").await, permanent("raw: must be followed by HTML"));
    assert_eq!(reason(format!("raw:{}", "x".repeat(70_000))).await, permanent("Page larger than 64 KiB"));
}
