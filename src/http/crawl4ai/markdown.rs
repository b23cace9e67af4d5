//! `POST /md`, `POST /html` and `GET /llm/{url}`: one page, read while the caller waits.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use opilio_actors::domain::extraction::Extracted;
use opilio_actors::domain::job::{Job, JobSpec, Status, Warning};
use opilio_actors::ports::is_unusable_model;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::crawl_options::LONGEST_QUERY;
use super::crawl_request::{self, Fields, beyond, field_error};
use super::url_policy::reachable;
use super::webhook_config::WebhookDefaults;
use super::{crawl_sync, llm_request};
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::field_error::{FieldError, Loc};
use crate::http::sync_job::SyncJob;
use crate::http::{Api, Caller, job_status, response};

const KEYS: [&str; 4] = ["url", "f", "q", "c"];
const MODEL_KEYS: [&str; 2] = ["provider", "temperature"];
const FILTERS: [&str; 4] = ["fit", "raw", "bm25", "llm"];
const MAIN_CONTENT: &str = "Write down the main content of the page as Markdown, word for word, and nothing else.";

/// What `POST /md` asks for.
struct MarkdownRequest {
    url: String,
    filter: String,
    query: Option<String>,
    cache: String,
    model: Model,
    /// Keys without effect.
    warnings: Vec<Warning>,
}

/// What a request says of the model; it is judged with the extraction.
struct Model {
    provider: Option<Value>,
    temperature: Option<Value>,
}

pub async fn markdown(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.apart();
    response::json(&api.response_memory, &page_as_markdown(api.clone(), &caller, body).await?)
}

/// What `POST /md` answers.
pub async fn page_as_markdown(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<Value, ApiError> {
    let asked = reachable(markdown_request(&body), &body, &api.guard).map_err(ApiError::Invalid)?;
    // Nothing else of it is kept while the page is read.
    drop(body);
    let MarkdownRequest { url, filter, query, cache, warnings, .. } = &asked;
    let markdown = if filter == "llm" {
        let question = query.as_deref().unwrap_or(MAIN_CONTENT);
        answer(api, caller, url, question, &asked.model, warnings).await?
    } else {
        let spec = crawl_request::crawl_job(&crawl_body(&asked), &silent(), 1).map_err(ApiError::Invalid)?;
        let page = one_page(api, caller, JobSpec { warnings: warnings.clone(), ..spec }).await?;
        match filter.as_str() {
            "raw" => page.markdown.raw_markdown,
            _ => page.markdown.fit_markdown.unwrap_or_default(),
        }
    };
    let answer = json!({
        "url": url, "filter": filter, "query": query, "cache": cache, "markdown": markdown, "success": true,
    });
    Ok(with_warnings(answer, warnings))
}

/// The answer, which also names the keys that had no effect.
fn with_warnings(mut answer: Value, warnings: &[Warning]) -> Value {
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    answer
}

fn crawl_body(asked: &MarkdownRequest) -> Value {
    let filter = match asked.filter.as_str() {
        "raw" => None,
        "bm25" => {
            let query = asked.query.as_deref().unwrap_or_default();
            Some(json!({"type": "BM25ContentFilter", "params": {"user_query": query}}))
        }
        _ => Some(json!({"type": "MainContentFilter", "params": {}})),
    };
    let mut config = Map::new();
    if let Some(filter) = filter {
        let generator = json!({"type": "DefaultMarkdownGenerator", "params": {"content_filter": filter}});
        config.insert("markdown_generator".to_owned(), generator);
    }
    if asked.cache == "1" {
        config.insert("cache_mode".to_owned(), json!("enabled"));
    }
    json!({"urls": [asked.url], "crawler_config": config})
}

fn markdown_request(body: &Value) -> Result<MarkdownRequest, Vec<FieldError>> {
    let Value::Object(body) = body else {
        return Err(vec![field_error(&[], "model_attributes_type", "an object is needed")]);
    };
    let mut fields = Fields::default();
    let errors = &mut fields.errors;
    let url = page(body, errors);
    let mut text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            errors.push(field_error(&[key], "string_type", "a text is needed"));
            None
        }
    };
    let (query, cache) = (text("q").filter(|query| !query.trim().is_empty()), text("c"));
    let filter = text("f").unwrap_or_else(|| "fit".to_owned());
    if !FILTERS.contains(&filter.as_str()) {
        errors.push(field_error(&["f"], "enum", format!("must be one of {}", FILTERS.join(", "))));
    }
    if filter == "bm25" && query.as_ref().is_some_and(|query| query.len() > LONGEST_QUERY) {
        errors.push(field_error(&["q"], "string_too_long", format!("must have at most {LONGEST_QUERY} bytes")));
    }
    let (of_a_model, unknown): (Vec<_>, Vec<_>) =
        beyond(body, &KEYS).partition(|key| MODEL_KEYS.contains(&key.as_str()));
    if filter != "llm" {
        fields.without_effect("", of_a_model.into_iter(), "it is for `llm` only");
    }
    fields.without_effect("", unknown.into_iter(), "not a key of this request");
    if !fields.errors.is_empty() {
        return Err(fields.errors);
    }
    let cache = cache.unwrap_or_else(|| "0".to_owned());
    let [provider, temperature] = MODEL_KEYS.map(|key| body.get(key).cloned());
    let model = Model { provider, temperature };
    Ok(MarkdownRequest { url, filter, query, cache, model, warnings: fields.warnings })
}

