//! Recovery of jobs after kills and stops of the real binary, and isolation of pages that crash it or hang.

#[path = "crash_recovery/deliveries.rs"]
mod deliveries;
mod support;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

async fn submit(server: &TestServer, urls: &[String], webhook_url: &str) -> String {
    let body = json!({"urls": urls, "webhook_config": {"webhook_url": webhook_url}});
    let (status, response) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{response}");
    response["task_id"].as_str().expect("an id").to_owned()
}

async fn submit_fifty(server: &TestServer, site: &TestSite) -> HashSet<String> {
    let mut ids = HashSet::new();
    for _ in 0..50 {
        ids.insert(submit(server, &[site.url("/gated")], &site.webhook_url()).await);
    }
    site.wait_for_gated_request().await;
    ids
}

/// Waits until each job has completed and sent a webhook; no other job sends one.
async fn assert_all_complete(server: &TestServer, site: &TestSite, ids: HashSet<String>) {
    let mut waiting = ids.clone();
    while !waiting.is_empty() {
        let received = site.next_webhook().await.body;
        assert_eq!(received["status"], "completed", "{received}");
        let id = received["task_id"].as_str().expect("an id");
        assert!(ids.contains(id), "{received}");
        waiting.remove(id);
    }
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
    }
}

#[actix::test]
async fn fifty_jobs_complete_after_a_kill() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let ids = submit_fifty(&server, &site).await;
    server.kill().await;
    site.open_gate();
    server.restart().await;
    assert_all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn fifty_jobs_complete_after_a_stop() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 100ms}").await;
    let ids = submit_fifty(&server, &site).await;
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    site.open_gate();
    server.restart().await;
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["attempt"], 1, "a stop uses no attempt");
    }
    assert_all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn page_that_crashes_the_process_fails_alone() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("jobs: {max_crashes: 4}").await;
    let unaffected = submit(&server, &[site.url("/article"), site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    server.get_until(&format!("/crawl/job/{unaffected}"), |job| job["progress"]["done"] == 1).await;
    let urls = [site.url("/article"), site.url("/article?fault=abort")];
    let body = json!({"urls": urls, "webhook_config": {"webhook_url": site.webhook_url()}});
    // The process may crash before it responds.
    let accepted = server.try_post_with_key("/crawl/job", "crashing", body.clone()).await.ok();
    let mut crashing = accepted.map(|(_, response)| response["task_id"].clone());
    let (mut crashes, mut received) = (0, HashSet::new());
    while received.len() < 2 {
        tokio::select! {
            next = site.next_webhook() => {
                received.insert(next.body["task_id"].as_str().expect("an id").to_owned());
            },
            _ = server.wait_for_exit() => {
                crashes += 1;
                server.restart().await;
                if crashing.is_none() {
                    let accepted = server.try_post_with_key("/crawl/job", "crashing", body.clone()).await;
                    crashing = accepted.ok().map(|(_, response)| response["task_id"].clone());
                }
            }
            // As suspects they run one after the other, in either order.
            () = site.wait_for_gated_request(), if crashes >= 2 => site.open_gate(),
        }
    }
    let crashing = crashing.as_ref().and_then(Value::as_str).expect("a submission was accepted").to_owned();
    assert_eq!(received, [crashing.clone(), unaffected.clone()].into());
    assert!((4..=5).contains(&crashes), "{crashes} crashes");
    let (_, status) = server.get(&format!("/crawl/job/{crashing}")).await;
    assert_eq!((&status["status"], &status["progress"]["failed"]), (&json!("completed"), &json!(1)), "{status}");
    let error = status["results"][1]["error_message"].as_str().expect("a reason").to_owned();
    assert_eq!(error, "Given up after 4 crashes of the server while the job ran");
    let (_, status) = server.get(&format!("/crawl/job/{unaffected}")).await;
    assert_eq!(status["status"], "completed", "{status}");
}

#[actix::test]
async fn page_that_parses_forever_fails_alone() {
    let site = TestSite::start();
    let server = TestServer::with_config("crawler: {parse_timeout: 200ms}").await;
    let urls = [site.url("/article?fault=spin"), site.url("/article?fault=panic"), site.url("/article")];
    let hanging = submit(&server, &urls, &site.webhook_url()).await;
    let good = submit(&server, &[site.url("/article")], &site.webhook_url()).await;
    assert_all_complete(&server, &site, [hanging.clone(), good].into()).await;
    let (_, status) = server.get(&format!("/crawl/job/{hanging}")).await;
    let errors: Vec<_> = (0..3).map(|page| status["results"][page]["error_message"].clone()).collect();
    assert_eq!(errors[0], "Page could not be read within 200ms");
    assert_eq!((&errors[1], &errors[2]), (&json!("Page could not be read: internal error"), &Value::from("")));
    assert_eq!(status["attempt"], 1);
}

#[actix::test]
async fn second_signal_ends_a_drain_and_loses_nothing() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 1h}").await;
    let ids = submit_fifty(&server, &site).await;
    server.send_sigterm();
    assert_eq!(server.wait_until_not_ready().await, 503);
    server.send_sigterm();
    server.wait_for_exit().await;
    site.open_gate();
    server.restart().await;
    assert_all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn queued_and_running_jobs_can_be_cancelled() {
    let site = TestSite::start();
    let server = TestServer::with_config("jobs: {crawl_workers: 1}").await;
    let running = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    let queued = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    for id in [&queued, &running] {
        assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 202);
        let received = site.next_webhook().await.body;
        assert_eq!((&received["task_id"], &received["status"]), (&json!(id), &json!("cancelled")));
    }
    // The only worker is free again, though the gate is closed.
    let next = submit(&server, &[site.url("/article")], &site.webhook_url()).await;
    assert_eq!(site.next_webhook().await.body["task_id"], next.as_str());
}

