//! `GET /llm/{url}`: a question about one page, answered by a language model.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use opilio_actors::domain::extraction::{Extracted, ExtractionSpec};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobSpec, Status, Warning};
use opilio_actors::domain::task::Task;
use opilio_actors::ports::is_unusable_model;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::llm_request::{self, ModelChoice};
use super::report::Report;
use super::request_fields::RequestFields;
use super::url_policy::UrlPolicy;
use super::webhook_config::WebhookDefaults;
use crate::egress::Guard;
use crate::http::api::Api;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::field_error::{FieldPath, InvalidValue, Rejection};
use crate::http::openapi::operation_builder::{Operation, operation, string};
use crate::http::parsing;
use crate::http::route::{GET, READ, Route, SYNCHRONOUS, route};
use crate::http::sync_job::SyncJob;
use crate::http::{job_status, response};

/// With a job's id the route returns the job, therefore it requires only [`READ`]. Submitting the job of a question
/// requires [`SUBMIT`](crate::http::route::SUBMIT).
pub fn routes() -> Vec<Route> {
    vec![route(GET, "/llm/{url:.+}", READ, SYNCHRONOUS, ask, ask_operation())]
}

#[derive(Serialize, ToSchema)]
struct Answer {
    /// Absent if the response is a job.
    #[schema(required = false)]
    answer: String,
}

/// The query of `GET /llm/{url}`.
#[derive(Debug, Deserialize)]
struct LlmQuery {
    q: Option<String>,
    provider: Option<String>,
    temperature: Option<String>,
    // For the status of a job, without `q`.
    offset: Option<String>,
    limit: Option<String>,
    fields: Option<String>,
}

async fn ask(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    page: web::Path<String>,
    query: web::Query<LlmQuery>,
) -> Result<HttpResponse, ApiError> {
    let LlmQuery { q, provider, temperature, offset, limit, fields } = query.into_inner();
    let Some(question) = q.filter(|question| !question.trim().is_empty()) else {
        // Crawl4AI's clients ask for the status of a job at this path.
        let result_query = job_status::ResultQuery { offset, limit, fields };
        return match JobId::parse(&page) {
            Ok(_) => job_status::job_status(api, caller, request, page, web::Query(result_query)).await,
            Err(_) => {
                let missing = InvalidValue::new("missing", "the question about the page is required");
                Err(ApiError::Invalid(vec![missing.at(&FieldPath::of("query").child("q"))]))
            }
        };
    };
    let model = [("provider", provider), ("temperature", temperature)];
    let model = model.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let (spec, warnings) = extraction(&page, question, &model, &api.guard)?;
    let answer = text(api.clone(), &caller, spec, warnings).await?;
    response::json(&api.response_memory, &Answer { answer })
}

fn extraction(
    page: &str,
    question: String,
    model: &Map<String, Value>,
    guard: &Guard,
) -> Result<(ExtractionSpec, Vec<Warning>), Rejection> {
    let mut report = Report::default();
    let url = UrlPolicy::with_default_scheme(guard).web_page(page);
    let url = report.check(&FieldPath::of("path").child("url"), url);
    let ModelChoice { provider, temperature } =
        ModelChoice::parse(&RequestFields::new(model, FieldPath::of("query")), &mut report);
    let spec = |url: String| ExtractionSpec {
        url,
        instruction: question,
        schema: None,
        provider,
        temperature,
        cache: false,
        engine: None,
    };
    report.finish(url.map(|url| spec(url.into_string())))
}

/// The answer of the model as text. Waits for the job.
pub async fn text(
    api: web::Data<Api>,
    caller: &Caller,
    spec: ExtractionSpec,
    warnings: Vec<Warning>,
) -> Result<String, ApiError> {
    let spec = JobSpec { task: Task::new(spec), webhook: None, warnings, interactive: true };
    let (job, record) = SyncJob::submit(api, caller, spec).await?.first_record().await?;
    check_outcome(&job, &record)?;
    let content = Extracted::parse(&record).map(|extracted| extracted.extracted_content.get().to_owned());
    let content = content.ok_or_else(|| ApiError::Internal("a stored record has no extracted content".to_owned()))?;
    Ok(serde_json::from_str::<String>(&content).unwrap_or(content))
}

/// Submits the job of a body of `POST /llm/job` whose client waits for the result.
pub async fn submit(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<SyncJob, ApiError> {
    let parse = |api: &Api, body: &Value| llm_request::parse_job(body, &WebhookDefaults::default(), &api.guard);
    let (spec, _) = parsing::parse(&api, caller, body, parse).await?;
    SyncJob::submit(api, caller, spec?).await
}

/// # Errors
/// The reason of a failed job: `BadRequest` if the model cannot be used, else `BadGateway`.
pub fn check_outcome(job: &Job, record: &Bytes) -> Result<(), ApiError> {
    if job.state.status() != Status::Failed {
        return Ok(());
    }
    let reason = job.error.clone().unwrap_or_default();
    let kind = Extracted::parse(record).and_then(|extracted| extracted.error_type);
    let kind: Option<&str> = kind.and_then(|kind| serde_json::from_str(kind.get()).ok());
    Err(match kind.is_some_and(is_unusable_model) {
        true => ApiError::BadRequest(reason),
        false => ApiError::BadGateway(reason),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Allowlist;

    #[test]
    fn errors_name_the_path_and_the_query() {
        let model = |value: Value| value.as_object().cloned().expect("an object");
        let guard = Guard::closed(Allowlist::default());
        let parse = |page: &str, given: Value| extraction(page, "why".to_owned(), &model(given), &guard);
        let (spec, _) = parse("example.com/x", json!({"temperature": "0.5"})).expect("the request is valid");
        assert_eq!((spec.url.as_str(), spec.temperature), ("https://example.com/x", Some(0.5)));
        let errors = parse("127.0.0.1/", json!({"provider": "x", "temperature": "9"})).expect_err("it is invalid");
        let paths: Value = errors.errors().iter().map(|error| json!(error.loc)).collect();
        assert_eq!(paths, json!([["path", "url"], ["query", "provider"], ["query", "temperature"]]));
    }
}
