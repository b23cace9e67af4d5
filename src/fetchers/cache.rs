//! Pages kept in memory, within a bound on their bytes and on their age.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::sync::Cache;
use opilio_actors::ports::{Clock, FetchedPage, KeptPage, PageCache, PageRequest};
use ring::digest;
use serde_json::json;

/// The operator's choices.
#[derive(Clone, Copy, Debug)]
pub struct PageCacheSettings {
    /// Of all pages together; 0: none is kept.
    pub max_bytes: usize,
    pub keep: Duration,
}

/// The pages that are used most, of this process; a restart forgets them.
pub struct MemoryPageCache {
    pages: Cache<[u8; 32], KeptPage>,
    clock: Arc<dyn Clock>,
}

impl MemoryPageCache {
    pub fn new(settings: PageCacheSettings, clock: Arc<dyn Clock>) -> Self {
        let pages = Cache::builder()
            .max_capacity(settings.max_bytes as u64)
            .weigher(|_, kept: &KeptPage| u32::try_from(size(&kept.page)).unwrap_or(u32::MAX))
            .time_to_live(settings.keep)
            .build();
        Self { pages, clock }
    }
}

#[async_trait]
impl PageCache for MemoryPageCache {
    async fn find(&self, request: &PageRequest) -> Option<KeptPage> {
        self.pages.get(&key(request))
    }

    async fn keep(&self, request: &PageRequest, page: &FetchedPage) {
        self.pages.insert(key(request), KeptPage { page: page.clone(), at: self.clock.now() });
    }
}

/// A digest of all that is sent, so that no credential is kept.
fn key(request: &PageRequest) -> [u8; 32] {
    let fetch = &request.options.fetch;
    let sent = json!([request.url, fetch.headers, fetch.cookies, fetch.user_agent]).to_string();
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, sent.as_bytes()).as_ref());
    key
}

fn size(page: &FetchedPage) -> usize {
    let headers = page.exchange.headers.iter().flatten();
    let headers: usize =
        headers.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len) + size_of_val(value)).sum();
    page.body.len() + headers + size_of::<KeptPage>()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use opilio_actors::domain::crawl::Exchange;
    use opilio_actors::domain::crawl_options::{CrawlOptions, FetchOptions};
    use opilio_actors::domain::secret::Secret;

    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn cache(max_bytes: usize) -> MemoryPageCache {
        MemoryPageCache::new(PageCacheSettings { max_bytes, keep: Duration::from_secs(3600) }, Arc::new(Stopped))
    }

    fn request(url: &str, fetch: FetchOptions) -> PageRequest {
        PageRequest { url: url.to_owned(), options: Arc::new(CrawlOptions { fetch, ..CrawlOptions::default() }) }
    }

    fn page(bytes: usize) -> FetchedPage {
        let body = Bytes::from(vec![b'x'; bytes]);
        FetchedPage { exchange: Exchange::default(), body, content_type: None, retry_after: None }
    }

    #[actix::test]
    async fn a_page_is_found_by_who_would_have_been_sent_the_same() {
        let cache = cache(1 << 20);
        let with = |header: &str| FetchOptions {
            headers: vec![("authorization".to_owned(), Secret::new(header))],
            ..FetchOptions::default()
        };
        cache.keep(&request("http://a.example/", with("mine")), &page(1)).await;
        assert!(cache.find(&request("http://a.example/", with("mine"))).await.is_some());
        let patient = FetchOptions { page_timeout: Some(Duration::from_secs(1)), ..with("mine") };
        assert!(cache.find(&request("http://a.example/", patient)).await.is_some());
        for other in [
            request("http://a.example/", with("yours")),
            request("http://a.example/", FetchOptions::default()),
            request("http://a.example/b", with("mine")),
        ] {
            assert!(cache.find(&other).await.is_none(), "{other:?}");
        }
    }

    #[actix::test]
    async fn no_more_bytes_are_kept_than_the_operator_gives() {
        let none = cache(0);
        none.keep(&request("http://a.example/", FetchOptions::default()), &page(1)).await;
        none.pages.run_pending_tasks();
        assert!(none.find(&request("http://a.example/", FetchOptions::default())).await.is_none());
        let cache = cache(10_000);
        for number in 0..100 {
            cache.keep(&request(&format!("http://a.example/{number}"), FetchOptions::default()), &page(1000)).await;
        }
        cache.pages.run_pending_tasks();
        assert!(cache.pages.weighted_size() <= 10_000 && cache.pages.entry_count() > 0);
    }
}
