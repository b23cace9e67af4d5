//! Schemas of crawl results. Responses contain pages as they were stored; tests compare them with these schemas.
#![allow(dead_code, reason = "only described, never constructed")]

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::schemas::Usage;

/// The result of one page. All keys except `usage` are always present.
#[derive(ToSchema)]
pub struct PageResult {
    /// As submitted.
    url: String,
    html: String,
    /// The main content as HTML, if a content filter was configured.
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
    /// The fields that an extraction strategy extracted, as JSON text.
    #[schema(required)]
    extracted_content: Option<String>,
    /// `title`, `description`, `keywords`, `author`, and each `og:`, `twitter:` and `article:` property by its name.
    #[schema(required)]
    metadata: Option<HashMap<String, Option<String>>>,
    /// The data that the page embeds: `json_ld`, `microdata` (lists) and `opengraph` (an object).
    #[schema(required)]
    structured_data: Option<Value>,
    /// Empty on success.
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
    /// The URL after redirects.
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
    /// `http` or `browser`; `null` if the page was not fetched.
    #[schema(required)]
    engine: Option<String>,
    /// Why the page was opened in the browser: `requested`, `app_shell`, `empty_page`, `script_redirect`, `challenge` or
    /// `wait_for`.
    #[schema(required)]
    engine_reason: Option<String>,
    /// Why the page may be incomplete.
    warnings: Vec<String>,
    /// The tokens that the extraction by a language model used; absent without one.
    #[schema(nullable = false)]
    usage: Option<Usage>,
}

/// The result of one page: all keys, or those in `fields`.
pub struct PartialPageResult;

impl PartialSchema for PartialPageResult {
    fn schema() -> RefOr<Schema> {
        match PageResult::schema() {
            RefOr::T(Schema::Object(mut page)) => {
                page.required.clear();
                page.description = Some("The result of one page: all keys, or those in `fields`.".to_owned());
                page.into()
            }
            other => other,
        }
    }
}

impl ToSchema for PartialPageResult {
    fn name() -> Cow<'static, str> {
        "PartialPageResult".into()
    }

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

/// The `result` of a crawl job.
#[derive(ToSchema)]
pub struct CrawlResult {
    /// Whether a page succeeded.
    success: bool,
    /// In the order of `urls`.
    results: Vec<PartialPageResult>,
    server_processing_time_s: f64,
    /// 0: measured only for synchronous crawls.
    server_memory_delta_mb: f64,
    /// 0: measured only for synchronous crawls.
    server_peak_memory_mb: f64,
}
