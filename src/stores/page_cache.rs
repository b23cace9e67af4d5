//! Pages fetched earlier, as the stores keep them: by which key a page is found, and as which bytes it is written.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::ports::{CachedPage, FetchedPage, PageCache, PageRequest};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The operator's choices.
#[derive(Clone, Copy, Debug)]
pub struct PageCacheSettings {
    /// Of all pages together, as they are stored; more than 0.
    pub max_bytes: u64,
    /// An older page is as good as none.
    pub keep: Duration,
}

pub type Key = [u8; 32];

/// A digest of all that is sent, so that no credential is kept.
pub fn key(request: &PageRequest) -> Key {
    let fetch = &request.options.fetch;
    let sent = json!([request.url, fetch.headers, fetch.cookies, fetch.user_agent]).to_string();
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, sent.as_bytes()).as_ref());
    key
}

/// Where the operator gives no room.
pub struct NoPageCache;

#[async_trait]
impl PageCache for NoPageCache {
    async fn find(&self, _: &PageRequest) -> Option<CachedPage> {
        None
    }

    async fn store(&self, _: &PageRequest, _: &FetchedPage) {}
}

/// What is written before a page's body.
#[derive(Serialize, Deserialize)]
struct Head {
    status: Option<u16>,
    headers: Option<Map<String, Value>>,
    final_url: Option<String>,
    content_type: Option<String>,
}

/// The length of the head, the head as JSON, the body.
pub fn encode(page: &FetchedPage) -> Bytes {
    let Exchange { status, headers, final_url } = page.exchange.clone();
    let head = Head { status, headers, final_url, content_type: page.content_type.clone() };
    let head = json!(head).to_string();
    let length = u64::try_from(head.len()).unwrap_or(u64::MAX);
    [&length.to_le_bytes()[..], head.as_bytes(), &page.body].concat().into()
}

/// `None`: somebody else wrote that.
pub fn decode(stored: &Bytes) -> Option<FetchedPage> {
    let (length, rest) = stored.split_at_checked(size_of::<u64>())?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (head, body) = rest.split_at_checked(length)?;
    let Head { status, headers, final_url, content_type } = serde_json::from_slice(head).ok()?;
    let exchange = Exchange { status, headers, final_url };
    Some(FetchedPage { exchange, body: stored.slice_ref(body), content_type, retry_after: None })
}

#[cfg(test)]
pub mod tests {
    //! What every page cache promises, whichever store it is in.

    use std::sync::Arc;

    use opilio_actors::domain::crawl_options::{CrawlOptions, FetchOptions};
    use opilio_actors::domain::id::Principal;
    use opilio_actors::domain::queue_key::QueueKey;
    use opilio_actors::domain::secret::Secret;
    use opilio_actors::ports::PageCache;
    use opilio_actors::testing::clock::ManualClock;

    use super::*;

    /// What the caches under test are given.
    pub const SETTINGS: PageCacheSettings = PageCacheSettings { max_bytes: 10_000, keep: Duration::from_secs(3600) };

    const WEB: &str = "http://a.example/";

    fn request(url: &str, fetch: FetchOptions) -> PageRequest {
        PageRequest {
            url: url.to_owned(),
            options: Arc::new(CrawlOptions { fetch, ..CrawlOptions::default() }),
            queue: QueueKey::batch(Principal::anonymous()),
        }
    }

    fn plain(url: &str) -> PageRequest {
        request(url, FetchOptions::default())
    }

    fn with_header(value: &str) -> FetchOptions {
        let headers = vec![("authorization".to_owned(), Secret::new(value))];
        FetchOptions { headers, ..FetchOptions::default() }
    }

    /// Bytes that no compression makes fewer.
    fn page(bytes: usize) -> FetchedPage {
        let mut luck = fastrand::Rng::with_seed(7);
        let body = std::iter::repeat_with(|| luck.u8(..)).take(bytes).collect();
        let headers = json!({"etag": "\"a\"", "x": "ä"}).as_object().cloned();
        let exchange = Exchange { status: Some(200), headers, final_url: Some(format!("{WEB}b")) };
        FetchedPage { exchange, body, content_type: Some("text/html".to_owned()), retry_after: None }
    }

