//! The declarations of the synchronous routes in Crawl4AI's form, and the schemas of their responses.

use std::collections::HashMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::schemas::{ConfigDump, CrawlRequest, HtmlRequest, MarkdownRequest};
use super::{config_dump, crawl_sync, llm_answer, markdown, page_html};
use crate::http::openapi::operation_builder::{Operation, operation, string};
use crate::http::page_schema::PageResult;
use crate::http::route::{GET, POST, READ, Route, STANDARD, SUBMIT, SYNCHRONOUS, route};
use crate::http::schemas::Warning;

const NDJSON: &str = "application/x-ndjson";

/// `GET /llm/{url}` requires only [`READ`], because with a job's id it returns the job; a question requires
/// [`SUBMIT`](crate::http::route::SUBMIT) when it submits its job. `POST /config/dump` changes nothing.
pub fn routes() -> Vec<Route> {
    vec![
        route(POST, "/crawl", SUBMIT, SYNCHRONOUS, crawl_sync::crawl, crawl_operation()),
        route(POST, "/crawl/stream", SUBMIT, SYNCHRONOUS, crawl_sync::crawl_stream, stream_operation()),
        route(POST, "/md", SUBMIT, SYNCHRONOUS, markdown::markdown, markdown_operation()),
        route(POST, "/html", SUBMIT, SYNCHRONOUS, page_html::html, html_operation()),
        route(GET, "/llm/{url:.+}", READ, SYNCHRONOUS, llm_answer::ask, ask_operation()),
        route(GET, "/schema", READ, STANDARD, config_dump::schema, schema_operation()),
        route(POST, "/config/dump", READ, STANDARD, config_dump::dump, dump_operation()),
    ]
}

fn crawl_request() -> Value {
    json!({"urls": ["https://example.com"], "crawler_config": {"page_timeout": 15000}})
}

fn crawl_operation() -> Operation {
    let result = json!({
        "success": true, "results": [], "server_processing_time_s": 0.4, "server_memory_delta_mb": null,
        "server_peak_memory_mb": null,
    });
    operation("sync", "crawl", "Crawl pages and wait for the result")
        .description("With `stream: true` in `crawler_config` the response is NDJSON, as that of `/crawl/stream`.")
        .request::<CrawlRequest>(crawl_request())
        .response_or::<Crawled>(200, "At least one page succeeded", NDJSON, result)
        .error_with_reason(500, "No page succeeded (`detail` has the reason of the first), or an internal error")
        .errors(&[409, 501])
        .build()
}

fn stream_operation() -> Operation {
    let lines = "{\"url\": \"https://example.com\", \"success\": true, …}\n{\"status\": \"completed\"}\n";
    operation("sync", "crawl_stream", "Crawl pages and receive each as soon as it is finished")
        .description("If the client disconnects, the crawl is cancelled.")
        .request::<CrawlRequest>(crawl_request())
        .response_as(
            200,
            "One page per line, and a last line with the status and, if keys had no effect, `warnings`",
            NDJSON,
            lines,
        )
        .errors(&[409, 501])
        .build()
}

fn markdown_operation() -> Operation {
    let page = json!({
        "url": "https://example.com", "filter": "raw", "query": null, "cache": "0", "markdown": "# Example Domain",
        "success": true,
    });
    operation("sync", "markdown", "Convert a page to Markdown")
        .request::<MarkdownRequest>(json!({"url": "https://example.com", "f": "raw"}))
        .response::<Markdown>(200, "The page", page)
        .errors(&[400, 409, 501, 502])
        .build()
}

fn html_operation() -> Operation {
    let page = json!({"html": "<h1>Example Domain</h1>", "url": "https://example.com", "success": true});
    operation("sync", "html", "Reduce a page's HTML, for writing an extraction schema")
        .request::<HtmlRequest>(json!({"url": "https://example.com"}))
        .response::<Html>(200, "The page", page)
        .errors(&[409, 502])
        .build()
}

fn ask_operation() -> Operation {
    operation("sync", "ask", "Ask a language model about a page")
        .description(
            "Without `q` and with a job's id instead of the URL, the response is that of `GET /llm/job/{task_id}`.",
        )
        .path("url", string(), "The page's URL, also percent-encoded or without its scheme")
        .query("q", string(), "The question")
        .query("provider", string(), "`family/model`. The default is configured on the server")
        .query("temperature", string(), "0.0 to 2.0")
        .query("offset", string(), "For a job: index in `urls` of the first page")
        .query("limit", string(), "For a job: maximum number of pages")
        .query("fields", string(), "For a job: keys of each page, separated by commas")
        .response::<Answer>(200, "The model's answer", json!({"answer": "It is an example."}))
        .errors(&[400, 404, 409, 422, 502])
        .build()
}

fn schema_operation() -> Operation {
    let defaults = json!({
        "browser": {"type": "BrowserConfig", "params": {"headless": true}},
        "crawler": {"type": "CrawlerRunConfig", "params": {"page_timeout": 60000}},
    });
    operation("sync", "get_schema", "Get the defaults of all configuration keys")
        .response::<Defaults>(200, "Both configurations", defaults)
        .build()
}

fn dump_operation() -> Operation {
    let config = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000}});
    operation("sync", "dump_config", "Normalize a configuration")
        .description("Removes wrappers and unknown keys.")
        .request::<ConfigDump>(config.clone())
        .response::<Configuration>(200, "The configuration", config)
        .build()
}

/// The result of a synchronous crawl.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the response contains pages as they were stored; tests compare it with this schema")]
struct Crawled {
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
#[allow(dead_code, reason = "only described, never constructed")]
struct Markdown {
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
#[allow(dead_code, reason = "only described, never constructed")]
struct Html {
    /// Reduced to what an extraction schema needs.
    html: String,
    url: String,
    success: bool,
    /// Keys of the request that had no effect.
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct Answer {
    /// Absent if the response is a job.
    #[schema(nullable = false)]
    answer: Option<String>,
}

/// A configuration in its typed form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct Configuration {
    #[schema(rename = "type")]
    kind: String,
    params: HashMap<String, Value>,
    /// Keys that have no effect.
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

/// The defaults of all keys.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct Defaults {
    browser: Configuration,
    crawler: Configuration,
}
