//! A crawl job: the pages to fetch and the result of each page.

use std::io::{self, Write};

use bytes::Bytes;
use jiff::Timestamp;
use opilio_page::{Links, Markdown, Media, Page, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::crawl_options::CrawlOptions;
use super::engine::{Engine, FetchEngine};
use super::text::visible;
use super::usage::Usage;

/// The pages of a crawl job and how to fetch them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CrawlSpec {
    pub urls: Vec<String>,
    /// The options of every page that has no variant.
    #[serde(default)]
    pub options: CrawlOptions,
    /// Options that apply to some of the pages. Stored once, however many pages share them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<CrawlOptions>,
    /// The index in `variants` of the options of each page, in the order of `urls`; empty if `options` apply to every page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant_of: Vec<Option<usize>>,
}

impl CrawlSpec {
    /// The options of the page at `index`.
    pub fn options_of(&self, index: usize) -> &CrawlOptions {
        self.variant(index).and_then(|variant| self.variants.get(variant)).unwrap_or(&self.options)
    }

    /// The index in `variants` of the options of the page at `index`; `None`: `options`.
    pub fn variant(&self, index: usize) -> Option<usize> {
        self.variant_of.get(index).copied().flatten()
    }

    /// Whether a language model reads any of the pages.
    pub fn uses_models(&self) -> bool {
        self.all_options().any(CrawlOptions::uses_models)
    }

    /// The options of the pages, each once.
    pub fn all_options(&self) -> impl Iterator<Item = &CrawlOptions> {
        let is_used = self.variant_of.is_empty() || self.variant_of.contains(&None);
        std::iter::once(&self.options).filter(move |_| is_used).chain(&self.variants)
    }

    /// Sets the engine of pages that request none.
    pub fn fix_engine(&mut self, default: Engine) {
        for options in std::iter::once(&mut self.options).chain(&mut self.variants) {
            options.fetch.engine.get_or_insert(default);
        }
    }
}

/// Status, headers and final URL of a response; all absent if no server was involved (`raw:` pages).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    pub status: Option<u16>,
    /// Names in lower case; repeated headers are joined with `, `.
    pub headers: Option<Map<String, Value>>,
    /// The URL after redirects.
    pub final_url: Option<String>,
    /// The page came from an internal address that the client may name, so it may link to internal addresses.
    pub internal: bool,
    /// The server's certificate, if the job requests it and the page was fetched over TLS.
    pub certificate: Option<Value>,
}

/// How a page was obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchStats {
    /// Requests made, including retries; 0 if the page came from the cache without one.
    pub attempts: u32,
    /// Set if the page came from the cache.
    pub cache_hit: Option<CacheHit>,
    pub engine: FetchEngine,
    /// Why the page was opened in the browser.
    pub engine_reason: Option<&'static str>,
}

/// The use of a cached page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheHit {
    /// When the page was fetched or last revalidated.
    pub cached_at: Timestamp,
    pub kind: CacheHitKind,
}

/// Why a cached page was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheHitKind {
    /// It needed no revalidation.
    Fresh,
    /// The server confirmed that it has not changed.
    Revalidated,
    /// The server did not respond to the revalidation.
    Fallback,
}

/// One entry of `results`. The serialized keys are part of the HTTP API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PageResult {
    pub url: String,
    pub html: String,
    pub fit_html: Option<String>,
    pub success: bool,
    pub cleaned_html: Option<String>,
    pub media: Media,
    pub links: Links,
    pub downloaded_files: Option<Vec<String>>,
    pub js_execution_result: Option<Value>,
    pub screenshot: Option<String>,
    pub pdf: Option<String>,
    pub mhtml: Option<String>,
    pub extracted_content: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    pub structured_data: Option<Value>,
    pub error_message: String,
    pub session_id: Option<String>,
    pub response_headers: Option<Map<String, Value>>,
    pub status_code: Option<u16>,
    pub ssl_certificate: Option<Value>,
    pub dispatch_result: Option<Value>,
    pub redirected_url: Option<String>,
    pub redirected_status_code: Option<u16>,
    pub network_requests: Option<Vec<Value>>,
    pub console_messages: Option<Vec<Value>>,
    pub tables: Vec<Table>,
    pub head_fingerprint: Option<String>,
    pub cached_at: Option<f64>,
    pub cache_status: Option<String>,
    pub crawl_stats: Option<Value>,
    pub markdown: Markdown,
    /// What fetched the page; `None` if it was not fetched.
    pub engine: Option<FetchEngine>,
    /// Why the page was opened in the browser.
    pub engine_reason: Option<&'static str>,
    /// Why the page may be incomplete.
    pub warnings: Vec<String>,
    /// The tokens that the extraction by a language model used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl PageResult {
    /// A page that was fetched and parsed. An empty `error` means success.
    pub fn read(url: &str, html: String, exchange: Exchange, page: Page, stats: FetchStats, error: String) -> Self {
        let crawl_stats = crawl_stats(stats, exchange.status);
        Self {
            html,
            success: error.is_empty(),
            error_message: error,
            cleaned_html: Some(page.cleaned_html),
            media: page.media,
            links: page.links,
            metadata: Some(page.metadata),
            structured_data: page.structured_data,
            tables: page.tables,
            head_fingerprint: page.head_fingerprint,
            extracted_content: page.extracted_content,
            fit_html: page.fit_html,
            markdown: page.markdown,
            crawl_stats: Some(crawl_stats),
            cache_status: Some(cache_status(stats).to_owned()),
            cached_at: stats.cache_hit.map(|hit| hit.cached_at.as_millisecond() as f64 / 1000.0),
            engine: Some(stats.engine),
            engine_reason: stats.engine_reason,
            ..Self::empty(url, exchange)
        }
    }

    /// A page without content, and the reason.
    pub fn failed(url: &str, exchange: Exchange, stats: Option<FetchStats>, error: impl Into<String>) -> Self {
        let crawl_stats = stats.map(|stats| crawl_stats(stats, exchange.status));
        let error = visible(&error.into()).into_owned();
        let (engine, engine_reason) = (stats.map(|stats| stats.engine), stats.and_then(|stats| stats.engine_reason));
        Self { error_message: error, crawl_stats, engine, engine_reason, ..Self::empty(url, exchange) }
    }

    fn empty(url: &str, exchange: Exchange) -> Self {
        Self {
            url: url.to_owned(),
            html: String::new(),
            fit_html: None,
            success: false,
            cleaned_html: None,
            media: Media::default(),
            links: Links::default(),
            downloaded_files: None,
            js_execution_result: None,
            screenshot: None,
            pdf: None,
            mhtml: None,
            extracted_content: None,
            metadata: None,
            structured_data: None,
            error_message: String::new(),
            session_id: None,
            response_headers: exchange.headers,
            status_code: exchange.status,
            ssl_certificate: exchange.certificate,
            dispatch_result: None,
            redirected_status_code: exchange.final_url.as_ref().and(exchange.status),
            redirected_url: exchange.final_url,
            network_requests: None,
            console_messages: None,
            tables: Vec::new(),
            head_fingerprint: None,
            cached_at: None,
            cache_status: None,
            crawl_stats: None,
            markdown: Markdown::default(),
            engine: None,
            engine_reason: None,
            warnings: Vec::new(),
            usage: None,
        }
    }
}

