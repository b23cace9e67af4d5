//! A job as clients see it.

use std::borrow::Cow;

use opilio_actors::domain::crawl_result;
use opilio_actors::domain::delivery::{DeliveryState, DeliveryStatus};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, Progress, Stage, Status, Warning};
use opilio_actors::domain::kind::{JobKind, ResultForm};
use opilio_actors::domain::page_template::PageTemplate;
use opilio_actors::domain::task::Members;
use opilio_actors::domain::time::rfc3339;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

/// Everything but the results.
#[derive(Debug, Serialize)]
pub struct JobView<'a> {
    task_id: &'a JobId,
    status: Status,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    urls: Option<&'a [String]>,
    task_type: JobKind,
    stage: Stage,
    attempt: u32,
    progress: Progress,
    #[serde(rename = "_links")]
    links: Links,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<Webhook<'a>>,
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    warnings: &'a [Warning],
}

impl JobView<'_> {
    pub fn to_json(&self) -> String {
        json(self)
    }
}

pub fn view<'a>(job: &'a Job, base: &str) -> JobView<'a> {
    let urls = job.spec.urls();
    let url = match job.spec.kind().result_form() {
        ResultForm::Pages => Some(json(urls).into()),
        ResultForm::Single => urls.first().map(Into::into),
    };
    JobView { url, urls: Some(urls), ..brief(job, base) }
}

/// The same without the addresses: a crawl may have many, and each page of the result says its own.
pub fn brief<'a>(job: &'a Job, base: &str) -> JobView<'a> {
    let status = job.state.status();
    let error = job.error.as_deref().unwrap_or("Unknown error");
    JobView {
        task_id: &job.id,
        status,
        created_at: rfc3339(job.created_at),
        url: None,
        urls: None,
        task_type: job.spec.kind(),
        stage: job.stage(),
        attempt: job.attempt(),
        progress: job.progress,
        links: Links::of(&job.id, base),
        started_at: job.started_at.map(rfc3339),
        finished_at: job.finished_at.map(rfc3339),
        expires_at: job.expires_at.map(rfc3339),
        error: matches!(status, Status::Failed | Status::Cancelled).then_some(error),
        webhook: Webhook::of(job),
        warnings: &job.spec.warnings,
    }
}

/// Bytes of addresses that are told with an event.
const TOLD: usize = 1 << 16;

/// What an event says: everything but the results, and but the addresses where they are long.
pub fn told<'a>(job: &'a Job, base: &str) -> JobView<'a> {
    let addresses: usize = job.spec.urls().iter().map(String::len).sum();
    if addresses > TOLD { brief(job, base) } else { view(job, base) }
}

/// What a program for a language model is told: without a crawl's addresses.
pub fn short<'a>(job: &'a Job, base: &str) -> JobView<'a> {
    if job.spec.kind().result_form() == ResultForm::Pages { brief(job, base) } else { view(job, base) }
}

/// Working addresses of the job itself.
#[derive(Debug)]
pub struct Links {
    href: String,
}

impl Links {
    pub fn of(job: &JobId, base: &str) -> Self {
        Self { href: format!("{base}/{}/job/{job}", job.kind().prefix()) }
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Link<'a> {
            href: &'a str,
        }
        serializer.collect_map(["self", "status", "refresh"].map(|name| (name, Link { href: &self.href })))
    }
}

/// The job's webhook, its header values masked.
#[derive(Debug, Serialize)]
struct Webhook<'a> {
    url: &'a Url,
    headers: Map<String, Value>,
    data_in_payload: bool,
    state: DeliveryStatus,
    attempts: u32,
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

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Whether a job's results are shown with its status.
pub fn has_result(job: &Job) -> bool {
    matches!(job.state.status(), Status::Completed | Status::Failed)
}

#[derive(Serialize)]
struct SingleView<'a> {
    #[serde(flatten)]
    view: JobView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(flatten)]
    members: Members<'a>,
}

/// The status of a settled job with a single record.
pub fn with_record(job: &Job, base: &str, record: &[u8]) -> String {
    let parts = job.spec.task.view(record);
    let result = parts.result.filter(|_| job.state.status() == Status::Completed);
    json(&SingleView { view: view(job, base), result, members: parts.status })
}

/// A settled crawl. Its pages are in `result` and once more in `results`.
pub fn with_pages(job: &Job, base: &str) -> PageTemplate {
    PageTemplate::json(&view(job, base)).with("result", crawl_result::result(job)).with("results", PageTemplate::list())
}

/// A settled crawl without its URLs and with its pages in `result` only.
pub fn with_pages_once(job: &Job, base: &str) -> PageTemplate {
    PageTemplate::json(&brief(job, base)).with("result", crawl_result::result(job))
}
