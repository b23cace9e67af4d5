//! A kind that is only registered runs like the others.

use serde_json::json;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{Setup, TestSystem, crawl_of, with_paused_time};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::JobId;
use crate::domain::job::{JobSpec, JobState, Status};
use crate::domain::task::Task;
use crate::kinds::echo::{ECHO, EchoSpec};
use crate::ports::NewJob;

fn echo(text: Option<&str>) -> NewJob {
    let mut job = crawl_of("a", 1);
    let task = Task::new(EchoSpec { url: "https://a.example".to_owned(), text: text.map(str::to_owned) });
    let webhook = job.spec.webhook.map(|target| crate::domain::webhook::Target { data_in_payload: true, ..target });
    job.spec = JobSpec { task, webhook, ..job.spec };
    let unique = job.id.as_str().trim_start_matches("crawl_");
    job.id = JobId::parse(&format!("echo_{unique}")).expect("an id of the kind");
    job
}

fn start() -> TestSystem {
    Setup::new(ScriptedSite::new(|_| Fetch::Succeed)).start()
}

#[test]
fn echo_job_is_submitted_run_settled_and_delivered() {
    with_paused_time(|| async {
        let mut system = start();
        let id = system.submit(echo(Some("hello"))).await;
        assert_eq!(id.kind(), ECHO);
        let webhook = system.webhook().await;
        assert_eq!(
            webhook,
            json!({
                "task_id": id, "task_type": "echo", "status": "completed", "timestamp": webhook["timestamp"],
                "urls": ["https://a.example"], "data": {"text": "hello"},
            })
        );
        let job = system.wait_for(&id, |job| job.expires_at.is_some()).await;
        assert_eq!(job.state, JobState::Completed);
        assert_eq!(job.delivery.map(|delivery| delivery.state), Some(DeliveryState::Delivered));
        assert_eq!(system.starts("echo_worker", "start"), 1);
    });
}

#[test]
fn panicking_echo_job_fails_with_the_records_of_its_kind() {
    with_paused_time(|| async {
        let mut system = start();
        let id = system.submit(echo(None)).await;
        let webhook = system.webhook().await;
        let reason = "Given up after 3 attempts: the work panicked: a text";
        assert_eq!((&webhook["status"], &webhook["error"]), (&json!("failed"), &json!(reason)));
        assert_eq!((&webhook["cause"], webhook.get("data")), (&json!(reason), None));
        assert_eq!(system.job(&id).await.state.status(), Status::Failed);
    });
}

#[test]
fn echo_job_round_trips_through_json() {
    let spec = echo(Some("hello")).spec;
    let stored = serde_json::to_string(&spec).expect("a specification is JSON");
    assert!(stored.starts_with(r#"{"task":{"echo":{"url":"https://a.example","text":"hello"}}"#), "{stored}");
    assert_eq!(serde_json::from_str::<JobSpec>(&stored).expect("the stored text is valid"), spec);
}
