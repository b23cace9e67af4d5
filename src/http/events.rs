//! Server-sent events: of one job, and of all jobs of a caller.

mod all;
mod job;

use super::openapi::operation_builder::{operation, string};
use super::route::{GET, READ, Route, STANDARD, route};

const EVENT_STREAM: &str = "text/event-stream";
const EXAMPLE: &str = "id: queued\nevent: queued\ndata: {\"task_id\": …}\n\n";
const LAST_EVENT_ID: &str = "The id of the last event received. The stream continues after it, at any server.";

pub fn routes() -> Vec<Route> {
    let job_operation = operation("jobs", "job_events", "Watch a job with server-sent events")
        .description(
            "The events are `queued`, `started`, `page` for each page, and finally `completed`, `failed` or `cancelled`. \
             The data of `page` are `task_id`, `index`, `url`, `success`, `status_code`, `error_message` and `progress`; \
             those of the other events are the current job without its result.",
        )
        .job_id()
        .header("Last-Event-ID", string(), LAST_EVENT_ID)
        .response_as(200, "The events", EVENT_STREAM, EXAMPLE)
        .response_empty(204, "All events were received")
        .build();
    let all_operation = operation("jobs", "all_events", "Watch all of the caller's jobs with server-sent events")
        .description(
            "The events are `queued`, `started`, `completed`, `failed` and `cancelled`. Each contains the current state \
             of a changed job, without its result; intermediate states may be omitted. The stream begins with the next \
             change, or after `Last-Event-ID`.",
        )
        .header("Last-Event-ID", string(), LAST_EVENT_ID)
        .response_as(200, "The events", EVENT_STREAM, EXAMPLE)
        .build();
    vec![
        route(GET, "/events", READ, STANDARD, all::events, all_operation),
        route(GET, "/jobs/{task_id}/events", READ, STANDARD, job::events, job_operation),
    ]
}
