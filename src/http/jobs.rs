//! Submits, cancels and reruns jobs.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status, Warning};
use opilio_actors::domain::kind::{JobKind, ResultForm};
use opilio_actors::domain::scope::Scope;
use opilio_actors::job_supervisor::{CancelJob, SubmitJob};
use opilio_actors::ports::{Idempotency, Submission};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::api::Api;
use super::body::{self, Body};
use super::caller::Caller;
use super::crawl4ai::crawl_request::CrawlRequest;
use super::crawl4ai::llm_request;
use super::crawl4ai::schemas::{CrawlJobRequest, LlmJobRequest};
use super::error::ApiError;
use super::field_error::{FieldError, Loc, Rejection};
use super::job_view::{EXAMPLE_ID, JobView, Links, example, example_links};
use super::openapi::operation_builder::{Operation, OperationBuilder, operation, string_like};
use super::parsing;
use super::route::{DELETE, POST, Route, STANDARD, SUBMIT, route};
use super::schemas;
use super::trusted_proxies::base_url;

/// Maximum length of an `Idempotency-Key`.
const MAX_KEY: usize = 255;

pub fn routes() -> Vec<Route> {
    let rerun_operation = operation("jobs", "rerun_job", "Create a new job with the same request")
        .job_id()
        .response::<Accepted<'_>>(202, "The new job", accepted_example())
        .build();
    let mut routes = vec![
        route(POST, "/crawl/job", SUBMIT, STANDARD, submit_crawl, crawl_operation()),
        route(POST, "/llm/job", SUBMIT, STANDARD, submit_llm, llm_operation()),
        route(POST, "/jobs/{task_id}/rerun", SUBMIT, STANDARD, rerun, rerun_operation),
    ];
    for prefix in JobKind::all().map(JobKind::prefix) {
        let (path, operation) =
            (format!("/{prefix}/job/{{task_id}}"), cancel_operation(&format!("cancel_{prefix}_job")));
        routes.push(route(DELETE, path, SUBMIT, STANDARD, cancel, operation));
    }
    routes
}

/// An admitted job.
#[derive(Serialize, ToSchema)]
#[schema(as = Accepted)]
struct Accepted<'a> {
    #[schema(value_type = String)]
    task_id: JobId,
    /// Only for an LLM job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schemas::JobState>, nullable = false)]
    status: Option<Status>,
    /// The page of an LLM job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<&'a str>,
    #[serde(rename = "_links")]
    links: Links,
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    #[schema(value_type = Vec<schemas::Warning>)]
    warnings: &'a [Warning],
}

async fn submit_crawl(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    let key = idempotency_key(&request)?;
    let (spec, body) = parsing::parse(&api, &caller, body, crawl_spec).await?;
    let (spec, key) = both(spec, key)?;
    let idempotency = key.map(|key| idempotency(key, &body));
    drop(body);
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base_url(&request), spec, idempotency).await?))
}

fn crawl_spec(api: &Api, body: &Value) -> Result<JobSpec, Rejection> {
    CrawlRequest::for_job(body, &api.webhooks, api.max_urls, api.request_policy()).map(CrawlRequest::into_spec)
}

fn llm_spec(api: &Api, body: &Value) -> Result<JobSpec, Rejection> {
    llm_request::parse_job(body, &api.webhooks, &api.guard)
}

/// Submits the crawl that an MCP tool requests, under the rules of `POST /crawl/job`.
pub async fn submit_crawl_for_tool(
    api: &web::Data<Api>,
    caller: &Caller,
    base_url: &str,
    arguments: Value,
) -> Result<Value, ApiError> {
    let (spec, _) = parsing::parse(api, caller, arguments, crawl_spec).await?;
    admit(api, caller, base_url, spec?, None).await
}

async fn submit_llm(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    let key = idempotency_key(&request)?;
    let (spec, body) = parsing::parse(&api, &caller, body, llm_spec).await?;
    let (spec, key) = both(spec, key)?;
    let idempotency = key.map(|key| idempotency(key, &body));
    drop(body);
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base_url(&request), spec, idempotency).await?))
}

async fn rerun(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    // No client waits for the new job, even if one waited for the original.
    let spec = JobSpec { interactive: false, ..api.find_job(&caller, &id).await?.spec };
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base_url(&request), spec, None).await?))
}