    pub async fn every_promise(cache: &dyn PageCache, clock: &ManualClock) {
        a_page_comes_back_as_it_was_with_its_age(cache, clock).await;
        a_page_is_found_by_who_would_have_been_sent_the_same(cache).await;
        the_newest_of_an_address_is_kept(cache).await;
        no_more_bytes_are_kept_than_the_operator_gives(cache, clock).await;
        a_page_too_big_for_the_whole_cache_pushes_nothing_out(cache).await;
        a_page_that_is_too_old_is_not_found(cache, clock).await;
    }

    async fn a_page_comes_back_as_it_was_with_its_age(cache: &dyn PageCache, clock: &ManualClock) {
        cache.store(&plain(WEB), &page(100)).await;
        clock.advance(Duration::from_secs(60));
        let kept = cache.find(&plain(WEB)).await.expect("it was kept");
        assert_eq!((kept.age, kept.page.exchange, kept.page.body), {
            let page = page(100);
            (Duration::from_secs(60), page.exchange, page.body)
        });
        assert_eq!(kept.page.content_type.as_deref(), Some("text/html"));
    }

    async fn a_page_is_found_by_who_would_have_been_sent_the_same(cache: &dyn PageCache) {
        let page_of_mine = format!("{WEB}mine");
        cache.store(&request(&page_of_mine, with_header("mine")), &page(1)).await;
        let patient = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..with_header("mine") };
        assert!(cache.find(&request(&page_of_mine, patient)).await.is_some());
        for other in [request(&page_of_mine, with_header("yours")), plain(&page_of_mine), plain("http://b.example/")] {
            assert!(cache.find(&other).await.is_none(), "{other:?}");
        }
    }

    async fn the_newest_of_an_address_is_kept(cache: &dyn PageCache) {
        for bytes in [10, 20] {
            cache.store(&plain(WEB), &page(bytes)).await;
        }
        assert_eq!(cache.find(&plain(WEB)).await.map(|kept| kept.page.body.len()), Some(20));
    }

    async fn no_more_bytes_are_kept_than_the_operator_gives(cache: &dyn PageCache, clock: &ManualClock) {
        let address = |number: usize| plain(&format!("{WEB}{number}"));
        for number in 0..50 {
            clock.advance(Duration::from_secs(1));
            cache.store(&address(number), &page(1000)).await;
        }
        let mut kept = vec![];
        for number in 0..50 {
            if cache.find(&address(number)).await.is_some() {
                kept.push(number);
            }
        }
        assert!((5..10).contains(&kept.len()) && kept.last() == Some(&49), "the newest are kept: {kept:?}");
        assert!(kept.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{kept:?}");
    }

    async fn a_page_too_big_for_the_whole_cache_pushes_nothing_out(cache: &dyn PageCache) {
        cache.store(&plain("http://big.example/"), &page(11_000)).await;
        assert!(cache.find(&plain("http://big.example/")).await.is_none());
        assert!(cache.find(&plain(&format!("{WEB}49"))).await.is_some());
    }

    async fn a_page_that_is_too_old_is_not_found(cache: &dyn PageCache, clock: &ManualClock) {
        cache.store(&plain(WEB), &page(1)).await;
        clock.advance(SETTINGS.keep);
        assert!(cache.find(&plain(WEB)).await.is_none());
    }

    #[test]
    fn what_nobody_wrote_is_no_page() {
        let whole = encode(&page(3));
        assert!(decode(&whole).is_some());
        for cut in 0..whole.len() - 3 {
            assert!(decode(&whole.slice(..cut)).is_none(), "{cut}");
        }
        assert!(decode(&Bytes::from_static(&[0xff; 64])).is_none());
    }
}