/// As `docker stop`: SIGTERM, and SIGKILL ten seconds later.
async fn docker_stop(server: &mut TestServer) {
    server.send_sigterm();
    if tokio::time::timeout(Duration::from_secs(10), server.wait_for_exit()).await.is_err() {
        server.kill().await;
    }
}

#[actix::test]
async fn docker_stop_loses_no_job_while_a_receiver_hangs() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let pending = submit(&server, &[site.url("/article")], &url).await;
    server.wait_for_webhook_state(&pending, "pending").await;
    let ids = submit_fifty(&server, &site).await;
    docker_stop(&mut server).await;
    site.open_gate();
    server.restart().await;
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["attempt"], 1, "a stop uses no attempt");
    }
    assert_all_complete(&server, &site, ids).await;
    let (_, status) = server.get(&format!("/crawl/job/{pending}")).await;
    assert_eq!((&status["webhook"]["state"], &status["webhook"]["attempts"]), (&json!("pending"), &json!(0)));
}

#[actix::test]
async fn metrics_count_started_and_stopped_actors() {
    let server = TestServer::with_config("jobs: {crawl_workers: 5, llm_workers: 3}").await;
    let response = server.client().get(format!("{}/metrics", server.base())).send().await.expect("the server responds");
    let text = response.text().await.expect("it is text");
    for (actor, count) in [("crawl_worker", 5), ("llm_worker", 3), ("job_supervisor", 1), ("webhook_sender", 1)] {
        let line = format!("opilio_actors_started_total{{actor=\"{actor}\",cause=\"start\"}} {count}");
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let died = ["crawl_worker\",cause=\"stalled", "llm_worker\",cause=\"working", "webhook_sender\",cause=\"panicked"];
    for labels in died {
        let line = format!("opilio_actors_exited_total{{actor=\"{labels}\"}} 0");
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let replaced = "opilio_actors_started_total{actor=\"job_supervisor\",cause=\"replaced\"} 0";
    assert!(text.lines().any(|found| found == replaced), "{text}");
}
