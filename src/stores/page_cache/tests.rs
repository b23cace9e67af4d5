//! The guarantees of every page cache.

use std::sync::Arc;

use opilio_actors::domain::crawl_options::{CrawlOptions, FetchOptions};
use opilio_actors::domain::engine::FetchEngine;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::domain::secret::Secret;
use opilio_actors::testing::clock::ManualClock;

use super::*;

/// The settings of the caches under test.
pub const SETTINGS: PageCacheSettings = PageCacheSettings { max_bytes: 10_000, ttl: Duration::from_secs(3600) };

const URL: &str = "http://a.example/";

/// Checks every guarantee on an empty cache.
pub async fn check_contract(cache: &dyn PageCache, clock: &ManualClock) {
    cached_page_is_returned_with_its_age(cache, clock).await;
    only_requests_that_send_the_same_hit(cache).await;
    newest_page_replaces_older_one(cache).await;
    newest_pages_within_the_size_limit_stay(cache, clock).await;
    page_over_the_size_limit_evicts_nothing(cache).await;
    expired_page_is_not_returned(cache, clock).await;
}

fn request(url: &str, fetch: FetchOptions) -> PageRequest {
    PageRequest {
        linked_from: None,
        url: url.to_owned(),
        options: Arc::new(CrawlOptions { fetch, ..CrawlOptions::default() }),
        engine: FetchEngine::Http,
        queue: QueueKey::batch(Principal::anonymous()),
    }
}

fn plain(url: &str) -> PageRequest {
    request(url, FetchOptions::default())
}

fn with_authorization(value: &str) -> FetchOptions {
    let headers = vec![("authorization".to_owned(), Secret::new(value))];
    FetchOptions { headers, ..FetchOptions::default() }
}

/// A page with an incompressible body.
fn page(bytes: usize) -> FetchedPage {
    let mut random = fastrand::Rng::with_seed(7);
    let body = std::iter::repeat_with(|| random.u8(..)).take(bytes).collect();
    let headers = json!({"etag": "\"a\"", "x": "ä"}).as_object().cloned();
    let exchange = Exchange { status: Some(200), headers, final_url: Some(format!("{URL}b")), ..Exchange::default() };
    FetchedPage { exchange, body, content_type: Some("text/html".to_owned()), retry_after: None, warnings: vec![] }
}

async fn cached_page_is_returned_with_its_age(cache: &dyn PageCache, clock: &ManualClock) {
    cache.store(&plain(URL), &page(100)).await;
    clock.advance(Duration::from_secs(60));
    let cached = cache.find(&plain(URL)).await.unwrap();
    let expected = page(100);
    assert_eq!(cached.age, Duration::from_secs(60));
    assert_eq!((cached.page.exchange, cached.page.body), (expected.exchange, expected.body));
    assert_eq!(cached.page.content_type.as_deref(), Some("text/html"));
}

async fn only_requests_that_send_the_same_hit(cache: &dyn PageCache) {
    let url = format!("{URL}private");
    cache.store(&request(&url, with_authorization("one")), &page(1)).await;
    let timeout = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..with_authorization("one") };
    assert!(cache.find(&request(&url, timeout)).await.is_some());
    let with_fragment = request(&format!("{url}#part"), with_authorization("one"));
    assert!(cache.find(&with_fragment).await.is_some());
    for other in [request(&url, with_authorization("two")), plain(&url), plain("http://b.example/")] {
        assert!(cache.find(&other).await.is_none(), "{other:?}");
    }
}

async fn newest_page_replaces_older_one(cache: &dyn PageCache) {
    for bytes in [10, 20] {
        cache.store(&plain(URL), &page(bytes)).await;
    }
    assert_eq!(cache.find(&plain(URL)).await.map(|cached| cached.page.body.len()), Some(20));
}

async fn newest_pages_within_the_size_limit_stay(cache: &dyn PageCache, clock: &ManualClock) {
    let numbered = |number: usize| plain(&format!("{URL}{number}"));
    for number in 0..50 {
        clock.advance(Duration::from_secs(1));
        cache.store(&numbered(number), &page(1000)).await;
    }
    let mut cached = vec![];
    for number in 0..50 {
        if cache.find(&numbered(number)).await.is_some() {
            cached.push(number);
        }
    }
    assert!((5..10).contains(&cached.len()) && cached.last() == Some(&49), "{cached:?}");
    assert!(cached.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{cached:?}");
}

async fn page_over_the_size_limit_evicts_nothing(cache: &dyn PageCache) {
    cache.store(&plain("http://big.example/"), &page(11_000)).await;
    assert!(cache.find(&plain("http://big.example/")).await.is_none());
    assert!(cache.find(&plain(&format!("{URL}49"))).await.is_some());
}

async fn expired_page_is_not_returned(cache: &dyn PageCache, clock: &ManualClock) {
    cache.store(&plain(URL), &page(1)).await;
    clock.advance(SETTINGS.ttl);
    assert!(cache.find(&plain(URL)).await.is_none());
}

#[test]
fn invalid_stored_page_is_not_decoded() {
    let stored = encode(&page(3));
    assert!(decode(&stored).is_some());
    for length in 0..stored.len() - 3 {
        assert!(decode(&stored.slice(..length)).is_none(), "{length}");
    }
    assert!(decode(&Bytes::from_static(&[0xff; 64])).is_none());
}
