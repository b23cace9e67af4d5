//! Obtains pages: from the cache or by fetching, with retries, and parsed.

mod http_cache;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::domain::crawl::{CacheHit, CacheHitKind, FetchStats, PageRecord, PageResult};
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::engine::{Engine, FetchEngine};
use crate::domain::queue_key::QueueKey;
use crate::domain::retry::Backoff;
use crate::faults;
use crate::heartbeat;
use crate::ports::{
    FetchError, FetchedPage, LinkingPage, PageCache, PageFetcher, PageReader, PageReading, PageRequest, PageText,
};
use http_cache::CacheDecision;

/// The pages of all jobs, for crawls and extractions.
pub struct PageSource {
    pub fetcher: Arc<dyn PageFetcher>,
    pub cache: Arc<dyn PageCache>,
    pub reader: Arc<dyn PageReader>,
    /// Retries of a page after a transient failure, unless the job sets its own number.
    pub max_retries: u32,
    /// The delay before a retry.
    pub backoff: Backoff,
    /// Maximum size of one page's result; `None`: unlimited.
    pub max_result_bytes: Option<NonZeroUsize>,
}

impl PageSource {
    /// The record of the page with index `index` in its job. A page that cannot be fetched or read has a failed record.
    /// Also whether the page may link to internal addresses.
    pub async fn record(
        &self,
        index: u32,
        url: &str,
        options: Arc<CrawlOptions>,
        queue: &QueueKey,
    ) -> (PageRecord, LinkingPage) {
        let (mut request, reason) = first_request(url, options, queue);
        let (reading, linking) = self.record_with(index, &request, reason).await;
        if reading.needs_browser.is_none() {
            return (reading.content, linking);
        }
        request.engine = FetchEngine::Browser;
        let (reading, linking) = self.record_with(index, &request, reading.needs_browser).await;
        (reading.content, linking)
    }

    /// The text of the page, or the reason why it cannot be fetched or read.
    pub async fn text(&self, url: &str, options: Arc<CrawlOptions>, queue: &QueueKey) -> Result<PageText, String> {
        let (mut request, _) = first_request(url, options, queue);
        let reading = self.text_with(&request).await;
        if reading.needs_browser.is_none() {
            return reading.content;
        }
        request.engine = FetchEngine::Browser;
        self.text_with(&request).await.content
    }

    async fn record_with(
        &self,
        index: u32,
        request: &PageRequest,
        engine_reason: Option<&'static str>,
    ) -> (PageReading<PageRecord>, LinkingPage) {
        let (fetched, stats) = self.obtain(request).await;
        let stats = FetchStats { engine: request.engine, engine_reason, ..stats };
        let failed =
            |exchange, reason| PageRecord::new(index, &PageResult::failed(&request.url, exchange, Some(stats), reason));
        let page = match fetched {
            Ok(page) => page,
            Err(error) => {
                let reason = error.to_string();
                let content = failed(error.exchange, reason);
                return (PageReading { content, needs_browser: None }, LinkingPage { internal: false });
            }
        };
        let (exchange, linking) = (page.exchange.clone(), LinkingPage { internal: page.exchange.internal });
        let mut reading = self.reader.read(index, request, page, stats).await;
        if let Err(reason) = self.check_size(reading.content.json.len()) {
            reading.content = failed(exchange, reason);
        }
        (reading, linking)
    }

    async fn text_with(&self, request: &PageRequest) -> PageReading<Result<PageText, String>> {
        let (fetched, _) = self.obtain(request).await;
        let page = match fetched {
            Ok(page) => page,
            Err(error) => return PageReading { content: Err(error.to_string()), needs_browser: None },
        };
        let mut reading = self.reader.read_text(request, page).await;
        if let Ok(text) = &reading.content
            && let Err(reason) = self.check_size(text.markdown.raw_markdown.len())
        {
            reading.content = Err(reason);
        }
        reading
    }

