//! Decodes and parses pages on a pool of threads, apart from the thread of the actors.

mod kind;
mod pattern_cache;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use opilio_actors::domain::crawl::{Exchange, FetchStats, PageRecord, PageResult};
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::faults;
use opilio_actors::ports::{FetchedPage, PageReader, PageRequest, PageText};
use opilio_page::{ContentFilter, Limits, MetaRefresh, Options, Page, ReadError};
use url::Url;

use crate::cpu_pool::{CpuPool, PoolError};
use crate::egress::format_duration;
use crate::fetchers::charset;
use kind::Kind;
use pattern_cache::PatternCache;

/// Time after the timeout in which a page may still report it, and be serialized.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct ReaderSettings {
    /// Pages that are parsed at the same time.
    pub threads: usize,
    /// Time for one page, without the wait for a thread.
    pub timeout: Duration,
    /// The deadline is replaced by `timeout`. `max_bytes` counts decoded text: up to three times the fetched bytes.
    pub limits: Limits,
    /// Unless the job sets one.
    pub content_filter: Option<ContentFilter>,
    /// Bytes of the result of one page as JSON; `None`: unlimited.
    pub max_result_bytes: Option<NonZeroUsize>,
}

impl Default for ReaderSettings {
    /// One thread per core.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            timeout: Duration::from_secs(10),
            limits: Limits { max_bytes: 64 * 1024 * 1024, ..Limits::default() },
            content_filter: None,
            max_result_bytes: None,
        }
    }
}

/// Parses pages. A page that panics or does not end becomes a failed record.
pub struct CpuReader {
    pool: CpuPool,
    timeout: Duration,
    limits: Limits,
    content_filter: Option<ContentFilter>,
    patterns: Arc<PatternCache>,
    max_result_bytes: usize,
}

impl CpuReader {
    pub fn new(settings: ReaderSettings) -> Self {
        Self {
            pool: CpuPool::new(settings.threads),
            timeout: settings.timeout,
            limits: Limits { deadline: Some(settings.timeout), ..settings.limits },
            content_filter: settings.content_filter,
            patterns: Arc::default(),
            max_result_bytes: settings.max_result_bytes.map_or(usize::MAX, NonZeroUsize::get),
        }
    }
}

impl CpuReader {
    /// Parses a page on the pool and passes its result to `convert`, also on the pool unless reading fails.
    async fn parse<T: Send + 'static>(
        &self,
        request: &PageRequest,
        page: FetchedPage,
        stats: FetchStats,
        convert: impl Fn(PageResult) -> T + Copy + Send + 'static,
    ) -> T {
        let PageRequest { url, options, queue, .. } = request;
        let exchange = page.exchange.clone();
        let (own_url, limits) = (url.clone(), self.limits.clone());
        let options = with_filter(Arc::clone(options), self.content_filter.as_ref());
        let patterns = Arc::clone(&self.patterns);
        let work = move || {
            faults::trigger(&own_url);
            let parse = |html: &str, base: &Url| {
                opilio_page::read_with(html, base, &options.page, &*patterns.of(&options.page)?, &limits)
            };
            convert(read(&own_url, page, &options, stats, parse))
        };
        let reason = match self.pool.run(queue, self.timeout + GRACE, work).await {
            Ok(converted) => return converted,
            Err(PoolError::TimedOut) => too_slow(self.timeout),
            Err(PoolError::Panicked) => "Page could not be read: internal error".to_owned(),
        };
        tracing::error!(target: "reader", url = url.chars().take(200).collect::<String>(), reason, "page parsing aborted");
        let reason = status_error(&exchange).unwrap_or(reason);
        convert(PageResult::failed(url, exchange, Some(stats), reason))
    }
}

#[async_trait]
impl PageReader for CpuReader {
    async fn read(&self, index: u32, request: &PageRequest, page: FetchedPage, stats: FetchStats) -> PageRecord {
        let max = self.max_result_bytes;
        self.parse(request, page, stats, move |result| PageRecord::within(index, &result, max)).await
    }

    async fn read_text(&self, request: &PageRequest, page: FetchedPage) -> Result<PageText, String> {
        let convert = |result: PageResult| if result.success { Ok(text(result)) } else { Err(result.error_message) };
        self.parse(request, page, FetchStats::default(), convert).await
    }
}

