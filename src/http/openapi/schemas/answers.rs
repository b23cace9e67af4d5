//! What is said of jobs, webhooks and errors.
#![allow(dead_code, reason = "they are described, never built")]

use std::collections::HashMap;

use serde_json::Value;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::page::{CrawlResult, PartOfPage};
use crate::http::field_error::FieldError;

/// The job is stored and will come to its end.
#[derive(ToSchema)]
pub struct Accepted {
    task_id: String,
    /// Of an LLM job.
    #[schema(nullable = false)]
    status: Option<JobState>,
    /// Of an LLM job: the page.
    #[schema(nullable = false)]
    url: Option<String>,
    #[schema(rename = "_links")]
    links: Links,
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

/// Working addresses of the job itself.
#[derive(ToSchema)]
pub struct Links {
    #[schema(rename = "self")]
    this: Link,
    status: Link,
    refresh: Link,
}

#[derive(ToSchema)]
pub struct Link {
    #[schema(format = "uri")]
    href: String,
}

/// A key of the request that had no effect.
#[derive(ToSchema)]
pub struct Warning {
    key: String,
    reason: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum JobState {
    Processing,
    Completed,
    Failed,
    Cancelled,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum TaskType {
    Crawl,
    LlmExtraction,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Stage {
    Queued,
    Running,
    Retrying,
    Settled,
}

#[derive(ToSchema)]
pub struct Progress {
    done: u32,
    failed: u32,
    total: u32,
}

/// A job without its result.
#[derive(ToSchema)]
pub struct Job {
    task_id: String,
    status: JobState,
    #[schema(format = "date-time")]
    created_at: String,
    /// The page of an LLM job, the JSON text of the list for a crawl job.
    url: String,
    urls: Vec<String>,
    task_type: TaskType,
    stage: Stage,
    /// 1 for the first.
    attempt: u32,
    progress: Progress,
    #[schema(rename = "_links")]
    links: Links,
    #[schema(nullable = false, format = "date-time")]
    started_at: Option<String>,
    #[schema(nullable = false, format = "date-time")]
    finished_at: Option<String>,
    /// When the job and its result are removed.
    #[schema(nullable = false, format = "date-time")]
    expires_at: Option<String>,
    /// Of a failed or cancelled job: one sentence for a person.
    #[schema(nullable = false)]
    error: Option<String>,
    #[schema(nullable = false)]
    webhook: Option<Webhook>,
    #[schema(nullable = false)]
    warnings: Option<Vec<Warning>>,
}

/// The webhook of a job, and how it stands.
#[derive(ToSchema)]
pub struct Webhook {
    url: String,
    /// Names, their values masked.
    headers: HashMap<String, String>,
    data_in_payload: bool,
    state: WebhookState,
    attempts: u32,
    #[schema(format = "date-time")]
    next_attempt_at: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum WebhookState {
    Waiting,
    Pending,
    Delivered,
    Exhausted,
    Refused,
}

/// A job with its result, once it has one.
pub struct JobStatus;

impl PartialSchema for JobStatus {
    fn schema() -> RefOr<Schema> {
        let job = Ref::from_schema_name(Job::name());
        AllOfBuilder::new().item(job).item(Ref::from_schema_name(Outcome::name())).into()
    }
}

impl ToSchema for JobStatus {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Outcome::name().into_owned(), Outcome::schema()));
        Outcome::schemas(schemas);
    }
}

/// What came of a job.
#[derive(ToSchema)]
pub struct Outcome {
    /// A crawl's result, or the extracted content itself.
    #[schema(nullable = false)]
    result: Option<JobResult>,
    /// Of a crawl: the pages of `result` once more.
    #[schema(nullable = false)]
    results: Option<Vec<PartOfPage>>,
    #[schema(nullable = false)]
    usage: Option<Usage>,
    /// Of an extraction that failed: which of the ways there are.
    #[schema(nullable = false)]
    error_type: Option<String>,
    /// Said about an extraction, e.g. that parts of the page contradict each other.
    #[schema(nullable = false)]
    notes: Option<Value>,
}

/// Of a crawl, its result; of an extraction, anything.
pub struct JobResult;

impl PartialSchema for JobResult {
    fn schema() -> RefOr<Schema> {
        let content = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        AnyOfBuilder::new().item(Ref::from_schema_name(CrawlResult::name())).item(content).into()
    }
}

impl ToSchema for JobResult {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CrawlResult::name().into_owned(), CrawlResult::schema()));
        CrawlResult::schemas(schemas);
    }
}

