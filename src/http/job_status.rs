//! The status of a job at each of its paths: the job with its result or a part of it.

use std::borrow::Cow;

use actix_web::http::header::{Accept, Header, Quality};
use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::crawl_usage::crawl_usage;
use opilio_actors::domain::job::Job;
use opilio_actors::domain::kind::{JobKind, ResultForm};
use opilio_actors::domain::page_template::PageTemplate;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::api::Api;
use super::caller::Caller;
use super::error::ApiError;
use super::job_view::{self, JobView};
use super::openapi::operation_builder::{Operation, integer, operation, string};
use super::page_schema::{CrawlResult, PageResult, PartialPageResult};
use super::results::{self, Selection};
use super::route::{GET, READ, Route, STANDARD, route};
use super::schemas::Usage;
use super::trusted_proxies::base_url;
use super::{page_fields, query, response};

const NDJSON: &str = "application/x-ndjson";

pub fn routes() -> Vec<Route> {
    let page = operation("jobs", "get_page", "Get one page of a crawl as soon as it is finished")
        .job_id()
        .path("page", integer(0, u32::MAX), "Its index in `urls`, from 0")
        .response::<PageResult>(200, "The page's result", json!({"url": "https://example.com", "success": true}))
        .build();
    let mut routes = vec![
        route(GET, "/job/{task_id}", READ, STANDARD, job_status, status_operation("get_job")),
        route(GET, "/task/{task_id}", READ, STANDARD, job_status, status_operation("get_task")),
        route(GET, "/crawl/job/{task_id}/pages/{page}", READ, STANDARD, job_page, page),
    ];
    for prefix in JobKind::all().map(JobKind::prefix) {
        let (path, operation) = (format!("/{prefix}/job/{{task_id}}"), status_operation(&format!("get_{prefix}_job")));
        routes.push(route(GET, path, READ, STANDARD, job_status, operation));
    }
    routes
}

/// Each path serves jobs of all kinds.
fn status_operation(id: &str) -> Operation {
    operation("jobs", id, "Get a job, with its result if it has one")
        .description("`offset`, `limit` and `fields` select parts of a crawl's pages.")
        .job_id()
        .query("offset", integer(0, u32::MAX), "Index in `urls` of the first page")
        .query("limit", integer(0, u32::MAX), "Maximum number of pages")
        .query("fields", string(), "Keys of each page, separated by commas")
        .response_or::<JobStatus>(200, "The job; as NDJSON one page per line", NDJSON, job_view::example())
        .errors(&[422])
        .build()
}

/// The query parameters that select a part of a result.
#[derive(Debug, Default, Deserialize)]
pub struct ResultQuery {
    pub offset: Option<String>,
    pub limit: Option<String>,
    pub fields: Option<String>,
}

impl ResultQuery {
    /// The selected part of a result with `total` pages.
    ///
    /// # Errors
    /// `Invalid` with each parameter that is not a number.
    pub fn selection(&self, total: u32) -> Result<Selection, ApiError> {
        let mut errors = Vec::new();
        let mut number = |name, raw: &Option<String>| -> Option<u32> {
            query::parse(name, raw.as_deref(), |raw| raw.parse().ok(), "a non-negative integer", &mut errors)
        };
        let offset = number("offset", &self.offset).unwrap_or(0);
        let limit = number("limit", &self.limit).unwrap_or(u32::MAX);
        if !errors.is_empty() {
            return Err(ApiError::Invalid(errors));
        }
        let start = offset.min(total);
        let fields = self.fields.as_deref().filter(|fields| !fields.is_empty());
        let fields = fields.map(|fields| fields.split(',').map(|field| field.trim().to_owned()).collect());
        Ok(Selection { range: start..start.saturating_add(limit).min(total), fields, separator: b',' })
    }
}

