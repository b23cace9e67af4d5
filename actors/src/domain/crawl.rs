//! A crawl: the pages to fetch, what came back for each, and what is made of it.

use bytes::Bytes;
use jiff::Timestamp;
use opilio_page::{Links, Markdown, Media, Page, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::crawl_options::CrawlOptions;
use super::text::visible;

/// Which pages, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrawlSpec {
    pub urls: Vec<String>,
    #[serde(default)]
    pub options: CrawlOptions,
    /// Those of each page, in the order of `urls`, where they differ; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<CrawlOptions>,
}

impl CrawlSpec {
    /// What holds for the page at this index.
    pub fn options_of(&self, index: usize) -> &CrawlOptions {
        self.each.get(index).unwrap_or(&self.options)
    }
}

/// What the server said about a page, beside its body. All absent where there was no server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    pub status: Option<u16>,
    /// Lower-case names; a name that came several times is joined by `, `.
    pub headers: Option<Map<String, Value>>,
    /// The address after redirects.
    pub final_url: Option<String>,
}

/// How a page was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    pub attempts: u32,
    /// It was fetched earlier.
    pub kept: Option<Kept>,
}

/// Of a page that was fetched earlier: when, and why it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub at: Timestamp,
    pub by: KeptBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptBy {
    /// The job takes any page that is kept.
    Choice,
    /// Its server says that it has not changed.
    Unchanged,
    /// Its server does not answer.
    Unanswered,
}

/// One entry of `results`, with every key that the contract names; `serde` writes exactly these.
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
}

impl PageResult {
    /// A page that was fetched and read. `error` is empty when that is a success.
    pub fn read(url: &str, html: String, exchange: Exchange, page: Page, effort: Effort, error: String) -> Self {
        let stats = crawl_stats(effort, exchange.status);
        Self {
            html,
            success: error.is_empty(),
            error_message: error,
            cleaned_html: Some(page.cleaned_html),
            media: page.media,
            links: page.links,
            metadata: Some(page.metadata),
            tables: page.tables,
            head_fingerprint: page.head_fingerprint,
            extracted_content: page.extracted_content,
            fit_html: page.fit_html,
            markdown: page.markdown,
            crawl_stats: Some(stats),
            cache_status: Some(cache_status(effort).to_owned()),
            cached_at: effort.kept.map(|kept| kept.at.as_millisecond() as f64 / 1000.0),
            ..Self::unread(url, exchange)
        }
    }

    /// A page of which there is nothing but the reason.
    pub fn failed(url: &str, exchange: Exchange, effort: Option<Effort>, error: impl Into<String>) -> Self {
        let stats = effort.map(|effort| crawl_stats(effort, exchange.status));
        let error = visible(&error.into()).into_owned();
        Self { error_message: error, crawl_stats: stats, ..Self::unread(url, exchange) }
    }

    fn unread(url: &str, exchange: Exchange) -> Self {
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
            error_message: String::new(),
            session_id: None,
            response_headers: exchange.headers,
            status_code: exchange.status,
            ssl_certificate: None,
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
        }
    }
}

/// As the clients of Crawl4AI know it.
fn cache_status(effort: Effort) -> &'static str {
    match effort.kept.map(|kept| kept.by) {
        None => "miss",
        Some(KeptBy::Choice) => "hit",
        Some(KeptBy::Unchanged) => "hit_validated",
        Some(KeptBy::Unanswered) => "hit_fallback",
    }
}

fn crawl_stats(effort: Effort, status: Option<u16>) -> Value {
    let asked = effort.attempts > 0;
    json!({
        "attempts": effort.attempts,
        "retries": effort.attempts.saturating_sub(1),
        "proxies_used": asked.then(|| json!({"proxy": null, "status_code": status, "blocked": false, "reason": ""}))
            .into_iter().collect::<Vec<_>>(),
        "fallback_fetch_used": false,
        "resolved_by": if effort.kept.is_some() { "cache" } else { "direct" },
    })
}

/// One page's result as it is stored and sent: its JSON is written once and never parsed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRecord {
    /// Its place in the job's list.
    pub index: u32,
    pub success: bool,
    /// `error_message` of the result.
    pub error: String,
    pub json: Bytes,
}

impl PageRecord {
    pub fn new(index: u32, result: &PageResult) -> Self {
        let json = serde_json::to_vec(result).unwrap_or_default();
        Self { index, success: result.success, error: result.error_message.clone(), json: json.into() }
    }

    /// A page that was never read, and why.
    pub fn failed(index: u32, url: &str, error: impl Into<String>) -> Self {
        Self::new(index, &PageResult::failed(url, Exchange::default(), None, error))
    }
}
