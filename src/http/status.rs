//! A job as clients see it.

use bytes::Bytes;
use opilio_actors::domain::crawl_result::{head, tail};
use opilio_actors::domain::delivery::{DeliveryState, DeliveryStatus};
use opilio_actors::domain::extraction::Extracted;
use opilio_actors::domain::id::{JobId, TaskType};
use opilio_actors::domain::job::{Job, Status};
use opilio_actors::domain::time::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::results::Piece;

/// Everything but the results.
pub fn view(job: &Job, base: &str) -> Map<String, Value> {
    let urls = job.spec.urls();
    let url = match job.spec.task_type() {
        TaskType::Crawl => serde_json::to_string(urls).unwrap_or_default(),
        TaskType::LlmExtraction => urls.first().cloned().unwrap_or_default(),
    };
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("task_id", json!(job.id));
    put("status", json!(job.state.status()));
    put("created_at", json!(rfc3339(job.created_at)));
    put("url", json!(url));
    put("urls", json!(urls));
    put("task_type", json!(job.spec.task_type()));
    put("stage", json!(job.stage()));
    put("attempt", json!(job.attempt()));
    put("progress", json!(job.progress));
    put("_links", links(&job.id, base));
    for (key, moment) in
        [("started_at", job.started_at), ("finished_at", job.finished_at), ("expires_at", job.expires_at)]
    {
        if let Some(moment) = moment {
            put(key, json!(rfc3339(moment)));
        }
    }
    if matches!(job.state.status(), Status::Failed | Status::Cancelled) {
        put("error", json!(job.error.as_deref().unwrap_or("Unknown error")));
    }
    if let Some(webhook) = webhook(job) {
        put("webhook", webhook);
    }
    if !job.spec.warnings.is_empty() {
        put("warnings", json!(job.spec.warnings));
    }
    view
}

/// Working URLs of the job itself.
pub fn links(job: &JobId, base: &str) -> Value {
    let family = if job.task() == TaskType::Crawl { "crawl" } else { "llm" };
    let link = json!({"href": format!("{base}/{family}/job/{job}")});
    json!({"self": link, "status": link, "refresh": link})
}

/// Whether a job's results are shown with its status.
pub fn has_result(job: &Job) -> bool {
    matches!(job.state.status(), Status::Completed | Status::Failed)
}

/// Bytes of addresses that are told with an event.
const TOLD: usize = 1 << 16;

/// What an event says: everything but the results, and but the addresses of a crawl where they are long.
pub fn told(job: &Job, base: &str) -> Map<String, Value> {
    let addresses: usize = job.spec.urls().iter().map(String::len).sum();
    if addresses > TOLD { brief(job, base) } else { view(job, base) }
}

/// The same without a crawl's addresses: there may be many, and each page of the result says its own.
pub fn brief(job: &Job, base: &str) -> Map<String, Value> {
    let mut view = view(job, base);
    if job.spec.task_type() == TaskType::Crawl {
        view.retain(|key, _| key != "url" && key != "urls");
    }
    view
}

#[derive(Serialize)]
struct ExtractionView<'a> {
    #[serde(flatten)]
    view: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a RawValue>,
}

/// The extracted content itself in `result`.
pub fn with_extracted(job: &Job, base: &str, record: &Bytes) -> String {
    let mut answer = ExtractionView { view: view(job, base), result: None, usage: None, error_type: None, notes: None };
    if let Some(Extracted { extracted_content, usage, error_type, notes }) = Extracted::parse(record) {
        answer.result = (job.state.status() == Status::Completed).then_some(extracted_content);
        (answer.usage, answer.error_type, answer.notes) = (usage, error_type, notes);
    }
    serde_json::to_string(&answer).unwrap_or_default()
}

/// A settled crawl's answer around its pages, which stand once in `result` and once more in `results`.
pub fn around_pages(job: &Job, base: &str) -> Vec<Piece> {
    let mut pieces = around(view(job, base), job);
    pieces.pop();
    pieces.push(Piece::Text(format!(r#"{},"results":["#, tail(job))));
    pieces.push(Piece::Pages);
    pieces.push(Piece::Text("]}".to_owned()));
    pieces
}

/// The same in short, with the pages in `result` only.
pub fn around_pages_once(job: &Job, base: &str) -> Vec<Piece> {
    around(brief(job, base), job)
}

fn around(view: Map<String, Value>, job: &Job) -> Vec<Piece> {
    let mut view = Value::Object(view).to_string();
    view.pop(); // the closing brace: more members follow
    let before = Piece::Text(format!(r#"{view},"result":{}"#, head(job)));
    vec![before, Piece::Pages, Piece::Text(tail(job) + "}")]
}

/// The job's webhook, its header values masked.
fn webhook(job: &Job) -> Option<Value> {
    let target = job.spec.webhook.as_ref()?;
    let headers: Map<String, Value> = target.headers.iter().map(|(name, _)| (name.clone(), json!("***"))).collect();
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
    Some(json!({
        "url": target.url, "headers": headers, "data_in_payload": target.data_in_payload, "state": state,
        "attempts": attempts, "next_attempt_at": due,
    }))
}
