//! What must hold for every job at the end of a campaign.

use serde_json::Value;

use super::environment::ReceivedWebhook;
use super::support::{DEADLINE, TestServer, until};

/// Waits until the job's webhook is delivered, and returns the job.
pub async fn settled_and_delivered(server: &TestServer, id: &str) -> Value {
    let evaluate = async || {
        let (code, job) = server.get(&format!("/crawl/job/{id}")).await;
        match job["webhook"]["state"].as_str() {
            Some("delivered") => Ok(job),
            Some("pending") => Err(job),
            // The store is unavailable.
            _ if code == 503 => Err(job),
            _ => panic!("no webhook is refused or exhausted here: {job}"),
        }
    };
    until(evaluate, DEADLINE).await
}

/// Asserts that the job settled once and did not fail, since no page here is at fault: all its webhooks are identical and agree with the job's status.
pub fn assert_settled_once(id: &str, job: &Value, webhooks: &[ReceivedWebhook]) {
    let status = job["status"].as_str().expect("a job has a status");
    assert!(["completed", "cancelled"].contains(&status), "{job}");
    assert_eq!(job["stage"], "settled", "{job}");
    let [first, repeated @ ..] = webhooks else { panic!("no webhook for {id}") };
    for webhook in repeated {
        assert_eq!(first, webhook, "two different webhooks for {id}");
    }
    let body: Value = serde_json::from_slice(&first.bytes).expect("a webhook is JSON");
    assert_eq!((&body["task_id"], &body["status"]), (&job["task_id"], &job["status"]));
    if status == "completed" {
        let progress = &job["progress"];
        assert_eq!((&progress["done"], &progress["failed"]), (&progress["total"], &Value::from(0)), "{job}");
    }
}
