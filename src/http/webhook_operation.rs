//! The description of the webhook that is sent when a job is settled.

use std::collections::HashMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::job_view::EXAMPLE_ID;
use super::openapi::operation_builder::{self, Operation, string};
use super::schemas;

pub fn operation() -> Operation {
    let example = json!({
        "task_id": EXAMPLE_ID, "task_type": "crawl", "status": "completed",
        "timestamp": "2025-10-21T10:30:00.000000+00:00", "urls": ["https://example.com"],
    });
    let mut operation = operation_builder::operation("deliveries", "job_settled", "A job is settled")
        .description(
            "Delivered at least once. Any 2xx acknowledges the webhook; after a 5xx, a network error or a timeout it is \
             retried. The body is the same at every attempt.",
        )
        .header("webhook-id", string(), "The same at every attempt and replay")
        .header("webhook-timestamp", string(), "The time of the attempt, in seconds since 1970")
        .header("webhook-signature", string(), "As Standard Webhooks defines it, if a secret is configured")
        .request::<WebhookBody>(example)
        .build_without_common_errors();
    let responses = &mut operation.operation.responses.responses;
    responses.clear();
    responses.insert("2XX".to_owned(), utoipa::openapi::Response::new("Delivered").into());
    operation
}

/// The body of a webhook.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the body contains pages as they were stored; tests compare it with this schema")]
struct WebhookBody {
    task_id: String,
    task_type: schemas::TaskType,
    status: schemas::JobState,
    /// When the job settled.
    #[schema(format = "date-time")]
    timestamp: String,
    urls: Vec<String>,
    #[schema(nullable = false)]
    error: Option<String>,
    /// The result of a completed job, if requested. Crawl: its result; for a crawl of one page also that page's `markdown`
    /// (text), `html`, `links` and `metadata`. Extraction: `extracted_content`.
    #[schema(nullable = false)]
    data: Option<HashMap<String, Value>>,
    /// Only for extractions by a language model; for a crawl the sum over its pages.
    #[schema(nullable = false)]
    usage: Option<schemas::Usage>,
    /// Only for a failed extraction.
    #[schema(nullable = false)]
    error_type: Option<String>,
}