/// Admits a job and returns the body of the response.
async fn admit(
    api: &Api,
    caller: &Caller,
    base_url: &str,
    spec: JobSpec,
    idempotency: Option<Idempotency>,
) -> Result<Value, ApiError> {
    let warnings = spec.warnings.clone();
    let page = (spec.kind().result_form() == ResultForm::Single).then(|| spec.urls().first().cloned()).flatten();
    let job = api.new_job(caller, spec, idempotency)?;
    let id = job.id.clone();
    let task_id = match api.front.send(SubmitJob { job }).await?? {
        Submission::Admitted => id,
        Submission::Duplicate(original) => original,
        Submission::KeyReused => {
            return Err(ApiError::Conflict("the Idempotency-Key was used for a different request".to_owned()));
        }
    };
    let links = Links::of(&task_id, base_url);
    let status = page.is_some().then_some(Status::Processing);
    Ok(json!(Accepted { task_id, status, url: page.as_deref(), links, warnings: &warnings }))
}

/// Reports invalid fields of the body and of the headers together.
fn both<A, B>(a: Result<A, Rejection>, b: Result<B, FieldError>) -> Result<(A, B), Rejection> {
    match (a, b.map_err(Rejection::from)) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.and(b)),
        (Err(rejection), Ok(_)) | (Ok(_), Err(rejection)) => Err(rejection),
    }
}

/// The `Idempotency-Key`, or what is wrong with it.
///
/// # Errors
/// `BadRequest` if there are several.
fn idempotency_key(request: &HttpRequest) -> Result<Result<Option<String>, FieldError>, ApiError> {
    let mut keys = request.headers().get_all("idempotency-key");
    let (key, None) = (keys.next(), keys.next()) else {
        return Err(ApiError::BadRequest("there must be at most one Idempotency-Key header".to_owned()));
    };
    let Some(key) = key else { return Ok(Ok(None)) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
    let key = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()));
    Ok(key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let loc = vec![Loc::from("header"), Loc::from("Idempotency-Key")];
        FieldError { loc, msg: format!("must have 1 to {MAX_KEY} visible ASCII characters"), kind: "value_error" }
    }))
}

fn idempotency(key: String, body: &Value) -> Idempotency {
    // The digest ignores whitespace. Versions must agree on it: a client may retry during an upgrade.
    let digest = ring::digest::digest(&ring::digest::SHA256, body.to_string().as_bytes());
    Idempotency { key, fingerprint: BASE64_STANDARD.encode(digest) }
}

async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let job = cancel_job(&api, &caller, &id).await?;
    Ok(HttpResponse::Accepted().json(JobView::full(&job, &base_url(&request))))
}

/// Cancels a job and returns it.
pub async fn cancel_job(api: &Api, caller: &Caller, id: &str) -> Result<Job, ApiError> {
    caller.require(Scope::Submit)?;
    let job = JobId::parse(id).map_err(|_| ApiError::NotFound)?;
    Ok(api.front.send(CancelJob { job, principal: caller.sees().cloned() }).await??)
}

fn crawl_operation() -> Operation {
    let example = json!({
        "urls": ["https://example.com"],
        "crawler_config": {"page_timeout": 15000},
        "webhook_config": {"webhook_url": "https://myapp.com/webhooks/crawl-complete", "webhook_data_in_payload": false},
    });
    submission("submit_crawl_job", "Crawl pages and notify a webhook")
        .request::<CrawlJobRequest>(example)
        .response::<Accepted<'_>>(202, ACCEPTED, accepted_example())
        .build()
}

fn llm_operation() -> Operation {
    let example = json!({
        "url": "https://example.com/article",
        "q": "Extract the article title, author, and publication date",
        "schema": "{\"type\": \"object\", \"properties\": {\"title\": {\"type\": \"string\"}}}",
        "provider": "openai/gpt-4o-mini",
        "webhook_config": {"webhook_url": "https://myapp.com/webhooks/llm-complete", "webhook_data_in_payload": true},
    });
    let id = "llm_1698765432_01kasbx3v0j1m8f4c5q9w2e7rt";
    let accepted = json!({
        "task_id": id, "status": "processing", "url": "https://example.com/article", "_links": example_links("llm", id),
    });
    submission("submit_llm_job", "Extract data from a page with a language model and notify a webhook")
        .request::<LlmJobRequest>(example)
        .response::<Accepted<'_>>(202, ACCEPTED, accepted)
        .build()
}

const ACCEPTED: &str = "Accepted. The job is durable and will be executed.";

fn submission(id: &str, summary: &str) -> OperationBuilder {
    let key = "1 to 255 visible characters. The same key with the same body returns the original job; with a different \
        body, the response is a 409.";
    operation("jobs", id, summary).header("Idempotency-Key", string_like("^[!-~]+$", MAX_KEY), key).errors(&[409])
}

fn cancel_operation(id: &str) -> Operation {
    operation("jobs", id, "Cancel a job")
        .job_id()
        .response::<JobView<'_>>(202, "The cancelled job", example())
        .errors(&[409])
        .build()
}

fn accepted_example() -> Value {
    json!({"task_id": EXAMPLE_ID, "_links": example_links("crawl", EXAMPLE_ID)})
}