/// What an extraction cost.
#[derive(ToSchema)]
pub struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    /// Answers of the model.
    requests: u64,
    /// Those of them that were asked for because an earlier one did not do.
    repairs: u64,
    #[schema(required)]
    provider: Option<String>,
    #[schema(required)]
    model: Option<String>,
    /// The content was found in memory; no model was asked.
    #[schema(nullable = false)]
    cached: Option<bool>,
    duration_s: f64,
}

#[derive(ToSchema)]
pub struct JobList {
    /// Newest first.
    jobs: Vec<Job>,
    /// For `cursor` of the next request; `null`: that was the end.
    next_cursor: Option<String>,
}

/// Every attempt at a job's webhook.
#[derive(ToSchema)]
pub struct Delivered {
    task_id: String,
    webhook_id: String,
    /// `null`: no webhook, or the job has not ended.
    state: Option<WebhookState>,
    attempts: Vec<Attempt>,
}

#[derive(ToSchema)]
pub struct Attempt {
    /// 1 for the first ever.
    attempt: u32,
    #[schema(format = "date-time")]
    started_at: String,
    #[schema(format = "date-time")]
    finished_at: Option<String>,
    duration_s: Option<f64>,
    /// What the receiver answered.
    status: Option<u16>,
    error: Option<String>,
    #[schema(format = "date-time")]
    next_due: Option<String>,
    /// The first KiB of the answer.
    answer: Option<String>,
}

#[derive(ToSchema)]
pub struct Replayed {
    /// How many are sent again.
    replayed: u64,
}

/// What a receiver is sent.
#[derive(ToSchema)]
pub struct WebhookBody {
    task_id: String,
    task_type: TaskType,
    status: JobState,
    /// When the job ended.
    #[schema(format = "date-time")]
    timestamp: String,
    urls: Vec<String>,
    #[schema(nullable = false)]
    error: Option<String>,
    /// Of a completed job, where it was asked for. Of a crawl: its result, and of a crawl of one page that page's
    /// `markdown` (text), `html`, `links` and `metadata` beside it. Of an extraction: `extracted_content`.
    #[schema(nullable = false)]
    data: Option<HashMap<String, Value>>,
    /// Of an extraction.
    #[schema(nullable = false)]
    usage: Option<Usage>,
    /// Of an extraction that failed.
    #[schema(nullable = false)]
    error_type: Option<String>,
}

/// For `Authorization: Bearer`.
#[derive(ToSchema)]
pub struct Token {
    email: String,
    access_token: String,
    #[schema(example = "bearer")]
    token_type: String,
}

#[derive(ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: String,
    /// Seconds since 1970.
    timestamp: f64,
    version: String,
}

#[derive(ToSchema)]
pub struct Ready {
    #[schema(example = "ready")]
    status: String,
}

/// Why not, as one sentence.
#[derive(ToSchema)]
#[schema(example = json!({"detail": "Task not found"}))]
pub struct Problem {
    detail: String,
}

/// Everything that is wrong with the request.
#[derive(ToSchema)]
#[schema(example = json!({"detail": [{"loc": ["body", "urls", 0], "msg": "a URL is a text", "type": "url_type"}]}))]
pub struct Invalid {
    detail: Vec<FieldError>,
}

#[derive(ToSchema)]
#[schema(example = json!({"error": "Internal server error", "correlation_id": "01KASBX3V0J1M8F4C5Q9W2E7RT"}))]
pub struct Broken {
    error: String,
    /// By which the server's log tells more.
    correlation_id: String,
}
