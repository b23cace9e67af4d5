//! Receivers with errors, delays and large responses, against the real binary: attempts, delays and final state.

#[path = "receivers/receiver.rs"]
mod receiver;
mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use opilio::webhooks::Signer;
use opilio_actors::domain::secret::Secret;
use receiver::{Action, Receiver};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

const CONFIG: &str = "webhooks: {secrets: [whsec_c2VjcmV0], \
    retry: {max_attempts: 3, initial_delay: 50ms, max_delay: 1500ms, timeout: 30s}}";

/// Submits a job with this webhook URL and returns its delivery log once the delivery has ended.
async fn delivery_log(server: &TestServer, url: &str) -> Value {
    let body = json!({"urls": ["raw:<p>x"], "webhook_config": {"webhook_url": url}});
    let (status, job) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/jobs/{}/deliveries", job["task_id"].as_str().expect("an id"));
    server.get_until(&path, |log| ["delivered", "exhausted", "refused"].iter().any(|end| log["state"] == *end)).await
}

/// Milliseconds from the end of each attempt to the due time of the next.
fn delays(log: &Value) -> Vec<i64> {
    let attempts = log["attempts"].as_array().expect("a list");
    let time = |value: &Value| value.as_str().map(|text| text.parse::<jiff::Timestamp>().expect("RFC 3339"));
    let delay = |attempt: &Value| {
        Some((time(&attempt["next_due"])?.as_microsecond() - time(&attempt["finished_at"])?.as_microsecond()) / 1000)
    };
    attempts.iter().filter_map(delay).collect()
}

fn statuses(log: &Value) -> Vec<Option<u64>> {
    log["attempts"].as_array().expect("a list").iter().map(|attempt| attempt["status"].as_u64()).collect()
}

/// Name, script, statuses, final state, and delays in milliseconds.
type Case = (&'static str, Vec<Action>, &'static [u64], &'static str, &'static [i64]);

#[actix::test]
async fn response_status_decides_whether_a_webhook_is_retried() {
    let server = TestServer::with_config(CONFIG).await;
    let in_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let table: Vec<Case> = vec![
        ("200", vec![Action::Respond(200)], &[200], "delivered", &[]),
        ("204", vec![Action::Respond(204)], &[204], "delivered", &[]),
        ("500 each time", vec![Action::Respond(500); 3], &[500, 500, 500], "exhausted", &[50, 100]),
        ("502, then 200", vec![Action::Respond(502)], &[502, 200], "delivered", &[50]),
        (
            "503 with seconds",
            vec![Action::RespondWith(503, "retry-after", "1".to_owned())],
            &[503, 200],
            "delivered",
            &[1000],
        ),
        (
            "503 with a day, which is bounded",
            vec![Action::RespondWith(503, "retry-after", "86400".to_owned())],
            &[503, 200],
            "delivered",
            &[1500],
        ),
        (
            "503 with a date, which is bounded",
            vec![Action::RespondWith(503, "retry-after", in_an_hour)],
            &[503, 200],
            "delivered",
            &[1500],
        ),
        ("400", vec![Action::Respond(400)], &[400], "refused", &[]),
        ("404", vec![Action::Respond(404)], &[404], "refused", &[]),
        ("410", vec![Action::Respond(410)], &[410], "refused", &[]),
        ("429", vec![Action::RespondWith(429, "retry-after", "1".to_owned())], &[429], "refused", &[]),
        ("302", vec![Action::RespondWith(302, "location", "/other".to_owned())], &[302], "refused", &[]),
    ];
    let cases = table.into_iter().map(|(name, script, expected, state, expected_delays)| {
        let server = &server;
        async move {
            let receiver = Receiver::start(script).await;
            let log = delivery_log(server, &format!("{}/hook", receiver.base)).await;
            let expected: Vec<_> = expected.iter().copied().map(Some).collect();
            assert_eq!((statuses(&log), &log["state"]), (expected, &json!(state)), "{name}: {log}");
            assert_eq!(delays(&log), expected_delays, "{name}: {log}");
            let webhooks = receiver.webhooks();
            assert_eq!(webhooks.len(), statuses(&log).len(), "{name}: the log has every attempt");
            for webhook in webhooks.iter() {
                assert_eq!(webhook.path, "/hook", "{name}");
                assert_eq!(webhook.header("webhook-id"), log["webhook_id"], "{name}");
                assert!(webhook.header("webhook-signature").starts_with("v1,"), "{name}: {}", webhook.head);
                assert_eq!(webhook.body, webhooks[0].body, "{name}: the body is the same");
            }
        }
    });
    futures_util::future::join_all(cases).await;
}

