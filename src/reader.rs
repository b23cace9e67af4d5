//! Pages to records: decoded, read and written out on a small pool of threads, away from those that serve messages.

mod kind;
mod pool;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use opilio_actors::domain::crawl::{Exchange, FetchStats, PageRecord, PageResult};
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::faults;
use opilio_actors::ports::{FetchedPage, PageReader, PageRequest};
use opilio_page::{ContentFilter, Limits, Markdown, Options, Page, ReadError};
use url::Url;

use crate::egress::in_words;
use crate::fetchers::charset;
use kind::Kind;
use pool::{Broken, CpuPool};

/// Beyond its own limit a page gets this much to notice it, and to be written out.
const GRACE: Duration = Duration::from_secs(1);

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct ReaderSettings {
    /// Pages being read at the same moment.
    pub places: usize,
    /// One page, waiting for its place not included.
    pub timeout: Duration,
    /// The other bounds on a page; its deadline is the time-out. `max_bytes` counts text: at most three times the bytes
    /// that were fetched.
    pub limits: Limits,
    /// What counts as the main content where a job does not say.
    pub content_filter: Option<ContentFilter>,
}

impl Default for ReaderSettings {
    /// One place a core.
    fn default() -> Self {
        Self {
            places: std::thread::available_parallelism().map_or(1, usize::from),
            timeout: Duration::from_secs(10),
            limits: Limits { max_bytes: 64 * 1024 * 1024, ..Limits::default() },
            content_filter: None,
        }
    }
}

/// Reads pages. Every page comes out as a record, also one that panics or does not end.
pub struct CpuReader {
    pool: CpuPool,
    timeout: Duration,
    limits: Limits,
    content_filter: Option<ContentFilter>,
}

impl CpuReader {
    pub fn new(settings: ReaderSettings) -> Self {
        Self {
            pool: CpuPool::new(settings.places),
            timeout: settings.timeout,
            limits: Limits { deadline: Some(settings.timeout), ..settings.limits },
            content_filter: settings.content_filter,
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
        let PageRequest { url, options, queue } = request;
        let exchange = page.exchange.clone();
        let (own_url, limits) = (url.clone(), self.limits.clone());
        let options = with_filter(Arc::clone(options), self.content_filter.as_ref());
        let work = move || {
            faults::trigger(&own_url);
            convert(read(&own_url, page, &options, &limits, stats))
        };
        let reason = match self.pool.run(queue, self.timeout + GRACE, work).await {
            Ok(converted) => return converted,
            Err(Broken::Overran) => too_slow(self.timeout),
            Err(Broken::Panicked) => "Page could not be read: internal error".to_owned(),
        };
        tracing::error!(target: "reader", url = url.chars().take(200).collect::<String>(), reason);
        let reason = status_error(&exchange).unwrap_or(reason);
        convert(PageResult::failed(url, exchange, Some(stats), reason))
    }
}

#[async_trait]
impl PageReader for CpuReader {
    async fn read(&self, index: u32, request: &PageRequest, page: FetchedPage, stats: FetchStats) -> PageRecord {
        self.parse(request, page, stats, move |result| PageRecord::new(index, &result)).await
    }

    async fn read_markdown(&self, request: &PageRequest, page: FetchedPage) -> Result<Markdown, String> {
        let convert = |result: PageResult| if result.success { Ok(result.markdown) } else { Err(result.error_message) };
        self.parse(request, page, FetchStats::default(), convert).await
    }
}

/// The operator's filter counts where the job has none.
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

/// Whether these bytes are plainly no text.
pub(crate) fn is_no_text(body: &[u8]) -> bool {
    matches!(kind::of(None, body), Kind::Unsupported(_))
}

/// The whole of the work on one page. What a page with an error status says is given as well, where it can be read.
pub(crate) fn read(
    url: &str,
    page: FetchedPage,
    options: &CrawlOptions,
    limits: &Limits,
    stats: FetchStats,
) -> PageResult {
    let FetchedPage { exchange, body, content_type, .. } = page;
    let content_type = content_type.as_deref();
    let status_error = status_error(&exchange);
    match read_body(&body, content_type, &base(&exchange, options), &options.page, limits) {
        Ok((html, page)) => PageResult::read(url, html, exchange, page, stats, status_error.unwrap_or_default()),
        Err(reason) => PageResult::failed(url, exchange, Some(stats), status_error.unwrap_or(reason)),
    }
}

/// A body's text, and the page it is. Without a `content_type` it is taken for what it looks like.
///
/// # Errors
/// Why it is no page, in one sentence.
pub(crate) fn read_body(
    body: &[u8],
    content_type: Option<&str>,
    base: &Url,
    options: &Options,
    limits: &Limits,
) -> Result<(String, Page), String> {
    let text = |is_html| charset::decode(body, content_type, is_html).0;
    match kind::of(content_type, body) {
        Kind::Html => {
            let html = text(true);
            let page = opilio_page::read(&html, base, options, limits);
            page.map(|page| (html, page)).map_err(|error| reason(&error))
        }
        Kind::Text(essence) => {
            let text = text(false);
            let page = opilio_page::read_text(&text, &essence, options);
            Ok((text, page))
        }
        Kind::Unsupported(essence) => Err(format!("Unsupported content type {essence}")),
    }
}

/// A page without an address of its own has the base that the job gives it, or none.
fn base(exchange: &Exchange, options: &CrawlOptions) -> Url {
    let address = exchange.final_url.as_deref().and_then(|url| Url::parse(url).ok());
    address.or_else(|| options.base_url.clone()).unwrap_or_else(|| Url::parse("about:blank").expect("a constant"))
}

fn reason(error: &ReadError) -> String {
    match error {
        ReadError::Deadline { limit } => too_slow(*limit),
        other => format!("Page could not be read: {other}"),
    }
}

fn too_slow(limit: Duration) -> String {
    format!("Page could not be read within {}", in_words(limit))
}

/// `HTTP 404 Not Found`.
fn status_error(exchange: &Exchange) -> Option<String> {
    let status = exchange.status.filter(|status| *status >= 400)?;
    let words = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    Some(words.map_or_else(|| format!("HTTP {status}"), |words| format!("HTTP {status} {words}")))
}

#[cfg(test)]
mod tests;
