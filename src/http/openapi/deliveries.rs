//! The operations on webhooks, and what receivers are sent.

use serde_json::json;
use utoipa::openapi::path::Operation;

use super::jobs::job;
use super::operation_builder::{operation, text};
use super::schemas::{Delivered, Job, ReplayRequest, Replayed, WebhookBody};

pub fn log() -> Operation {
    let answer = json!({
        "task_id": "crawl_01kasbx3v0j1m8f4c5q9w2e7rt", "webhook_id": "msg_01kasbx3v0j1m8f4c5q9w2e7rt",
        "state": "delivered",
        "attempts": [{"attempt": 1, "started_at": "2025-10-21T10:30:01.000000+00:00",
            "finished_at": "2025-10-21T10:30:01.020000+00:00", "duration_s": 0.02, "status": 200, "error": null,
            "next_due": null, "answer": "ok"}],
    });
    operation("deliveries", "get_deliveries", "Every attempt at a job's webhook")
        .of_job()
        .answers::<Delivered>(200, "The attempts, oldest first", answer)
        .build()
}

pub fn replay() -> Operation {
    operation("deliveries", "replay_delivery", "Send a job's webhook again, now and by a fresh schedule")
        .of_job()
        .answers::<Job>(202, "It will be sent", job())
        .fails(&[409])
        .build()
}

pub fn replay_many() -> Operation {
    operation("deliveries", "replay_deliveries", "Send many webhooks again")
        .takes::<ReplayRequest>(json!({"state": "exhausted", "since": "2025-10-21T10:00:00Z"}))
        .answers::<Replayed>(202, "They will be sent", json!({"replayed": 3}))
        .build()
}

/// What a receiver is sent once a job has ended.
pub fn webhook() -> Operation {
    let example = json!({
        "task_id": "crawl_01kasbx3v0j1m8f4c5q9w2e7rt", "task_type": "crawl", "status": "completed",
        "timestamp": "2025-10-21T10:30:00.000000+00:00", "urls": ["https://example.com"],
    });
    let mut operation = operation("deliveries", "job_settled", "A job has ended")
        .about("At least once. Any 2xx is taken as delivered; 5xx and no answer are tried again. The body is the same at every attempt.")
        .header("webhook-id", text(), "The same at every attempt and replay")
        .header("webhook-timestamp", text(), "Of this attempt, in seconds since 1970")
        .header("webhook-signature", text(), "By Standard Webhooks, where a secret is set up")
        .takes::<WebhookBody>(example)
        .build_open();
    operation.responses.responses.clear();
    operation.responses.responses.insert("2XX".to_owned(), utoipa::openapi::Response::new("It is delivered").into());
    operation
}
