//! The operations on jobs.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;

use super::operation_builder::{OperationDoc, number, one_of, operation, text, text_like};
use super::schemas::{Accepted, CrawlJobRequest, Job, JobList, JobStatus, LlmJobRequest, PageResult};

const ID: &str = "crawl_01kasbx3v0j1m8f4c5q9w2e7rt";
const EVENTS: &str = "id: queued\nevent: queued\ndata: {\"task_id\": …}\n\n";

pub fn submit_crawl() -> Operation {
    let example = json!({
        "urls": ["https://example.com"],
        "crawler_config": {"page_timeout": 15000},
        "webhook_config": {"webhook_url": "https://myapp.com/webhooks/crawl-complete", "webhook_data_in_payload": false},
    });
    submission("submit_crawl_job", "Crawl pages and tell a webhook")
        .takes::<CrawlJobRequest>(example)
        .answers::<Accepted>(202, "It is stored and will come to its end", json!({"task_id": ID, "_links": links(ID)}))
        .build()
}

pub fn submit_llm() -> Operation {
    let example = json!({
        "url": "https://example.com/article",
        "q": "Extract the article title, author, and publication date",
        "schema": "{\"type\": \"object\", \"properties\": {\"title\": {\"type\": \"string\"}}}",
        "provider": "openai/gpt-4o-mini",
        "webhook_config": {"webhook_url": "https://myapp.com/webhooks/llm-complete", "webhook_data_in_payload": true},
    });
    let id = "llm_1698765432_01kasbx3v0j1m8f4c5q9w2e7rt";
    let answer = json!({
        "task_id": id, "status": "processing", "url": "https://example.com/article", "_links": links(id),
    });
    submission("submit_llm_job", "Extract from a page by a language model and tell a webhook")
        .takes::<LlmJobRequest>(example)
        .answers::<Accepted>(202, "It is stored and will come to its end", answer)
        .build()
}

fn submission(id: &str, summary: &str) -> OperationDoc {
    let about = "The same key with the same body answers the job that there is; with another body it is a 409. 1 to 255 \
        visible characters.";
    operation("jobs", id, summary).header("Idempotency-Key", text_like("^[!-~]+$", 255), about).fails(&[409])
}

/// `kind`: by which path it is asked for; each answers for either kind of job.
pub fn status(kind: &str) -> Operation {
    operation("jobs", &format!("get_{kind}"), "A job, with its result once it has one")
        .about("`offset`, `limit` and `fields` choose from a crawl's pages.")
        .of_job()
        .query("offset", number(0, u32::MAX), "The first page to show, by its place in `urls`")
        .query("limit", number(0, u32::MAX), "How many pages to show")
        .query("fields", text(), "Which keys of each page to show, separated by commas")
        .answers_also::<JobStatus>(
            200,
            "The job; as NDJSON, one page of its result a line",
            "application/x-ndjson",
            job(),
        )
        .fails(&[422])
        .build()
}

pub fn cancel(kind: &str) -> Operation {
    operation("jobs", &format!("cancel_{kind}"), "Cancel a job")
        .of_job()
        .answers::<Job>(202, "It is cancelled", job())
        .fails(&[409])
        .build()
}

pub fn page() -> Operation {
    operation("jobs", "get_page", "One page of a crawl, as soon as it is there")
        .of_job()
        .named("page", number(0, u32::MAX), "Its place in `urls`, from 0")
        .answers::<PageResult>(200, "The page's result", json!({"url": "https://example.com", "success": true}))
        .build()
}

pub fn list() -> Operation {
    operation("jobs", "list_jobs", "The caller's jobs, newest first, without results")
        .query("status", one_of(&["processing", "completed", "failed", "cancelled"]), "How they stand")
        .query("type", one_of(&["crawl", "llm_extraction"]), "Of which kind they are")
        .query(
            "webhook",
            one_of(&["waiting", "pending", "delivered", "exhausted", "refused"]),
            "How their webhooks stand",
        )
        .query("cursor", text_like("^[0-9]+$", 18), "`next_cursor` of the list before")
        .query("limit", number(1, 1000), "At most so many; without it, 100")
        .answers::<JobList>(200, "The jobs", json!({"jobs": [job()], "next_cursor": null}))
        .fails(&[422])
        .build()
}

pub fn events() -> Operation {
    operation("jobs", "job_events", "What happens to a job, as server-sent events")
        .about(
            "`queued`, `started`, `page` for each page, and one of `completed`, `failed` and `cancelled` at the end. The \
             data of `page` are `task_id`, `index`, `url`, `success`, `status_code`, `error_message` and `progress`; of \
             the others, the job as it stands when they are sent, without its result.",
        )
        .of_job()
        .header("Last-Event-ID", text(), "The last event that was seen: the stream goes on behind it, at any server")
        .answers_in(200, "Events", "text/event-stream", EVENTS)
        .answers_nothing(204, "There is nothing more to tell")
        .build()
}

pub fn all_events() -> Operation {
    operation("jobs", "all_events", "What happens to all of the caller's jobs, as server-sent events")
        .about(
            "`queued`, `started`, and one of `completed`, `failed` and `cancelled`: how each job stands that has \
             changed, not every step that it took; one that starts at once may never be `queued`. The data are the job, \
             without its result. Begins now, or behind `Last-Event-ID`.",
        )
        .header("Last-Event-ID", text(), "The last event that was seen: the stream goes on behind it, at any server")
        .answers_in(200, "Events", "text/event-stream", EVENTS)
        .build()
}

pub fn rerun() -> Operation {
    operation("jobs", "rerun_job", "A new job with the same request")
        .of_job()
        .answers::<Accepted>(202, "The new job", json!({"task_id": ID, "_links": links(ID)}))
        .build()
}

fn links(id: &str) -> Value {
    let family = if id.starts_with("llm") { "llm" } else { "crawl" };
    let link = json!({"href": format!("http://localhost:11235/{family}/job/{id}")});
    json!({"self": link, "status": link, "refresh": link})
}

pub fn job() -> Value {
    json!({
        "task_id": ID, "status": "processing", "created_at": "2025-10-21T10:30:00.000000+00:00",
        "url": "[\"https://example.com\"]", "urls": ["https://example.com"], "task_type": "crawl", "stage": "running",
        "attempt": 1, "progress": {"done": 0, "failed": 0, "total": 1}, "_links": links(ID),
        "started_at": "2025-10-21T10:30:00.100000+00:00",
    })
}
