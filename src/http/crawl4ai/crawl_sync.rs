//! `POST /crawl` and `POST /crawl/stream`: synchronous crawls.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::crawl_result::{self, ServerMemory};
use opilio_actors::domain::job::{Job, Warning};
use opilio_actors::domain::page_template::PageTemplate;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::crawl_request::CrawlRequest;
use super::crawl_stream;
use super::hooks::Hooks;
use super::schemas;
use crate::http::api::Api;
use crate::http::body::{self, Body};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::operation_builder::{Operation, operation};
use crate::http::page_schema::PageResult;
use crate::http::parsing;
use crate::http::results::{self, Selection};
use crate::http::route::{POST, Route, SUBMIT, SYNCHRONOUS, route};
use crate::http::schemas::Warning as WarningSchema;
use crate::http::server_memory::MemoryMeter;
use crate::http::sync_job::SyncJob;

const NDJSON: &str = "application/x-ndjson";

pub fn routes() -> Vec<Route> {
    vec![
        route(POST, "/crawl", SUBMIT, SYNCHRONOUS, crawl, crawl_operation()),
        route(POST, "/crawl/stream", SUBMIT, SYNCHRONOUS, crawl_stream, stream_operation()),
    ]
}

async fn crawl(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, reservation) = body::json(&request, body)?.into_parts();
    let memory = MemoryMeter::start();
    let (crawl, body) = parsing::parse(&api, &caller, body, parse).await?;
    drop(body);
    let crawl = crawl?;
    let (stream, hooks) = (crawl.stream, crawl.hooks.clone());
    let mut job = SyncJob::submit(api, &caller, crawl.into_spec()).await?;
    let warnings = job.warnings.clone();
    drop(reservation);
    if stream {
        return Ok(crawl_stream::respond(job, warnings));
    }
    let crawled = job.settled().await?;
    let selection = Selection::first(crawled.progress.total);
    let template = response_template(&crawled, memory.read(), &warnings, &hooks);
    results::respond(&job.api, &crawled.id, "application/json", template, selection).await
}

async fn crawl_stream(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    let (crawl, body) = parsing::parse(&api, &caller, body, parse).await?;
    drop(body);
    let crawl = crawl?;
    let job = SyncJob::submit(api, &caller, crawl.into_spec()).await?;
    let warnings = job.warnings.clone();
    Ok(crawl_stream::respond(job, warnings))
}

/// The body of a synchronous crawl.
///
/// # Errors
/// `Invalid`; `Unsupported`.
pub fn parse(api: &Api, body: &Value) -> Result<CrawlRequest, ApiError> {
    Ok(CrawlRequest::for_sync(body, api.request_policy())?)
}

/// The result of a crawl, with the request's warnings and, as in Crawl4AI, with the points at which its hooks ran.
pub fn response_template(job: &Job, memory: ServerMemory, warnings: &[Warning], hooks: &Hooks) -> PageTemplate {
    let mut result = crawl_result::result_with_memory(job, memory);
    if let Some(attached) = hooks.attached() {
        result = result.with("hooks", PageTemplate::json(&json!({"status": "success", "attached": attached})));
    }
    if warnings.is_empty() { result } else { result.with("warnings", PageTemplate::json(warnings)) }
}

/// The result of a synchronous crawl.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the response contains pages as they were stored; tests compare it with this schema")]
struct Crawled {
    success: bool,
    /// In the order of `urls`.
    results: Vec<PageResult>,
    server_processing_time_s: f64,
    /// Change of the process' resident memory, in MiB.
    server_memory_delta_mb: f64,
    /// The process' resident memory, in MiB.
    server_peak_memory_mb: f64,
    /// The hooks of the request, in Crawl4AI's form.
    #[schema(nullable = false)]
    hooks: Option<HooksStatus>,
    #[schema(nullable = false)]
    warnings: Option<Vec<WarningSchema>>,
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct HooksStatus {
    #[schema(example = "success")]
    status: String,
    /// The points of a crawl at which Crawl4AI's hooks run.
    attached: Vec<String>,
}

fn request_example() -> Value {
    json!({"urls": ["https://example.com"], "crawler_config": {"page_timeout": 15000}})
}

fn crawl_operation() -> Operation {
    let result = json!({
        "success": true, "results": [], "server_processing_time_s": 0.4, "server_memory_delta_mb": 0.5,
        "server_peak_memory_mb": 42.5,
    });
    operation("sync", "crawl", "Crawl pages and wait for the result")
        .description("With `stream: true` in `crawler_config` the response is NDJSON, as that of `/crawl/stream`.")
        .request::<schemas::CrawlRequest>(request_example())
        .response_or::<Crawled>(200, "The pages. `success`: whether at least one of them succeeded", NDJSON, result)
        .errors(&[409])
        .build()
}

fn stream_operation() -> Operation {
    let lines = "{\"url\": \"https://example.com\", \"success\": true, …}\n{\"status\": \"completed\"}\n";
    operation("sync", "crawl_stream", "Crawl pages and receive each as soon as it is finished")
        .description("If the client disconnects, the crawl is cancelled.")
        .request::<schemas::CrawlRequest>(request_example())
        .response_as(
            200,
            "One page per line, and a last line with the status and, if keys had no effect, `warnings`",
            NDJSON,
            lines,
        )
        .errors(&[409])
        .build()
}
