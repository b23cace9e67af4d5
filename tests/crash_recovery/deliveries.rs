//! Recovery of deliveries after kills and stops, and isolation of receivers that crash the process or hang.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{DEADLINE, TestServer, TestSite, until};
use crate::{assert_all_complete, submit};

#[actix::test]
async fn webhooks_in_back_off_survive_a_kill() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("webhooks: {retry: {initial_delay: 300ms}}").await;
    site.set_webhook_statuses(&[500; 20]);
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[site.url("/article")], &site.webhook_url()).await);
    }
    // The first twenty responses are errors, so later webhooks are delivered.
    let (mut webhook_ids, mut waiting, mut count) = (HashMap::new(), ids.clone(), 0);
    let mut killed = false;
    while !waiting.is_empty() {
        let received = site.next_webhook().await;
        count += 1;
        let id = received.body["task_id"].as_str().expect("an id").to_owned();
        let webhook_id = received.header("webhook-id").expect("it has one").to_owned();
        assert_eq!(webhook_ids.entry(id.clone()).or_insert(webhook_id.clone()), &webhook_id, "the id stays the same");
        if count > 20 {
            waiting.remove(&id);
        }
        if webhook_ids.len() == ids.len() && !killed {
            killed = true;
            server.kill().await;
            server.restart().await;
        }
    }
    assert!(killed);
}

#[actix::test]
async fn receivers_that_hang_delay_no_job_and_no_other_webhook() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let hanging: Vec<_> = (0..4).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    for listener in &hanging {
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        for _ in 0..5 {
            submit(&server, &[site.url("/article")], &url).await;
        }
    }
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[site.url("/article")], &site.webhook_url()).await);
    }
    assert_all_complete(&server, &site, ids).await;
    // The twenty webhooks to the hanging receivers are still pending.
    let (_, pending) = server.get("/jobs?webhook=pending&limit=100").await;
    assert_eq!(pending["jobs"].as_array().map(Vec::len), Some(20), "{pending}");
}

/// Whether a job's webhook waits for its next attempt.
fn is_in_back_off(status: &Value) -> bool {
    let next = status["webhook"]["next_attempt_at"].as_str().map(|next| next.parse::<Timestamp>().expect("a time"));
    next.is_some_and(|next| next > Timestamp::now())
}

#[actix::test]
async fn twelve_crashes_in_a_row_do_not_exhaust_a_webhook() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let id = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    server.kill().await;
    site.open_gate();
    // A webhook is exhausted after ten interruptions. From now on each process crashes when it sends one.
    server.set_env("OPILIO_FAULT", "start_attempt.after:1");
    let mut while_sending = 0;
    for _ in 0..12 {
        server.restart().await;
        // `None`: the process has crashed.
        let evaluate = async || match server.try_get(&format!("/crawl/job/{id}")).await {
            Err(_) => Ok(None),
            Ok((_, job)) if is_in_back_off(&job) => Ok(Some(())),
            Ok((_, job)) => Err(job),
        };
        match until(evaluate, DEADLINE).await {
            Some(()) => server.kill().await,
            None => {
                server.wait_for_exit().await;
                while_sending += 1;
            }
        }
    }
    assert!(while_sending >= 1, "no process crashed while it sent the webhook");
    server.set_env("OPILIO_FAULT", "");
    server.restart().await;
    assert_eq!(site.next_webhook().await.body["task_id"], id.as_str());
    server.wait_for_webhook_state(&id, "delivered").await;
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    assert_eq!(log["attempts"][0]["error"], "interrupted by a stop of the server", "{log}");
}

/// Accepts a connection, reads a webhook and does not respond.
async fn read_webhook(receiver: &TcpListener) -> TcpStream {
    let (mut stream, _) = receiver.accept().await.expect("it is bound");
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.expect("the sender runs");
        assert!(read > 0, "the webhook is complete");
        request.extend_from_slice(&chunk[..read]);
    }
    stream
}

