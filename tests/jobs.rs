//! Jobs from submission to webhook: real actors, a real store, and scripted pages, models and receivers.

#[path = "jobs/app.rs"]
mod app;
#[path = "jobs/crashes.rs"]
mod crashes;
#[path = "jobs/extraction.rs"]
mod extraction;
#[path = "jobs/fairness.rs"]
mod fairness;
#[path = "jobs/models.rs"]
mod models;
mod providers;
#[path = "jobs/store_errors.rs"]
mod store_errors;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::TestApp;
use opilio_actors::domain::job::JobState;
use opilio_actors::http_front::Drain;
use opilio_actors::ports::{FetchError, JobStore};
use opilio_actors::testing::fakes::page;
use opilio_actors::testing::jobs::crawl;
use opilio_actors::testing::kill::{KillWorkers, Panic};
use serde_json::Value;

#[actix::test]
async fn completed_job_sends_a_webhook() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let id = app.submit(crawl(3)).await;
    let webhook = app.next_webhook().await;
    assert_eq!(webhook["task_id"], id.as_str());
    assert_eq!((&webhook["task_type"], &webhook["status"]), (&"crawl".into(), &"completed".into()));
    assert_eq!(webhook["urls"].as_array().map(Vec::len), Some(3));
    assert!(webhook.get("data").is_none(), "data is sent only if requested");
}

#[actix::test]
async fn webhook_data_has_the_results_and_the_single_page() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let mut job = crawl(1);
    job.spec.webhook.as_mut().expect("it has one").data_in_payload = true;
    app.submit(job).await;
    let data = app.next_webhook().await["data"].take();
    assert_eq!(data["success"], true);
    assert_eq!(data["results"][0]["url"], "https://example.com/0");
    for field in ["markdown", "html"] {
        assert!(data[field].is_string(), "{field} is a string");
    }
    assert_eq!(data["links"], data["results"][0]["links"]);
}

#[actix::test]
async fn failed_page_is_retried_and_the_last_error_counts() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetches);
    let mut app = TestApp::new(&[], move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(Err(FetchError::transient("Connection refused")))
    });
    app.submit(crawl(1)).await;
    let webhook = app.next_webhook().await;
    assert_eq!((&webhook["status"], &webhook["error"]), (&"failed".into(), &"Connection refused".into()));
    assert_eq!(fetches.load(Ordering::SeqCst), 3);
}

#[actix::test]
async fn webhook_retries_have_the_same_id_and_body() {
    let mut app = TestApp::new(&[500, 503, 204], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(app.webhooks.recv().await.expect("the sender runs"));
    }
    assert!(requests.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].body.whole() == pair[1].body.whole()));
}

#[actix::test]
async fn job_that_panics_once_completes_at_the_second_attempt() {
    let fetches = AtomicUsize::new(0);
    let mut app = TestApp::new(&[], move |_| {
        assert!(fetches.fetch_add(1, Ordering::SeqCst) > 0, "the first fetch panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    let job = app.job(&id).await;
    assert_eq!((job.attempts_spent, job.attempt()), (2, 2));
}

#[actix::test]
async fn page_that_always_panics_fails_alone() {
    let mut app = TestApp::new(&[], |url| {
        assert!(!url.ends_with("/1"), "this page panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(crawl(2)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    let pages = app.store.pages(&id, 1, usize::MAX).await.expect("the store is available");
    let page: Value = serde_json::from_slice(&pages[0].1).expect("a result is JSON");
    let reason = page["error_message"].as_str().expect("a reason");
    assert!(reason.starts_with("Given up after 3 attempts: the work panicked"), "{reason}");
}

#[actix::test]
async fn cancelling_stops_a_job_whose_page_hangs() {
    let mut app = TestApp::new(&[], |url| url.ends_with("/1").then(|| Ok(page(200))).or_else(|| None));
    let hanging = [app.submit(crawl(1)).await, app.submit(crawl(1)).await];
    for job in &hanging {
        assert_eq!(app.cancel(job).await.state, JobState::Cancelled);
        assert_eq!(app.next_webhook().await["status"], "cancelled");
    }
    assert_eq!(app.died("crawl_worker", "working"), 0);
}

#[actix::test]
async fn workers_that_stop_between_jobs_are_replaced_and_counted() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.next_webhook().await;
    app.actors.supervisor.notify(KillWorkers);
    app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.died("crawl_worker", "idle"), 2);
    assert_eq!(app.died("llm_worker", "idle"), 2);
}

#[actix::test]
async fn crashed_sender_is_replaced_and_sends_due_webhooks() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.next_webhook().await;
    app.actors.sender.notify(Panic);
    app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["status"], "completed");
    assert_eq!(app.died("webhook_sender", "panicked"), 1);
}

#[actix::test]
async fn crashed_supervisor_is_replaced_and_claims_queued_jobs() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    app.submit(crawl(1)).await;
    app.next_webhook().await;
    let job = crawl(1);
    let id = job.id.clone();
    app.store.submit(job).await.expect("the job is admitted");
    app.actors.supervisor.notify(Panic);
    assert_eq!(app.next_webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn drain_releases_running_jobs_without_using_an_attempt() {
    let app = TestApp::new(&[], |_| None);
    let id = app.submit(crawl(1)).await;
    app.job_until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
    app.actors.front.send(Drain { grace: Duration::from_millis(1) }).await.expect("the front runs");
    let job = app.job(&id).await;
    assert_eq!((job.state, job.attempts_spent), (JobState::Queued { not_before: None }, 0));
}

#[actix::test]
async fn webhooks_beyond_the_in_memory_horizon_are_sent() {
    let mut app = TestApp::new(&[], |_| Some(Ok(page(200))));
    let mut waiting = std::collections::HashSet::new();
    for _ in 0..300 {
        waiting.insert(app.submit(crawl(1)).await.as_str().to_owned());
    }
    while !waiting.is_empty() {
        let webhook = app.next_webhook().await;
        assert!(waiting.remove(webhook["task_id"].as_str().expect("an id")), "a second webhook: {webhook}");
    }
}
