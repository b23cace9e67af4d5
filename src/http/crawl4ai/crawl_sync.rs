//! `POST /crawl` and `POST /crawl/stream`: synchronous crawls.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::crawl_result;
use opilio_actors::domain::job::{Job, Warning};
use opilio_actors::domain::page_template::PageTemplate;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::crawl_request::{CrawlRequest, RequestPolicy};
use super::crawl_stream;
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
    let (crawl, body) = parsing::parse(&api, &caller, body, parse).await?;
    drop(body);
    let crawl = crawl?;
    let stream = crawl.stream;
    let mut job = SyncJob::submit(api, &caller, crawl.into_spec()).await?;
    let warnings = job.warnings.clone();
    drop(reservation);
    if stream {
        return Ok(crawl_stream::respond(job, warnings));
    }
    let crawled = job.settled().await?;
    let selection = Selection::first(crawled.progress.total);
    let template = response_template(&crawled, &warnings);
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
/// `Invalid`; `Unsupported`; `NotImplemented` if the request has hooks.
pub fn parse(api: &Api, body: &Value) -> Result<CrawlRequest, ApiError> {
    parse_with(body, api.request_policy())
}

fn parse_with(body: &Value, policy: RequestPolicy<'_>) -> Result<CrawlRequest, ApiError> {
    let crawl = CrawlRequest::for_sync(body, policy)?;
    match crawl.has_hooks {
        true => Err(ApiError::NotImplemented("hooks need a browser, which this server does not have yet")),
        false => Ok(crawl),
    }
}

/// The result of a crawl, with the request's warnings.
pub fn response_template(job: &Job, warnings: &[Warning]) -> PageTemplate {
    let result = crawl_result::result(job);
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
    #[schema(required)]
    server_memory_delta_mb: Option<f64>,
    #[schema(required)]
    server_peak_memory_mb: Option<f64>,
    #[schema(nullable = false)]
    warnings: Option<Vec<WarningSchema>>,
}

fn request_example() -> Value {
    json!({"urls": ["https://example.com"], "crawler_config": {"page_timeout": 15000}})
}

fn crawl_operation() -> Operation {
    let result = json!({
        "success": true, "results": [], "server_processing_time_s": 0.4, "server_memory_delta_mb": null,
        "server_peak_memory_mb": null,
    });
    operation("sync", "crawl", "Crawl pages and wait for the result")
        .description("With `stream: true` in `crawler_config` the response is NDJSON, as that of `/crawl/stream`.")
        .request::<schemas::CrawlRequest>(request_example())
        .response_or::<Crawled>(200, "The pages. `success`: whether at least one of them succeeded", NDJSON, result)
        .errors(&[409, 501])
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
        .errors(&[409, 501])
        .build()
}

#[cfg(test)]
mod tests {
    use opilio_actors::ports::ModelRequest;
    use opilio_actors::testing::fakes::ScriptedModel;

    use super::*;
    use crate::egress::{Allowlist, Guard};

    #[test]
    fn hooks_are_not_implemented() {
        let guard = Guard::open(Allowlist::default());
        let models = ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| None };
        let policy = RequestPolicy { guard: &guard, models: &models };
        let parse = |hooks: Value| parse_with(&json!({"urls": ["a.example"], "hooks": hooks}), policy);
        assert!(matches!(parse(json!({"code": {"on_page": "x"}})), Err(ApiError::NotImplemented(_))));
        assert!(parse(json!({"hooks": [], "timeout": 30})).is_ok());
    }
}