#[actix::test]
async fn webhook_interrupted_by_a_stop_uses_no_attempt() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 100ms}").await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let id = submit(&server, &[site.url("/article")], &url).await;
    // More stops than the limit of interruptions.
    for _ in 0..12 {
        let connection = read_webhook(&receiver).await;
        server.send_sigterm();
        assert!(server.wait_for_exit().await.success());
        drop(connection);
        server.restart().await;
    }
    let mut last = read_webhook(&receiver).await;
    last.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("the sender runs");
    server.wait_for_webhook_state(&id, "delivered").await;
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    let attempts = log["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 13, "{log}");
    assert_eq!(attempts[0]["error"], "aborted: the server is shutting down");
    assert_eq!(
        server.get(&format!("/crawl/job/{id}")).await.1["webhook"]["attempts"],
        1,
        "only the last attempt counts"
    );
}

/// A receiver that reads every webhook and responds once `respond` is true.
struct SlowReceiver {
    url: String,
    respond: tokio::sync::watch::Sender<bool>,
}

impl SlowReceiver {
    async fn start() -> Self {
        let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
        let respond = tokio::sync::watch::channel(false).0;
        let responds = respond.subscribe();
        actix::spawn(async move {
            loop {
                let (mut stream, _) = receiver.accept().await.expect("it is bound");
                let mut responds = responds.clone();
                actix::spawn(async move {
                    let mut read = [0; 4096];
                    let _ = stream.read(&mut read).await;
                    let _ = responds.wait_for(|responds| *responds).await;
                    // The sender may have closed the connection.
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
                });
            }
        });
        Self { url, respond }
    }
}

#[actix::test]
async fn receiver_that_crashes_the_process_is_exhausted_alone() {
    let (site, slow) = (TestSite::start(), SlowReceiver::start().await);
    let retry = "{initial_delay: 10ms, max_delay: 20ms, timeout: 2s, max_attempts: 1000, max_interruptions: 4}";
    let mut server = TestServer::with_config(&format!("webhooks: {{retry: {retry}}}")).await;
    let unaffected = submit(&server, &[site.url("/article")], &slow.url).await;
    let body = json!({"urls": [site.url("/article")],
        "webhook_config": {"webhook_url": format!("{}?fault=abort", site.webhook_url())}});
    let (mut crashing, mut crashes) = (None, 0);
    let evaluate = async || {
        if crashing.is_none() {
            // The process may crash before it responds.
            let accepted = server.try_post_with_key("/crawl/job", "crashing", body.clone()).await.ok();
            crashing = accepted.and_then(|(_, response)| response["task_id"].as_str().map(str::to_owned));
        }
        let path = format!("/crawl/job/{}", crashing.as_deref().unwrap_or_default());
        match server.try_get(&path).await {
            Ok((_, job)) if job["webhook"]["state"] == "exhausted" => return Ok(()),
            Ok((_, job)) => return Err((crashes, job)),
            Err(_) => {}
        }
        server.wait_for_exit().await;
        crashes += 1;
        server.restart().await;
        Err((crashes, Value::Null))
    };
    until(evaluate, DEADLINE).await;
    assert_eq!(crashes, 5, "one more than the limit of interruptions");
    let (_, status) = server.get(&format!("/crawl/job/{unaffected}")).await;
    assert_eq!(status["webhook"]["state"], "pending", "{status}");
    slow.respond.send_replace(true);
    server.wait_for_webhook_state(&unaffected, "delivered").await;
}

#[actix::test]
async fn replay_during_an_attempt_sends_the_webhook_once_more() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let id = submit(&server, &[site.url("/article")], &url).await;
    let mut first = read_webhook(&receiver).await;
    assert_eq!(server.post(&format!("/jobs/{id}/deliveries"), Value::Null).await.0, 202);
    let response = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    first.write_all(response).await.expect("the sender runs");
    let mut second = read_webhook(&receiver).await;
    second.write_all(response).await.expect("the sender runs");
    server.wait_for_webhook_state(&id, "delivered").await;
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    let statuses: Vec<_> =
        log["attempts"].as_array().expect("a list").iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, [204, 204]);
}
