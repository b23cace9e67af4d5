//! The event stream of a job.

use serde_json::json;

use crate::support::events::events_until;
use crate::support::{TestServer, TestSite};

#[actix::test]
async fn resumed_event_stream_repeats_no_event() {
    let (site, mut server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/gated"), site.url("/article"), site.url("/nowhere")];
    let (_, job) = server.post("/crawl/job", json!({"urls": urls})).await;
    let path = format!("/jobs/{}/events", job["task_id"].as_str().expect("an id"));
    let before = events_until(&server, &path, None, "page").await;
    let names: Vec<_> = before.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["queued", "started", "page"]);
    let last = before.last().expect("there is one");
    assert_eq!(last.data["task_id"], job["task_id"]);
    site.wait_for_gated_request().await;
    server.kill().await;
    server.restart().await;
    site.open_gate();
    let after = events_until(&server, &path, Some(&last.id), "nothing").await;
    let names: Vec<_> = after.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["page", "page", "completed"], "then the stream ends");
    let mut pages: Vec<_> = after[..2].iter().chain([last]).map(|event| event.data["index"].as_u64()).collect();
    pages.sort();
    assert_eq!(pages, [Some(0), Some(1), Some(2)], "each page once");
    let last_event = &after[2];
    assert_eq!(last_event.data["progress"], json!({"done": 3, "failed": 1, "total": 3}));
    let resumed = server.client().get(format!("{}{path}", server.base())).header("last-event-id", &last_event.id);
    assert_eq!(resumed.send().await.expect("the server responds").status().as_u16(), 204, "no more events");
    assert_eq!(server.get("/jobs/crawl_nope/events").await.0, 404);
}

#[actix::test]
async fn cancelled_job_has_one_terminal_event() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let (_, job) = server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    let id = job["task_id"].as_str().expect("an id");
    let path = format!("/jobs/{id}/events");
    let (events, _) = tokio::join!(events_until(&server, &path, None, "nothing"), async {
        server.delete(&format!("/crawl/job/{id}")).await
    });
    assert_eq!(events.iter().filter(|event| event.name == "cancelled").count(), 1);
    assert_eq!(events.last().map(|event| event.name.as_str()), Some("cancelled"));
}
