//! Decodes and parses pages on a pool of threads, apart from the thread of the actors.

mod kind;
mod memory;
mod pattern_cache;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use opilio_actors::domain::crawl::{Exchange, FetchStats, PageRecord, PageResult};
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::engine::{Engine, FetchEngine};
use opilio_actors::faults;
use opilio_actors::ports::{FetchedPage, PageReader, PageReading, PageRequest, PageText};
use opilio_page::{AppShell, ContentFilter, Limits, MetaRefresh, Options, Page, ReadError};
use url::Url;

use crate::cpu_pool::{CpuPool, PoolError};
use crate::egress::format_duration;
use crate::fetchers::charset;
use kind::Kind;
use memory::ReadingMemory;
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
    /// Pages can be opened in a browser.
    pub has_browser: bool,
    /// Bytes of memory of all pages that are being read.
    pub memory: usize,
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
            has_browser: false,
            memory: 256 * 1024 * 1024,
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
    has_browser: bool,
    memory: ReadingMemory,
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
            has_browser: settings.has_browser,
            memory: ReadingMemory::new(settings.memory),
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
    ) -> PageReading<T> {
        let PageRequest { url, options, queue, .. } = request;
        let exchange = page.exchange.clone();
        let (own_url, limits) = (url.clone(), self.limits.clone());
        let options = with_filter(Arc::clone(options), self.content_filter.as_ref());
        let patterns = Arc::clone(&self.patterns);
        let has_browser = self.has_browser;
        let reserved = match self.memory.reserve(page.body.len(), queue).await {
            Ok(reserved) => reserved,
            Err(error) => {
                let content = convert(PageResult::failed(url, exchange, Some(stats), error.to_string()));
                return PageReading { content, needs_browser: None };
            }
        };
        let work = move || {
            // Until the thread ends, even if the page is overdue.
            let _reserved = reserved;
            faults::trigger(&own_url);
            let parse = |html: &str, base: &Url| {
                opilio_page::read_with(html, base, &options.page, &*patterns.of(&options.page)?, &limits)
            };
            let PageReading { mut content, mut needs_browser } = read(&own_url, page, &options, stats, parse);
            let may_use_browser = options.fetch.engine == Some(Engine::Smart) && !own_url.starts_with("raw:");
            if let Some(reason) = needs_browser.take_if(|_| !(may_use_browser && has_browser)) {
                content.warnings.push(without_browser(reason, has_browser));
            }
            PageReading { content: convert(content), needs_browser }
        };
        let reason = match self.pool.run(queue, self.timeout + GRACE, work).await {
            Ok(reading) => return reading,
            Err(PoolError::TimedOut) => too_slow(self.timeout),
            Err(PoolError::Panicked) => "Page could not be read: internal error".to_owned(),
        };
        tracing::error!(target: "reader", url = url.chars().take(200).collect::<String>(), reason, "page parsing aborted");
        let reason = status_error(&exchange).unwrap_or(reason);
        let content = convert(PageResult::failed(url, exchange, Some(stats), reason));
        PageReading { content, needs_browser: None }
    }
}

fn without_browser(reason: &str, has_browser: bool) -> String {
    let remedy = if has_browser { "request the engine `smart` or `browser`" } else { "this server has no browser" };
    format!("the content of the page is produced by scripts ({reason}), which were not run: {remedy}")
}

#[async_trait]
impl PageReader for CpuReader {
    async fn read(
        &self,
        index: u32,
        request: &PageRequest,
        page: FetchedPage,
        stats: FetchStats,
    ) -> PageReading<PageRecord> {
        let max = self.max_result_bytes;
        self.parse(request, page, stats, move |result| PageRecord::within(index, &result, max)).await
    }

    async fn read_text(&self, request: &PageRequest, page: FetchedPage) -> PageReading<Result<PageText, String>> {
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
) -> PageReading<PageResult> {
    let FetchedPage { exchange, body, content_type, warnings, .. } = page;
    let content_type = content_type.as_deref();
    let status_error = status_error(&exchange);
    let base = base(&exchange, options);
    let read = read_body(&body, content_type, &base, &options.page, parse);
    let needs_browser = match stats.engine {
        FetchEngine::Http => needs_browser(&read, &exchange),
        FetchEngine::Browser => None,
    };
    let mut content = match read {
        Ok((html, page)) => {
            let warnings = self::warnings(&page, &base);
            let result = PageResult::read(url, html, exchange, page, stats, status_error.unwrap_or_default());
            PageResult { warnings, ..result }
        }
        Err(error) => {
            let reason = status_error.unwrap_or_else(|| error.to_string());
            PageResult::failed(url, exchange, Some(stats), reason)
        }
    };
    content.warnings.extend(warnings);
    PageReading { content, needs_browser }
}

/// Why the result may lack content that visitors see.
fn warnings(page: &Page, url: &Url) -> Vec<String> {
    let refresh = page.refresh.as_ref().filter(|refresh| refresh.url != *url);
    let refresh = refresh.map(|MetaRefresh { delay, url, .. }| {
        format!("the page leads to {url} after {} s (meta refresh), which was not followed", delay.as_secs())
    });
    page.truncated.iter().cloned().chain(refresh).collect()
}

/// Why only a browser can show the page.
fn needs_browser(read: &Result<(String, Page), Unreadable>, exchange: &Exchange) -> Option<&'static str> {
    let status = exchange.status.unwrap_or(200);
    let header = |name: &str| exchange.headers.as_ref().and_then(|headers| headers.get(name)?.as_str());
    if header("cf-mitigated") == Some("challenge") {
        return Some(AppShell::Challenge.as_str());
    }
    match read {
        Ok((_, page)) => {
            let shell = page.app_shell.filter(|shell| match shell {
                AppShell::Challenge => matches!(status, 200..=299 | 403 | 429 | 503),
                _ => (200..=299).contains(&status),
            });
            shell.map(AppShell::as_str)
        }
        Err(Unreadable::Page(ReadError::SelectorNotFound { .. })) => Some("wait_for"),
        Err(_) => None,
    }
}

/// Why a body cannot be read. One sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("Unsupported content type {0}")]
    ContentType(String),
    #[error("{}", reason(.0))]
    Page(ReadError),
}

/// Decodes a body, and parses it if it is HTML. Without `content_type`, the type is detected from the bytes.
pub(crate) fn read_body(
    body: &[u8],
    content_type: Option<&str>,
    base: &Url,
    options: &Options,
    parse: impl Fn(&str, &Url) -> Result<Page, ReadError>,
) -> Result<(String, Page), Unreadable> {
    let text = |is_html| charset::decode(body, content_type, is_html).0;
    match kind::detect(content_type, body) {
        Kind::Html => {
            let html = text(true);
            let is_xhtml = content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("xhtml+xml"));
            // In a document of this type the XML declaration is optional.
            let page = match is_xhtml && !html.trim_start().starts_with("<?xml") {
                true => parse(&format!("<?xml version=\"1.0\"?>{html}"), base),
                false => parse(&html, base),
            };
            page.map(|page| (html, page)).map_err(Unreadable::Page)
        }
        Kind::Text(essence) => {
            let text = text(false);
            let page = opilio_page::read_text(&text, &essence, options);
            page.map(|page| (text, page)).map_err(Unreadable::Page)
        }
        Kind::Unsupported(essence) => Err(Unreadable::ContentType(essence)),
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
        ReadError::SelectorNotFound { selector } => {
            format!("`wait_for` is not met: no element of the page matches {selector}")
        }
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