    /// `metadata` of the page at `url`, to which another page links, or the reason why there is none.
    pub async fn metadata(
        &self,
        url: &str,
        options: Arc<CrawlOptions>,
        queue: &QueueKey,
        linked_from: LinkingPage,
    ) -> Result<Value, String> {
        let (url, queue, linked_from) = (url.to_owned(), queue.clone(), Some(linked_from));
        let request = PageRequest { url, options, engine: FetchEngine::Http, queue, linked_from };
        let (fetched, stats) = self.fetch(&request).await;
        let page = fetched.map_err(|error| error.to_string())?;
        let record = self.reader.read(0, &request, page, stats).await.content;
        if !record.success {
            return Err(record.error);
        }
        let mut page: Value = serde_json::from_slice(&record.json).map_err(|error| error.to_string())?;
        Ok(page["metadata"].take())
    }

    fn check_size(&self, bytes: usize) -> Result<(), String> {
        match self.max_result_bytes.filter(|max| bytes > max.get()) {
            Some(max) => Err(format!("Result larger than {max} bytes")),
            None => Ok(()),
        }
    }

    /// The page from the cache if the job and RFC 9111 allow it, else as fetched now.
    async fn obtain(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, FetchStats) {
        let Some(cached) = http_cache::find(&*self.cache, request).await else {
            return self.fetch_and_store(request).await;
        };
        let conditional = match http_cache::decide(request, &cached) {
            CacheDecision::Use => {
                let hit = CacheHit { cached_at: cached.cached_at, kind: CacheHitKind::Fresh };
                return (Ok(cached.page), FetchStats { cache_hit: Some(hit), ..FetchStats::default() });
            }
            CacheDecision::Revalidate(conditional) => conditional,
            CacheDecision::Fetch => return self.fetch_and_store(request).await,
        };
        let (response, stats) = self.fetch(&conditional).await;
        let (page, cache_hit) = http_cache::after_revalidation(cached, response);
        if let Ok(page) = &page
            && cache_hit.is_none_or(|hit| hit.kind == CacheHitKind::Revalidated)
        {
            http_cache::store(&*self.cache, request, page).await;
        }
        (page, FetchStats { cache_hit, ..stats })
    }

    async fn fetch_and_store(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, FetchStats) {
        let (fetched, stats) = self.fetch(request).await;
        if let Ok(page) = &fetched {
            http_cache::store(&*self.cache, request, page).await;
        }
        (fetched, stats)
    }

    /// Fetches the page and retries transient failures.
    async fn fetch(&self, request: &PageRequest) -> (Result<FetchedPage, FetchError>, FetchStats) {
        let max_attempts = 1 + request.options.fetch.max_retries.unwrap_or(self.max_retries);
        let mut attempts = 1;
        loop {
            heartbeat::beat();
            let fetched = self.fetcher.fetch(request.clone()).await;
            faults::point("page.fetched");
            let Some(retry_after) = retry_after(&fetched).filter(|_| attempts < max_attempts) else {
                return (fetched, FetchStats { attempts, ..FetchStats::default() });
            };
            let delay = self.backoff.delay_after(attempts, fastrand::f64());
            tokio::time::sleep(delay.max(retry_after.min(self.backoff.max))).await;
            attempts += 1;
        }
    }
}

/// The request for a page, before its content is known, and why it is made in the browser. The content of a `raw:` page is
/// part of its URL, so it is read without a browser.
fn first_request(url: &str, options: Arc<CrawlOptions>, queue: &QueueKey) -> (PageRequest, Option<&'static str>) {
    let in_browser = options.fetch.engine == Some(Engine::Browser) && !url.starts_with("raw:");
    let (engine, reason) = if in_browser { (FetchEngine::Browser, Some("requested")) } else { Default::default() };
    let request = PageRequest { url: url.to_owned(), options, engine, queue: queue.clone(), linked_from: None };
    (request, reason)
}

/// The minimum delay that the server requests before a retry; `None` if a retry cannot succeed.
fn retry_after(fetched: &Result<FetchedPage, FetchError>) -> Option<Duration> {
    match fetched {
        Err(error) => error.is_transient().then_some(Duration::ZERO),
        Ok(page) => {
            let status = page.exchange.status.unwrap_or(200);
            (status == 429 || (500..=599).contains(&status)).then(|| page.retry_after.unwrap_or_default())
        }
    }
}
