//! The representation of a job in responses and events.

use std::borrow::Cow;

use opilio_actors::domain::crawl_result;
use opilio_actors::domain::delivery::{DeliveryState, DeliveryStatus};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, Progress, Stage, Status, Warning};
use opilio_actors::domain::kind::{JobKind, ResultForm};
use opilio_actors::domain::page_template::PageTemplate;
use opilio_actors::domain::task::Members;
use opilio_actors::domain::time::rfc3339;
use opilio_actors::domain::usage::Usage;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use url::Url;
use utoipa::ToSchema;

use super::schemas;

/// A job without its result.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView<'a> {
    #[schema(value_type = String)]
    task_id: &'a JobId,
    #[schema(value_type = schemas::JobState)]
    status: Status,
    #[schema(format = "date-time")]
    created_at: String,
    /// The page of an LLM job; for a crawl job the list as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required)]
    url: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required)]
    urls: Option<&'a [String]>,
    #[schema(value_type = schemas::TaskType)]
    task_type: JobKind,
    #[schema(value_type = schemas::Stage)]
    stage: Stage,
    /// The number of the current attempt, from 1.
    attempt: u32,
    #[schema(value_type = schemas::Progress)]
    progress: Progress,
    #[serde(rename = "_links")]
    links: Links,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    finished_at: Option<String>,
    /// When the job and its result are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    expires_at: Option<String>,
    /// What the running job waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting_for: Option<&'a str>,
    /// Why the job failed or was cancelled: one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    webhook: Option<Webhook<'a>>,
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    #[schema(value_type = Vec<schemas::Warning>)]
    warnings: &'a [Warning],
}

/// Working URLs of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    #[serde(rename = "self")]
    this: Link,
    status: Link,
    refresh: Link,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Link {
    #[schema(format = "uri")]
    href: String,
}

impl Links {
    /// `base_url` is the server's address for this client.
    pub fn of(job: &JobId, base_url: &str) -> Self {
        let link = Link { href: format!("{base_url}/{}/job/{job}", job.kind().prefix()) };
        Self { this: link.clone(), status: link.clone(), refresh: link }
    }
}

/// The webhook of a job and the state of its delivery.
#[derive(Debug, Serialize, ToSchema)]
struct Webhook<'a> {
    #[schema(value_type = String)]
    url: &'a Url,
    /// The values are masked.
    #[schema(value_type = HashMap<String, String>)]
    headers: Map<String, Value>,
    data_in_payload: bool,
    #[schema(value_type = schemas::WebhookState)]
    state: DeliveryStatus,
    attempts: u32,
    #[schema(format = "date-time")]
    next_attempt_at: Option<String>,
}

impl<'a> Webhook<'a> {
    fn of(job: &'a Job) -> Option<Self> {
        let target = job.spec.webhook.as_ref()?;
        let (state, attempts, due) = match &job.delivery {
            None => (DeliveryStatus::Waiting, 0, None),
            Some(delivery) => {
                let due = match delivery.state {
                    DeliveryState::Pending { due } => Some(rfc3339(due)),
                    _ => None,
                };
                (delivery.state.status(), delivery.attempts, due)
            }
        };
        Some(Self {
            url: &target.url,
            headers: target.headers.iter().map(|(name, _)| (name.clone(), "***".into())).collect(),
            data_in_payload: target.data_in_payload,
            state,
            attempts,
            next_attempt_at: due,
        })
    }
}

impl<'a> JobView<'a> {
    pub fn full(job: &'a Job, base_url: &str) -> Self {
        let urls = job.spec.urls();
        let url = match job.spec.kind().result_form() {
            ResultForm::Pages => serde_json::to_string(urls).ok().map(Cow::from),
            ResultForm::Single => urls.first().map(Into::into),
        };
        Self { url, urls: Some(urls), ..Self::without_urls(job, base_url) }
    }