pub async fn job_status(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    query: web::Query<ResultQuery>,
) -> Result<HttpResponse, ApiError> {
    let job = api.find_job(&caller, &id).await?;
    let selection = query.selection(job.progress.total)?;
    if accepts_ndjson(&request) && job_view::has_pages(&job) {
        let selection = Selection { separator: b'\n', ..selection };
        return results::respond(&api, &job.id, NDJSON, PageTemplate::lines(), selection).await;
    }
    let base_url = base_url(&request);
    let template = match job_view::has_pages(&job) {
        true => job_view::with_pages(&job, &base_url, crawl_usage(&*api.store, &job).await?.as_ref()),
        false => without_pages(&api, &job, &base_url).await?,
    };
    results::respond(&api, &job.id, "application/json", template, selection).await
}

/// A job whose result, if it has one, does not consist of pages.
pub async fn without_pages(api: &Api, job: &Job, base_url: &str) -> Result<PageTemplate, ApiError> {
    if !job_view::has_result(job) {
        return Ok(PageTemplate::json(&JobView::full(job, base_url)));
    }
    let (_, record) = api.store.pages(&job.id, 0, 1).await?.into_iter().next().ok_or(ApiError::NotFound)?;
    Ok(PageTemplate::raw(job_view::with_record(job, base_url, &record).into()))
}

/// Whether NDJSON is the first choice in `Accept`.
fn accepts_ndjson(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let ranked = accept.ranked();
    let is_first = ranked.first().is_some_and(|mime| mime.essence_str() == NDJSON);
    let is_refused = accept.iter().any(|item| item.quality == Quality::ZERO && item.item.essence_str() == NDJSON);
    is_first && !is_refused
}

async fn job_page(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(String, u32)>,
    query: web::Query<ResultQuery>,
) -> Result<HttpResponse, ApiError> {
    let (id, index) = path.into_inner();
    let job = api.find_job(&caller, &id).await?;
    if job.spec.kind().result_form() != ResultForm::Pages {
        return Err(ApiError::PageNotFound);
    }
    let found = api.store.pages(&job.id, index, 1).await?.into_iter().next();
    let (_, page) = found.filter(|(found, _)| *found == index).ok_or(ApiError::PageNotFound)?;
    let page = match query.selection(job.progress.total)?.fields {
        Some(fields) => page_fields::select(&page, &fields)?.into(),
        None => page,
    };
    response::bytes(&api.response_memory, "application/json", page)
}

/// A job with its result, if it has one.
struct JobStatus;

impl PartialSchema for JobStatus {
    fn schema() -> RefOr<Schema> {
        let job = Ref::from_schema_name(JobView::name());
        AllOfBuilder::new().item(job).item(Ref::from_schema_name(JobOutcome::name())).into()
    }
}

impl ToSchema for JobStatus {
    fn name() -> Cow<'static, str> {
        "JobStatus".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((JobView::name().into_owned(), JobView::schema()));
        JobView::schemas(schemas);
        schemas.push((JobOutcome::name().into_owned(), JobOutcome::schema()));
        JobOutcome::schemas(schemas);
    }
}

/// The outcome of a job.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct JobOutcome {
    /// The result of a crawl, or the extracted content itself.
    #[schema(nullable = false)]
    result: Option<JobResult>,
    /// The pages of a crawl, as in `result`.
    #[schema(nullable = false)]
    results: Option<Vec<PartialPageResult>>,
    /// Only for extractions by a language model; for a crawl the sum over its pages.
    #[schema(nullable = false)]
    usage: Option<Usage>,
    /// Why an extraction failed, as one word.
    #[schema(nullable = false)]
    error_type: Option<String>,
    /// Remarks on an extraction, for example that parts of the page contradict each other.
    #[schema(nullable = false)]
    notes: Option<Value>,
}

/// The result of a crawl, or any extracted content.
struct JobResult;

impl PartialSchema for JobResult {
    fn schema() -> RefOr<Schema> {
        let content = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        AnyOfBuilder::new().item(Ref::from_schema_name(CrawlResult::name())).item(content).into()
    }
}

impl ToSchema for JobResult {
    fn name() -> Cow<'static, str> {
        "JobResult".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CrawlResult::name().into_owned(), CrawlResult::schema()));
        CrawlResult::schemas(schemas);
    }
}
