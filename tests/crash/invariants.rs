//! What has to be true of a job when everything is over.

use std::time::Duration;

use serde_json::Value;

use super::environment::ReceivedWebhook;
use super::support::TestServer;

/// A job's status once its webhook was taken.
pub async fn settled_and_delivered(server: &TestServer, id: &str) -> Value {
    loop {
        let (code, status) = server.get(&format!("/crawl/job/{id}")).await;
        if code == 503 {
            // Its store is not there yet.
            continue;
        }
        match status["webhook"]["state"].as_str() {
            Some("delivered") => return status,
            Some("pending") => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => panic!("nobody refuses a webhook here: {status}"),
        }
    }
}

/// The job settled once: all it told is one webhook, and that agrees with its status.
pub fn assert_settled_once(id: &str, status: &Value, next_webhook: &[ReceivedWebhook]) {
    let state = status["status"].as_str().expect("a job has a status");
    assert!(["completed", "cancelled"].contains(&state), "{status}");
    assert_eq!(status["stage"], "settled", "{status}");
    let [first, again @ ..] = next_webhook else { panic!("{id} was never told of") };
    for other in again {
        assert_eq!(first, other, "{id} was told of in two ways");
    }
    let body: Value = serde_json::from_slice(&first.bytes).expect("a webhook is JSON");
    assert_eq!((&body["task_id"], &body["status"]), (&status["task_id"], &status["status"]));
    if state == "completed" {
        let progress = &status["progress"];
        assert_eq!((&progress["done"], &progress["failed"]), (&progress["total"], &Value::from(0)), "{status}");
    }
}