    /// A crawl can have many URLs, and each page of its result contains its own.
    pub fn without_urls(job: &'a Job, base_url: &str) -> Self {
        let status = job.state.status();
        let error = job.error.as_deref().unwrap_or("Unknown error");
        Self {
            task_id: &job.id,
            status,
            created_at: rfc3339(job.created_at),
            url: None,
            urls: None,
            task_type: job.spec.kind(),
            stage: job.stage(),
            attempt: job.attempt(),
            progress: job.progress,
            links: Links::of(&job.id, base_url),
            started_at: job.started_at.map(rfc3339),
            finished_at: job.finished_at.map(rfc3339),
            expires_at: job.expires_at.map(rfc3339),
            waiting_for: job.waiting_for.as_deref().filter(|_| job.stage() == Stage::Running),
            error: matches!(status, Status::Failed | Status::Cancelled).then_some(error),
            webhook: Webhook::of(job),
            warnings: &job.spec.warnings,
        }
    }

    /// For an event: without long lists of URLs.
    pub fn for_event(job: &'a Job, base_url: &str) -> Self {
        const MAX_URL_BYTES: usize = 1 << 16;
        let url_bytes: usize = job.spec.urls().iter().map(String::len).sum();
        if url_bytes > MAX_URL_BYTES { Self::without_urls(job, base_url) } else { Self::full(job, base_url) }
    }

    /// For an MCP tool: without the URLs of a crawl.
    pub fn for_tool(job: &'a Job, base_url: &str) -> Self {
        match job.spec.kind().result_form() {
            ResultForm::Pages => Self::without_urls(job, base_url),
            ResultForm::Single => Self::full(job, base_url),
        }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether the job has a result that its status contains.
pub fn has_result(job: &Job) -> bool {
    matches!(job.state.status(), Status::Completed | Status::Failed)
}

/// Whether the result consists of pages.
pub fn has_pages(job: &Job) -> bool {
    has_result(job) && job.spec.kind().result_form() == ResultForm::Pages
}

/// A crawl with its result. The pages are in `result` and once more in `results`.
pub fn with_pages(job: &Job, base_url: &str, usage: Option<&Usage>) -> PageTemplate {
    crawl_result::with_usage(PageTemplate::json(&JobView::full(job, base_url)), usage)
        .with("result", crawl_result::result(job))
        .with("results", PageTemplate::list())
}

/// A crawl with its result, for an MCP tool: the pages are in `result` only.
pub fn with_pages_for_tool(job: &Job, base_url: &str, usage: Option<&Usage>) -> PageTemplate {
    crawl_result::with_usage(PageTemplate::json(&JobView::for_tool(job, base_url)), usage)
        .with("result", crawl_result::result(job))
}

#[derive(Serialize)]
struct RecordJobView<'a> {
    #[serde(flatten)]
    job: JobView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(flatten)]
    members: Members<'a>,
}

/// A settled job whose result is a single record.
pub fn with_record(job: &Job, base_url: &str, record: &[u8]) -> String {
    let parts = job.spec.task.view(record);
    let result = parts.result.filter(|_| job.state.status() == Status::Completed);
    let view = RecordJobView { job: JobView::full(job, base_url), result, members: parts.status };
    serde_json::to_string(&view).unwrap_or_default()
}

/// The job's id in examples of the OpenAPI document.
pub const EXAMPLE_ID: &str = "crawl_01kasbx3v0j1m8f4c5q9w2e7rt";

/// A job in examples of the OpenAPI document.
pub fn example() -> Value {
    json!({
        "task_id": EXAMPLE_ID, "status": "processing", "created_at": "2025-10-21T10:30:00.000000+00:00",
        "url": "[\"https://example.com\"]", "urls": ["https://example.com"], "task_type": "crawl", "stage": "running",
        "attempt": 1, "progress": {"done": 0, "failed": 0, "total": 1}, "_links": example_links("crawl", EXAMPLE_ID),
        "started_at": "2025-10-21T10:30:00.100000+00:00",
    })
}

/// A job's links in examples of the OpenAPI document.
pub fn example_links(resource: &str, id: &str) -> Value {
    let link = json!({"href": format!("http://localhost:11235/{resource}/job/{id}")});
    json!({"self": link, "status": link, "refresh": link})
}