fn text(PageResult { metadata, markdown, .. }: PageResult) -> PageText {
    let title = metadata.as_ref().and_then(|metadata| metadata.get("title")?.as_str());
    PageText { title: title.unwrap_or_default().to_owned(), markdown }
}

/// Applies the operator's filter unless the job has one.
fn with_filter(options: Arc<CrawlOptions>, filter: Option<&ContentFilter>) -> Arc<CrawlOptions> {
    match filter {
        Some(filter) if options.page.content_filter.is_none() => {
            let mut options = CrawlOptions::clone(&options);
            options.page.content_filter = Some(filter.clone());
            Arc::new(options)
        }
        _ => options,
    }
}

/// Whether the bytes are a binary format.
pub(crate) fn is_binary(body: &[u8]) -> bool {
    matches!(kind::detect(None, body), Kind::Unsupported(_))
}

/// Parses a page into its result. The content of a page with an error status is included if it can be parsed.
pub fn read(
    url: &str,
    page: FetchedPage,
    options: &CrawlOptions,
    stats: FetchStats,
    parse: impl Fn(&str, &Url) -> Result<Page, ReadError>,
) -> PageResult {
    let FetchedPage { exchange, body, content_type, .. } = page;
    let content_type = content_type.as_deref();
    let status_error = status_error(&exchange);
    let base = base(&exchange, options);
    match read_body(&body, content_type, &base, &options.page, parse) {
        Ok((html, page)) => {
            let warnings = warnings(&page, &base);
            let result = PageResult::read(url, html, exchange, page, stats, status_error.unwrap_or_default());
            PageResult { warnings, ..result }
        }
        Err(reason) => PageResult::failed(url, exchange, Some(stats), status_error.unwrap_or(reason)),
    }
}

/// Why the result may lack content that visitors see.
fn warnings(page: &Page, url: &Url) -> Vec<String> {
    let refresh = page.refresh.as_ref().filter(|refresh| refresh.url != *url);
    let refresh = refresh.map(|MetaRefresh { delay, url, .. }| {
        format!("the page leads to {url} after {} s (meta refresh), which was not followed", delay.as_secs())
    });
    page.truncated.iter().cloned().chain(refresh).collect()
}

/// Decodes a body, and parses it if it is HTML. Without `content_type`, the type is detected from the bytes.
///
/// # Errors
/// The reason, as one sentence.
pub(crate) fn read_body(
    body: &[u8],
    content_type: Option<&str>,
    base: &Url,
    options: &Options,
    parse: impl Fn(&str, &Url) -> Result<Page, ReadError>,
) -> Result<(String, Page), String> {
    let text = |is_html| charset::decode(body, content_type, is_html).0;
    match kind::detect(content_type, body) {
        Kind::Html => {
            let html = text(true);
            let page = parse(&html, base);
            page.map(|page| (html, page)).map_err(|error| reason(&error))
        }
        Kind::Text(essence) => {
            let text = text(false);
            let page = opilio_page::read_text(&text, &essence, options);
            page.map(|page| (text, page)).map_err(|error| reason(&error))
        }
        Kind::Unsupported(essence) => Err(format!("Unsupported content type {essence}")),
    }
}

/// The URL that relative links are resolved against. `raw:` pages have the `base_url` of the job, or none.
fn base(exchange: &Exchange, options: &CrawlOptions) -> Url {
    let address = exchange.final_url.as_deref().and_then(|url| Url::parse(url).ok());
    address.or_else(|| options.base_url.clone()).unwrap_or_else(|| Url::parse("about:blank").expect("a constant"))
}

fn reason(error: &ReadError) -> String {
    match error {
        ReadError::Deadline { limit } => too_slow(*limit),
        ReadError::SelectorNotFound { selector } => format!(
            "`wait_for` is not met: no element of the fetched HTML matches {selector}; the page's scripts are not run"
        ),
        other => format!("Page could not be read: {other}"),
    }
}

fn too_slow(limit: Duration) -> String {
    format!("Page could not be read within {}", format_duration(limit))
}

/// `HTTP 404 Not Found`.
fn status_error(exchange: &Exchange) -> Option<String> {
    let status = exchange.status.filter(|status| *status >= 400)?;
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    Some(reason.map_or_else(|| format!("HTTP {status}"), |reason| format!("HTTP {status} {reason}")))
}

#[cfg(test)]
mod tests;
