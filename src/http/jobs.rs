//! Jobs: submitting, cancelling, listing, running again.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status};
use opilio_actors::domain::kind::{JobKind, ResultForm};
use opilio_actors::domain::scope::Scope;
use opilio_actors::job_supervisor::{CancelJob, SubmitJob};
use opilio_actors::ports::{Idempotency, JobFilter, PageLimit, Submission};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::crawl4ai::crawl_request::CrawlRequest;
use super::crawl4ai::llm_request;
use super::error::ApiError;
use super::field_error::{FieldError, Loc};
use super::job_view::Links;
use super::trusted_proxies::base;
use super::{Api, Caller, body, job_view, response};

/// Visible characters of an `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// Of the requests of one page of the list of jobs. The list may end before its limit, but then has a cursor.
const MOST_BYTES: usize = 1 << 20;

pub async fn submit_crawl(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let parsed = body::json(&request, body)?;
    let spec = CrawlRequest::for_job(&parsed, &api.webhooks, api.max_urls, &api.guard).map(CrawlRequest::into_spec);
    let (spec, idempotency) = both(spec, idempotency(&request, &parsed))?;
    let (_, _reservation) = parsed.apart();
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base(&request), spec, idempotency).await?))
}

/// The job that a program asks for in words of its own, as `POST /crawl/job` would let it in.
pub async fn begin_crawl(api: &Api, caller: &Caller, base: &str, body: &Value) -> Result<Value, ApiError> {
    let spec = CrawlRequest::for_job(body, &api.webhooks, api.max_urls, &api.guard).map(CrawlRequest::into_spec);
    admit(api, caller, base, spec.map_err(ApiError::Invalid)?, None).await
}

pub async fn submit_llm(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let parsed = body::json(&request, body)?;
    let spec = llm_request::parse_job(&parsed, &api.webhooks, &api.guard);
    let (spec, idempotency) = both(spec, idempotency(&request, &parsed))?;
    let (_, _reservation) = parsed.apart();
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base(&request), spec, idempotency).await?))
}

pub async fn rerun(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    // Nobody waits for it this time.
    let spec = JobSpec { interactive: false, ..find(&api, &caller, &id).await?.spec };
    Ok(HttpResponse::Accepted().json(admit(&api, &caller, &base(&request), spec, None).await?))
}

/// The job is stored, and this is what its caller is told.
async fn admit(
    api: &Api,
    caller: &Caller,
    base: &str,
    spec: JobSpec,
    idempotency: Option<Idempotency>,
) -> Result<Value, ApiError> {
    let warnings = spec.warnings.clone();
    let page = (spec.kind().result_form() == ResultForm::Single).then(|| spec.urls().first().cloned()).flatten();
    let job = api.new_job(caller, spec, idempotency)?;
    let id = job.id.clone();
    let id = match api.front.send(SubmitJob { job }).await?? {
        Submission::Admitted => id,
        Submission::Duplicate(known) => known,
        Submission::KeyReused => {
            return Err(ApiError::Conflict("this Idempotency-Key was used for another request".to_owned()));
        }
    };
    let mut answer = Map::new();
    answer.insert("task_id".to_owned(), json!(id));
    if let Some(page) = page {
        answer.insert("status".to_owned(), json!(Status::Processing));
        answer.insert("url".to_owned(), json!(page));
    }
    answer.insert("_links".to_owned(), json!(Links::of(&id, base)));
    if !warnings.is_empty() {
        answer.insert("warnings".to_owned(), json!(warnings));
    }
    Ok(answer.into())
}

/// What is wrong in the body and in the headers is told at once.
fn both<A, B>(a: Result<A, Vec<FieldError>>, b: Result<B, FieldError>) -> Result<(A, B), ApiError> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => {
            let mut errors = a.err().unwrap_or_default();
            errors.extend(b.err());
            Err(ApiError::Invalid(errors))
        }
    }
}

fn idempotency(request: &HttpRequest, body: &Value) -> Result<Option<Idempotency>, FieldError> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY);
    let key = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| {
        let loc = vec![Loc::from("header"), Loc::from("Idempotency-Key")];
        let msg = format!("1 to {MAX_KEY} visible characters are needed");
        FieldError { loc, msg, kind: "value_error" }
    })?;
    // The same request may be written with other spaces: what counts is what it says. Neighbouring versions must agree
    // on this: a request that is sent again during an upgrade is the same request.
    let digest = ring::digest::digest(&ring::digest::SHA256, body.to_string().as_bytes());
    Ok(Some(Idempotency { key: key.to_owned(), fingerprint: BASE64_STANDARD.encode(digest) }))
}

pub async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Accepted().json(job_view::view(&end(&api, &caller, &id).await?, &base(&request))))
}

/// The job as it was cancelled.
pub async fn end(api: &Api, caller: &Caller, id: &str) -> Result<Job, ApiError> {
    caller.needs(Scope::Submit)?;
    let job = JobId::parse(id).map_err(|_| ApiError::NotFound)?;
    Ok(api.front.send(CancelJob { job, principal: caller.sees().cloned() }).await??)
}

/// What `GET /jobs` may ask for.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    status: Option<String>,
    #[serde(rename = "type")]
    task: Option<String>,
    webhook: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct JobList<'a> {
    jobs: Vec<job_view::JobView<'a>>,
    next_cursor: Option<String>,
}

pub async fn list(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let mut errors = Vec::new();
    let statuses = one_of(&Status::ALL.map(Status::as_str));
    let types = one_of(&JobKind::all().map(JobKind::as_str).collect::<Vec<_>>());
    let states = one_of(&DeliveryStatus::ALL.map(DeliveryStatus::as_str));
    let next = "the next_cursor of an earlier answer";
    let mut filter = JobFilter {
        principal: caller.sees().cloned(),
        status: choice("status", query.status.as_deref(), Status::parse, &statuses, &mut errors),
        kind: choice("type", query.task.as_deref(), JobKind::parse, &types, &mut errors),
        webhook: choice("webhook", query.webhook.as_deref(), DeliveryStatus::parse, &states, &mut errors),
        cursor: choice("cursor", query.cursor.as_deref(), |raw| raw.parse().ok(), next, &mut errors),
        limit: PageLimit { jobs: 100, bytes: MOST_BYTES },
    };
    let limit = |raw: &str| raw.parse().ok().filter(|limit| (1..=1000).contains(limit));
    let number = "a whole number from 1 to 1000";
    filter.limit.jobs =
        choice("limit", query.limit.as_deref(), limit, number, &mut errors).unwrap_or(filter.limit.jobs);
    if !errors.is_empty() {
        return Err(ApiError::Invalid(errors));
    }
    let found = api.store.jobs(filter).await?;
    let base = base(&request);
    let jobs = found.jobs.iter().map(|job| job_view::view(job, &base)).collect();
    response::json(&api.response_memory, &JobList { jobs, next_cursor: found.next.map(|next| next.to_string()) })
}

/// A value of a query, if it is `wanted`, in words.
pub fn choice<T>(
    name: &str,
    raw: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
    wanted: &str,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let raw = raw?;
    let parsed = parse(raw);
    if parsed.is_none() {
        let loc = vec![Loc::from("query"), Loc::from(name)];
        errors.push(FieldError { loc, msg: format!("must be {wanted}"), kind: "value_error" });
    }
    parsed
}

/// In words.
fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}

pub async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Job, ApiError> {
    let id = JobId::parse(id).map_err(|_| ApiError::NotFound)?;
    api.store.job(&id, caller.sees()).await?.ok_or(ApiError::NotFound)
}