/// `cache_status` as Crawl4AI reports it.
fn cache_status(stats: FetchStats) -> &'static str {
    match stats.cache_hit.map(|hit| hit.kind) {
        None => "miss",
        Some(CacheHitKind::Fresh) => "hit",
        Some(CacheHitKind::Revalidated) => "hit_validated",
        Some(CacheHitKind::Fallback) => "hit_fallback",
    }
}

fn crawl_stats(stats: FetchStats, status: Option<u16>) -> Value {
    let requested = stats.attempts > 0;
    json!({
        "attempts": stats.attempts,
        "retries": stats.attempts.saturating_sub(1),
        "proxies_used": requested
            .then(|| json!({"proxy": null, "status_code": status, "blocked": false, "reason": ""}))
            .into_iter()
            .collect::<Vec<_>>(),
        "fallback_fetch_used": false,
        "resolved_by": if stats.cache_hit.is_some() { "cache" } else { "direct" },
    })
}

/// A page's result as stored and sent: serialized once, then passed on as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRecord {
    /// The page's index in the job's list.
    pub index: u32,
    pub success: bool,
    /// The result's `error_message`.
    pub error: String,
    pub json: Bytes,
}

impl PageRecord {
    pub fn new(index: u32, result: &PageResult) -> Self {
        let json = serde_json::to_vec(result).unwrap_or_default();
        Self { index, success: result.success, error: result.error_message.clone(), json: json.into() }
    }

    /// [`Self::new`] within a limit on the JSON, which is checked as it is written. A larger result becomes a failed one.
    pub fn within(index: u32, result: &PageResult, max_bytes: usize) -> Self {
        let mut json = LimitedBuffer { bytes: Vec::new(), max: max_bytes };
        match serde_json::to_writer(&mut json, result) {
            Ok(()) => {
                let (success, error) = (result.success, result.error_message.clone());
                Self { index, success, error, json: json.bytes.into() }
            }
            Err(_) => {
                drop(json);
                let exchange = Exchange {
                    status: result.status_code,
                    headers: result.response_headers.clone(),
                    final_url: result.redirected_url.clone(),
                    ..Exchange::default()
                };
                let reason = format!("Result larger than {max_bytes} bytes");
                let failed = PageResult::failed(&result.url, exchange, None, reason);
                Self::new(index, &PageResult { crawl_stats: result.crawl_stats.clone(), ..failed })
            }
        }
    }

    /// A page that was not fetched, and the reason.
    pub fn failed(index: u32, url: &str, error: impl Into<String>) -> Self {
        Self::new(index, &PageResult::failed(url, Exchange::default(), None, error))
    }
}

/// Bytes that are written up to a limit.
struct LimitedBuffer {
    bytes: Vec<u8>,
    max: usize,
}

impl Write for LimitedBuffer {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_result_becomes_a_failed_one() {
        let page = Page { cleaned_html: "\u{1}".repeat(1000), ..Page::default() };
        let exchange = Exchange { status: Some(200), ..Exchange::default() };
        let result = PageResult::read("u", String::new(), exchange, page, FetchStats::default(), String::new());
        let whole = PageRecord::new(3, &result);
        assert_eq!(PageRecord::within(3, &result, whole.json.len()), whole);
        let failed = PageRecord::within(3, &result, whole.json.len() - 1);
        assert_eq!((failed.success, failed.index), (false, 3));
        assert_eq!(failed.error, format!("Result larger than {} bytes", whole.json.len() - 1));
        assert!(failed.json.len() < 2000 && String::from_utf8_lossy(&failed.json).contains("\"status_code\":200"));
    }
}
