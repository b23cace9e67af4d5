//! What is told of pages.
#![allow(dead_code, reason = "they are described, never built")]

use std::collections::HashMap;

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answers::Warning;

/// One page's result. All keys are always there.
#[derive(ToSchema)]
pub struct PageResult {
    /// As it was submitted.
    url: String,
    html: String,
    /// The main content as HTML, where a filter was asked for.
    #[schema(required)]
    fit_html: Option<String>,
    success: bool,
    /// The page without scripts, styles, comments and most attributes.
    #[schema(required)]
    cleaned_html: Option<String>,
    media: Media,
    links: PageLinks,
    #[schema(required)]
    downloaded_files: Option<Vec<String>>,
    #[schema(required)]
    js_execution_result: Option<Value>,
    #[schema(required)]
    screenshot: Option<String>,
    #[schema(required)]
    pdf: Option<String>,
    #[schema(required)]
    mhtml: Option<String>,
    /// Fields that an extraction strategy picked, as JSON text.
    #[schema(required)]
    extracted_content: Option<String>,
    /// `title`, `description`, `keywords`, `author`, and every `og:`, `twitter:` and `article:` property by its name.
    #[schema(required)]
    metadata: Option<HashMap<String, Value>>,
    /// Empty when it succeeded.
    error_message: String,
    #[schema(required)]
    session_id: Option<String>,
    #[schema(required)]
    response_headers: Option<HashMap<String, Value>>,
    #[schema(required)]
    status_code: Option<u16>,
    #[schema(required)]
    ssl_certificate: Option<Value>,
    #[schema(required)]
    dispatch_result: Option<Value>,
    /// The address after redirects.
    #[schema(required)]
    redirected_url: Option<String>,
    #[schema(required)]
    redirected_status_code: Option<u16>,
    #[schema(required)]
    network_requests: Option<Vec<Value>>,
    #[schema(required)]
    console_messages: Option<Vec<Value>>,
    tables: Vec<Table>,
    #[schema(required)]
    head_fingerprint: Option<String>,
    /// Seconds since 1970.
    #[schema(required)]
    cached_at: Option<f64>,
    /// `miss`, `hit`, `hit_validated` or `hit_fallback`.
    #[schema(required)]
    cache_status: Option<String>,
    #[schema(required)]
    crawl_stats: Option<Value>,
    markdown: PageMarkdown,
}

/// One page's result: all keys, or those that `fields` asked for.
pub struct PartOfPage;

impl PartialSchema for PartOfPage {
    fn schema() -> RefOr<Schema> {
        match PageResult::schema() {
            RefOr::T(Schema::Object(mut page)) => {
                page.required.clear();
                page.description = Some("One page's result: all keys, or those that `fields` asked for.".to_owned());
                page.into()
            }
            other => other,
        }
    }
}

impl ToSchema for PartOfPage {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        PageResult::schemas(schemas);
    }
}

#[derive(ToSchema)]
pub struct PageMarkdown {
    raw_markdown: String,
    markdown_with_citations: String,
    references_markdown: String,
    fit_markdown: String,
    fit_html: String,
}

#[derive(ToSchema)]
pub struct Media {
    images: Vec<MediaItem>,
    videos: Vec<MediaItem>,
    audios: Vec<MediaItem>,
}

#[derive(ToSchema)]
pub struct MediaItem {
    src: String,
    data: String,
    alt: String,
    desc: String,
    score: u32,
    #[schema(rename = "type")]
    kind: String,
    group_id: u32,
    format: Option<String>,
    width: Option<u32>,
}

#[derive(ToSchema)]
pub struct PageLinks {
    internal: Vec<PageLink>,
    external: Vec<PageLink>,
}

#[derive(ToSchema)]
pub struct PageLink {
    href: String,
    text: String,
    title: String,
    base_domain: String,
    head_data: Option<Value>,
    head_extraction_status: Option<String>,
    head_extraction_error: Option<String>,
    intrinsic_score: Option<f64>,
    contextual_score: Option<f64>,
    total_score: Option<f64>,
}

#[derive(ToSchema)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    caption: String,
    summary: String,
    metadata: HashMap<String, Value>,
}

/// A crawl's `result`.
#[derive(ToSchema)]
pub struct CrawlResult {
    /// Whether any page succeeded.
    success: bool,
    /// In the order of `urls`.
    results: Vec<PartOfPage>,
    server_processing_time_s: f64,
    #[schema(required)]
    server_memory_delta_mb: Option<f64>,
    #[schema(required)]
    server_peak_memory_mb: Option<f64>,
}

/// The answer to a crawl that was waited for.
#[derive(ToSchema)]
pub struct Crawled {
    success: bool,
    /// In the order of `urls`.
    results: Vec<PageResult>,
    server_processing_time_s: f64,
    #[schema(required)]
    server_memory_delta_mb: Option<f64>,
    #[schema(required)]
    server_peak_memory_mb: Option<f64>,
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

#[derive(ToSchema)]
pub struct Markdown {
    url: String,
    filter: String,
    #[schema(required)]
    query: Option<String>,
    cache: String,
    markdown: String,
    success: bool,
    /// Keys of the request that had no effect.
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

#[derive(ToSchema)]
pub struct Html {
    /// Made small, for writing a schema by.
    html: String,
    url: String,
    success: bool,
    /// Keys of the request that had no effect.
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

#[derive(ToSchema)]
pub struct Answer {
    /// To the question; where there was none, but a job's id, the rest is the job.
    #[schema(nullable = false)]
    answer: Option<String>,
}

/// A configuration in its typed form.
#[derive(ToSchema)]
pub struct Configuration {
    #[schema(rename = "type")]
    kind: String,
    params: HashMap<String, Value>,
    /// Keys that have no effect.
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

/// The default of every key.
#[derive(ToSchema)]
pub struct Defaults {
    browser: Configuration,
    crawler: Configuration,
}