/// `url`, which may be a page brought along.
fn page(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> String {
    let given = body.get("url").filter(|url| !url.is_null());
    let wrong = match given.map(crawl_request::page_address) {
        None => ("missing", "the page to read is needed".to_owned()),
        Some(Ok(url)) => return url.to_owned(),
        Some(Err(wrong)) => wrong,
    };
    errors.push(field_error(&["url"], wrong.0, wrong.1));
    String::new()
}

pub async fn html(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.apart();
    response::json(&api.response_memory, &page_as_html(api.clone(), &caller, body).await?)
}

/// What `POST /html` answers.
pub async fn page_as_html(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<Value, ApiError> {
    let Value::Object(given) = &body else {
        return Err(ApiError::Invalid(vec![field_error(&[], "model_attributes_type", "an object is needed")]));
    };
    let mut fields = Fields::default();
    let url = page(given, &mut fields.errors);
    fields.without_effect("", beyond(given, &["url"]), "not a key of this request");
    let read = if fields.errors.is_empty() { Ok(()) } else { Err(fields.errors) };
    reachable(read, &body, &api.guard).map_err(ApiError::Invalid)?;
    drop(body);
    let spec = crawl_request::crawl_job(&json!({"urls": [url]}), &silent(), 1).map_err(ApiError::Invalid)?;
    let html = one_page(api, caller, JobSpec { warnings: fields.warnings.clone(), ..spec }).await?.html;
    let reduced = web::block(move || opilio_page::schema_html(&html, &opilio_page::Limits::default())).await;
    let reduced =
        reduced.map_err(|_| ApiError::Unavailable)?.map_err(|error| ApiError::BadGateway(error.to_string()))?;
    Ok(with_warnings(json!({"html": reduced, "url": url, "success": true}), &fields.warnings))
}

/// The parts of a stored page that these endpoints answer with.
#[derive(Deserialize)]
struct ReadPage {
    success: bool,
    error_message: String,
    html: String,
    markdown: ReadMarkdown,
}

#[derive(Deserialize)]
struct ReadMarkdown {
    raw_markdown: String,
    fit_markdown: Option<String>,
}

/// The one page of `spec`, read while the caller waits.
async fn one_page(api: web::Data<Api>, caller: &Caller, spec: JobSpec) -> Result<ReadPage, ApiError> {
    let (_, record) = SyncJob::submit(api, caller, spec).await?.only_record().await?;
    let page: ReadPage =
        serde_json::from_slice(&record).map_err(|error| ApiError::Internal(format!("a stored page: {error}")))?;
    if page.success { Ok(page) } else { Err(ApiError::BadGateway(page.error_message)) }
}

/// What `GET /llm/{url}` may say beside the page.
#[derive(Debug, Deserialize)]
pub struct Question {
    q: Option<String>,
    provider: Option<String>,
    temperature: Option<String>,
    // Of a job, where there is no question.
    offset: Option<String>,
    limit: Option<String>,
    fields: Option<String>,
}

pub async fn ask(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    page: web::Path<String>,
    question: web::Query<Question>,
) -> Result<HttpResponse, ApiError> {
    let Question { q, provider, temperature, offset, limit, fields } = question.into_inner();
    let Some(query) = q.filter(|query| !query.trim().is_empty()) else {
        // What existing clients follow to a job's status.
        let part = job_status::Part { offset, limit, fields };
        return match opilio_actors::domain::id::JobId::parse(&page) {
            Ok(_) => job_status::status(api, caller, request, page, web::Query(part)).await,
            Err(_) => Err(ApiError::BadRequest("q is needed: the question about the page".to_owned())),
        };
    };
    let mut url = page.into_inner();
    if crawl_sync::lacks_scheme(&url) {
        url.insert_str(0, "https://");
    }
    let [provider, temperature] = [provider, temperature].map(|said| said.map(Value::String));
    let model = Model { provider, temperature };
    let answer = answer(api.clone(), &caller, &url, &query, &model, &[]).await.map_err(in_the_address)?;
    response::json(&api.response_memory, &json!({"answer": answer}))
}

/// Wrong fields where the sender of a request without a body finds them.
fn in_the_address(error: ApiError) -> ApiError {
    let ApiError::Invalid(mut errors) = error else { return error };
    for FieldError { loc, .. } in &mut errors {
        let part = if loc.contains(&Loc::from("url")) { "path" } else { "query" };
        if let Some(first) = loc.first_mut() {
            *first = Loc::from(part);
        }
    }
    ApiError::Invalid(errors)
}

/// What a model says about the page, as text.
async fn answer(
    api: web::Data<Api>,
    caller: &Caller,
    url: &str,
    question: &str,
    model: &Model,
    warnings: &[Warning],
) -> Result<String, ApiError> {
    let Model { provider, temperature } = model;
    let asked = json!({"url": url, "q": question, "provider": provider, "temperature": temperature});
    let mut spec = extraction(&api, &asked)?;
    spec.warnings.extend_from_slice(warnings);
    let (job, record) = SyncJob::submit(api, caller, spec).await?.only_record().await?;
    well_ended(&job, &record)?;
    let content = Extracted::parse(&record).map(|extracted| extracted.extracted_content.get().to_owned());
    let content = content.ok_or_else(|| ApiError::Internal("a stored answer is no answer".to_owned()))?;
    Ok(serde_json::from_str::<String>(&content).unwrap_or(content))
}

/// The extraction that `body` asks for, under way.
pub async fn begin_extraction(api: web::Data<Api>, caller: &Caller, body: &Value) -> Result<SyncJob, ApiError> {
    let spec = extraction(&api, body)?;
    SyncJob::submit(api, caller, spec).await
}

fn extraction(api: &Api, body: &Value) -> Result<JobSpec, ApiError> {
    reachable(llm_request::llm_job(body, &silent()), body, &api.guard).map_err(ApiError::Invalid)
}

/// # Errors
/// The reason of a job that failed: the caller's, where the model cannot be asked.
pub fn well_ended(job: &Job, record: &Bytes) -> Result<(), ApiError> {
    if job.state.status() != Status::Failed {
        return Ok(());
    }
    let why = job.error.clone().unwrap_or_default();
    let kind = Extracted::parse(record).and_then(|extracted| extracted.error_type);
    let kind: Option<&str> = kind.and_then(|kind| serde_json::from_str(kind.get()).ok());
    Err(if kind.is_some_and(is_unusable_model) { ApiError::BadRequest(why) } else { ApiError::BadGateway(why) })
}

/// A caller who waits needs no webhook.
fn silent() -> WebhookDefaults {
    WebhookDefaults { enabled: false, ..WebhookDefaults::default() }
}