#[actix::test]
async fn network_errors_and_timeouts_are_retried() {
    let server = TestServer::with_config(&CONFIG.replace("timeout: 30s", "timeout: 3s")).await;
    for (action, reason) in [(Action::Hang, "timeout after"), (Action::Reset, ""), (Action::Drip, "timeout after")] {
        let receiver = Receiver::start([action.clone(), action]).await;
        let log = delivery_log(&server, &receiver.base).await;
        assert_eq!((statuses(&log), &log["state"]), (vec![None, None, Some(200)], &json!("delivered")), "{log}");
        assert_eq!(delays(&log), [50, 100], "{log}");
        for attempt in &log["attempts"].as_array().expect("a list")[..2] {
            let error = attempt["error"].as_str().expect("a reason");
            assert!(!error.is_empty() && error.contains(reason), "{error}");
        }
    }
}

#[actix::test]
async fn response_body_is_read_up_to_1_kib() {
    let server = TestServer::with_config(CONFIG).await;
    for (status, state) in [(200, "delivered"), (500, "delivered"), (404, "refused")] {
        let receiver = Receiver::start([Action::Flood(status)]).await;
        let log = delivery_log(&server, &receiver.base).await;
        assert_eq!((statuses(&log)[0], &log["state"]), (Some(status.into()), &json!(state)), "{log}");
        assert_eq!(log["attempts"][0]["answer"].as_str().map(str::len), Some(1024));
        let sent = receiver.flooded.load(Ordering::Relaxed);
        assert!(sent < 64 << 20, "{sent} bytes of a GiB were webhooks, most of them by the sockets");
    }
}

#[actix::test]
async fn redirects_307_and_308_are_followed_at_most_5_times() {
    let server = TestServer::with_config(CONFIG).await;
    for status in [307, 308] {
        let receiver = Receiver::start([Action::RespondWith(status, "location", "/moved".to_owned())]).await;
        let log = delivery_log(&server, &format!("{}/hook", receiver.base)).await;
        assert_eq!((statuses(&log), &log["state"]), (vec![Some(200)], &json!("delivered")), "{log}");
        let webhooks = receiver.webhooks();
        assert_eq!((webhooks[0].path.as_str(), webhooks[1].path.as_str()), ("/hook", "/moved"));
        assert!(webhooks[1].head.starts_with("POST "));
        assert_eq!(webhooks[1].body, webhooks[0].body);
    }
    let redirects = vec![Action::RespondWith(307, "location", "/again".to_owned()); 50];
    let receiver = Receiver::start(redirects).await;
    let log = delivery_log(&server, &format!("{}/hook", receiver.base)).await;
    assert_eq!((statuses(&log), &log["state"]), (vec![Some(307)], &json!("refused")), "{log}");
    assert_eq!(receiver.webhooks().len(), 6, "one request and five redirects");
}

