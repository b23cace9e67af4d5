use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::domain::crawl::Exchange;
use crate::domain::crawl_options::{CacheOptions, CrawlOptions, FetchOptions};
use crate::domain::engine::FetchEngine;
use crate::domain::id::Principal;
use crate::domain::queue_key::QueueKey;

const WEB: &str = "http://a.example/";
const TAG: (&str, &str) = ("etag", "\"a\"");

/// Counts the pages that are stored.
#[derive(Default)]
struct CountingCache(Mutex<usize>);

#[async_trait]
impl PageCache for CountingCache {
    async fn find(&self, _: &PageRequest) -> Option<CachedPage> {
        Some(cached(&[TAG]))
    }

    async fn store(&self, _: &PageRequest, _: &FetchedPage) {
        *self.0.lock().expect("no panic") += 1;
    }
}

fn page(status: u16, headers: &[(&str, &str)]) -> FetchedPage {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let exchange = Exchange { status: Some(status), headers: Some(headers), ..Exchange::default() };
    FetchedPage { exchange, body: Bytes::new(), content_type: None, retry_after: None, warnings: vec![] }
}

/// A page that was fetched a minute ago.
fn cached(headers: &[(&str, &str)]) -> CachedPage {
    CachedPage { page: page(200, headers), cached_at: Timestamp::UNIX_EPOCH, age: Duration::from_secs(60) }
}

fn request(url: &str, read: bool, write: bool) -> PageRequest {
    let headers = vec![("if-none-match".to_owned(), Secret::new("\"own\""))];
    let fetch = FetchOptions { headers, ..FetchOptions::default() };
    let cache = CacheOptions { read, write, revalidate: false };
    PageRequest {
        linked_from: None,
        url: url.to_owned(),
        options: Arc::new(CrawlOptions { fetch, cache, ..CrawlOptions::default() }),
        engine: FetchEngine::Http,
        queue: QueueKey::batch(Principal::anonymous()),
    }
}

#[tokio::test]
async fn only_pages_that_job_and_server_allow_are_stored_and_found() {
    for (request, page, expected) in [
        (request(WEB, false, true), page(200, &[]), 1),
        (request(WEB, true, false), page(200, &[]), 0),
        (request("raw:<p>", true, true), page(200, &[]), 0),
        (request(WEB, true, true), page(200, &[("cache-control", "private")]), 1),
        (request(WEB, true, true), page(200, &[("cache-control", "private, No-Store")]), 0),
        (request(WEB, true, true), page(404, &[]), 0),
        (request(WEB, true, true), page(206, &[]), 0),
    ] {
        let cache = CountingCache::default();
        store(&cache, &request, &page).await;
        assert_eq!(*cache.0.lock().expect("no panic"), expected, "{request:?} {page:?}");
        let reads = request.options.cache.read && request.url == WEB;
        assert_eq!(find(&cache, &request).await.is_some(), reads, "{request:?}");
    }
}

#[test]
fn revalidation_sends_the_validators_of_the_cached_page() {
    let modified = "Tue, 21 Oct 2025 10:00:00 GMT";
    for (headers, expected) in [
        (vec![TAG], vec![("if-none-match", "\"a\"")]),
        (vec![("last-modified", modified)], vec![("if-modified-since", modified)]),
        (vec![TAG, ("last-modified", modified)], vec![("if-none-match", "\"a\""), ("if-modified-since", modified)]),
    ] {
        let headers = [&headers[..], &[("cache-control", "no-cache")]].concat();
        let decision = decide(&request(WEB, true, true), &cached(&headers));
        let CacheDecision::Revalidate(conditional) = decision else { panic!("{headers:?} is not revalidated") };
        let sent = conditional.options.fetch.headers.iter().map(|(name, value)| (&**name, value.expose()));
        assert_eq!(sent.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn cached_page_is_used_revalidated_or_fetched_by_rfc_9111() {
    const DATES: [(&str, &str); 2] =
        [("date", "Tue, 21 Oct 2025 10:00:00 GMT"), ("expires", "Tue, 21 Oct 2025 10:01:00 GMT")];
    let control = |control: &'static str| ("cache-control", control);
    for (revalidate, headers, expected) in [
        (false, vec![TAG], "use"),
        (true, vec![TAG], "revalidate"),
        (true, vec![], "fetch"),
        (false, vec![TAG, control("no-cache")], "revalidate"),
        (false, vec![control("private, No-Cache")], "fetch"),
        (false, vec![TAG, control("max-age=61")], "use"),
        (false, vec![TAG, control("Max-Age=\"61\"")], "use"),
        (false, vec![TAG, control("max-age=60, must-revalidate")], "revalidate"),
        (false, vec![control("max-age=60, must-revalidate")], "fetch"),
        (false, vec![TAG, control("max-age=61"), ("age", "1")], "revalidate"),
        (false, vec![TAG, control("max-age=61"), ("age", "18446744073709551615")], "revalidate"),
        (false, vec![TAG, control("max-age=61"), ("age", "one")], "use"),
        (false, vec![TAG, control("max-age=61"), DATES[0], DATES[1]], "use"),
        (false, vec![TAG, DATES[0], DATES[1]], "revalidate"),
        (false, vec![TAG, DATES[0], ("expires", "0")], "revalidate"),
        (false, vec![control("max-age=0")], "use"),
        (false, vec![("vary", "*")], "fetch"),
    ] {
        let mut own = request(WEB, true, true);
        Arc::make_mut(&mut own.options).cache.revalidate = revalidate;
        let decision = match decide(&own, &cached(&headers)) {
            CacheDecision::Use => "use",
            CacheDecision::Revalidate(_) => "revalidate",
            CacheDecision::Fetch => "fetch",
        };
        assert_eq!(decision, expected, "{revalidate} {headers:?}");
    }
}

#[test]
fn cached_page_is_used_if_the_server_confirms_it_or_fails() {
    for (response, kind) in [
        (Ok(page(304, &[])), Some(CacheHitKind::Revalidated)),
        (Ok(page(503, &[])), Some(CacheHitKind::Fallback)),
        (Err(FetchError::transient("Connection refused")), Some(CacheHitKind::Fallback)),
        (Err(FetchError::permanent("URL blocked")), None),
        (Ok(page(200, &[])), None),
        (Ok(page(404, &[])), None),
    ] {
        let (_, hit) = after_revalidation(cached(&[TAG]), response);
        assert_eq!(hit.map(|hit| hit.kind), kind);
    }
}

#[test]
fn not_modified_response_updates_the_cached_headers() {
    let stale = cached(&[TAG, ("age", "50"), ("cache-control", "max-age=60"), ("server", "old")]);
    let not_modified = page(304, &[("cache-control", "max-age=90"), ("server", "new")]);
    let (page, _) = after_revalidation(stale, Ok(not_modified));
    let headers = page.expect("the cached page").exchange.headers;
    assert_eq!(json!(headers), json!({"etag": "\"a\"", "cache-control": "max-age=90", "server": "old"}));
}