/// The documented schedule, a hundred times faster.
#[actix::test]
async fn five_attempts_with_doubling_delays_by_default() {
    let defaults = std::process::Command::new(env!("CARGO_BIN_EXE_opilio")).arg("config").output().expect("it runs");
    let defaults = String::from_utf8_lossy(&defaults.stdout).into_owned();
    for line in ["max_attempts: 5", "initial_delay: \"1s\"", "max_delay: \"32s\"", "timeout: \"30s\""] {
        assert!(defaults.contains(line), "{line}: {defaults}");
    }
    let server = TestServer::with_config("webhooks: {retry: {initial_delay: 10ms, max_delay: 320ms}}").await;
    let receiver = Receiver::start(vec![Action::Respond(503); 9]).await;
    let log = delivery_log(&server, &receiver.base).await;
    assert_eq!((statuses(&log).len(), &log["state"]), (5, &json!("exhausted")));
    assert_eq!(delays(&log), [10, 20, 40, 80]);
    let id = log["task_id"].as_str().expect("an id");
    let (_, job) = server.get(&format!("/crawl/job/{id}")).await;
    assert_eq!((&job["webhook"]["state"], &job["webhook"]["attempts"]), (&json!("exhausted"), &json!(5)));
    // A replay starts a new schedule.
    receiver.script.lock().expect("not poisoned").clear();
    assert_eq!(server.post(&format!("/jobs/{id}/deliveries"), Value::Null).await.0, 202);
    let log = server.get_until(&format!("/jobs/{id}/deliveries"), |log| log["state"] == "delivered").await;
    assert_eq!(statuses(&log).last(), Some(&Some(200)));
    assert!(receiver.webhooks().iter().all(|webhook| webhook.header("webhook-id") == log["webhook_id"]));
}

#[actix::test]
/// As an operator finds them with `grep -i webhook`.
async fn log_has_a_webhook_line_for_each_delivery_event() {
    let mut server = TestServer::with_config(CONFIG).await;
    let mut expected = Vec::new();
    for (script, words) in [
        (vec![Action::Respond(500)], &["webhook retry scheduled", "webhook delivered"][..]),
        (vec![Action::Respond(500); 3], &["webhook retry scheduled", "webhook retry scheduled", "webhook given up"]),
    ] {
        let receiver = Receiver::start(script).await;
        let log = delivery_log(&server, &receiver.base).await;
        expected.push((log["task_id"].as_str().expect("an id").to_owned(), words));
    }
    for (id, words) in expected {
        for word in words {
            let line = loop {
                let line = server.next_log_line().await;
                if line.to_lowercase().contains("webhook") && line.contains(&id) && line.contains("INFO") {
                    break line;
                }
            };
            assert!(line.contains(word), "{word}: {line}");
        }
    }
}

#[actix::test]
async fn long_webhook_is_complete_signed_and_identical_on_retry() {
    const SECRET: &str = "YSBzZWNyZXQgb2YgdGhlIHRlc3Rz";
    let site = TestSite::start();
    site.set_webhook_statuses(&[500]);
    let server =
        TestServer::with_config(&format!("webhooks: {{secrets: [{SECRET}], retry: {{initial_delay: 10ms}}}}")).await;
    let urls: Vec<_> = (0..6).map(|n| format!("raw:<p>{n} {}", "word ".repeat(60_000))).collect();
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true});
    let (status, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    assert_eq!(status, 202);
    let (first, second) = (site.next_webhook().await, site.next_webhook().await);
    assert!(first.bytes.len() > 4 << 20 && first.bytes == second.bytes, "{}", first.bytes.len());
    let (_, job) = server.get(&format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))).await;
    assert_eq!(second.body["data"], job["result"]);
    let signer = Signer::new(&[Secret::new(SECRET)]).expect("a valid secret");
    for received in [first, second] {
        let header = |name: &str| received.header(name).expect("the header is sent").to_owned();
        assert_eq!(header("content-length"), received.bytes.len().to_string());
        let sent = header("webhook-timestamp").parse().expect("a number");
        assert!(signer.verify(&header("webhook-id"), sent, &received.bytes, &header("webhook-signature")));
    }
}
