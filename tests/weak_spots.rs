//! Where servers of this kind lose work or stand still, on the real binary: fifty jobs and a kill, fifty jobs and a stop,
//! webhooks in back-off and a kill, receivers that hang, pages that are poison.

mod house;

use std::collections::{HashMap, HashSet};

use house::{Outside, Server};
use serde_json::{Value, json};

async fn submit(server: &Server, urls: &[String], hook: &str) -> String {
    let body = json!({"urls": urls, "webhook_config": {"webhook_url": hook}});
    let (status, answer) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{answer}");
    answer["task_id"].as_str().expect("an id").to_owned()
}

async fn fifty(server: &Server, outside: &Outside) -> HashSet<String> {
    let mut ids = HashSet::new();
    for _ in 0..50 {
        ids.insert(submit(server, &[outside.page("/gated")], &outside.hook()).await);
    }
    outside.gate_reached().await;
    ids
}

/// Each job completed, told of once or more often, and of no other.
async fn all_complete(server: &Server, outside: &Outside, ids: HashSet<String>) {
    let mut waiting = ids.clone();
    while !waiting.is_empty() {
        let told = outside.told().await.body;
        assert_eq!(told["status"], "completed", "{told}");
        let id = told["task_id"].as_str().expect("an id");
        assert!(ids.contains(id), "{told}");
        waiting.remove(id);
    }
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
    }
}

#[actix::test]
async fn fifty_jobs_and_a_kill() {
    let outside = Outside::start();
    let mut server = Server::start().await;
    let ids = fifty(&server, &outside).await;
    server.kill().await;
    outside.open_gate();
    server.restart().await;
    all_complete(&server, &outside, ids).await;
}

#[actix::test]
async fn fifty_jobs_and_a_stop() {
    let outside = Outside::start();
    let mut server = Server::configured("app: {shutdown_grace: 100ms}").await;
    let ids = fifty(&server, &outside).await;
    server.begin_stop();
    assert!(server.stopped().await.success());
    outside.open_gate();
    server.restart().await;
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["attempt"], 1, "a stop costs nothing");
    }
    all_complete(&server, &outside, ids).await;
}

#[actix::test]
async fn webhooks_in_back_off_and_a_kill() {
    let outside = Outside::start();
    let mut server = Server::configured("webhooks: {retry: {initial_delay: 300ms}}").await;
    outside.answer_hooks_with(&[500; 20]);
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[outside.page("/article")], &outside.hook()).await);
    }
    // The first twenty answers are errors: who is told later has it.
    let (mut known, mut waiting, mut answers) = (HashMap::new(), ids.clone(), 0);
    let mut killed = false;
    while !waiting.is_empty() {
        let told = outside.told().await;
        answers += 1;
        let id = told.body["task_id"].as_str().expect("an id").to_owned();
        let webhook_id = told.header("webhook-id").expect("it has one").to_owned();
        assert_eq!(known.entry(id.clone()).or_insert(webhook_id.clone()), &webhook_id, "the id stays the same");
        if answers > 20 {
            waiting.remove(&id);
        }
        if known.len() == ids.len() && !killed {
            killed = true;
            server.kill().await;
            server.restart().await;
        }
    }
    assert!(killed);
}

#[actix::test]
async fn receivers_that_hang_delay_no_job_and_no_other_webhook() {
    let outside = Outside::start();
    let server = Server::start().await;
    let silent: Vec<_> = (0..4).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    for listener in &silent {
        let hook = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        for _ in 0..5 {
            submit(&server, &[outside.page("/article")], &hook).await;
        }
    }
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[outside.page("/article")], &outside.hook()).await);
    }
    all_complete(&server, &outside, ids).await;
    // They hang still: nobody has been given up on.
    let (_, pending) = server.get("/jobs?webhook=pending&limit=100").await;
    assert_eq!(pending["jobs"].as_array().map(Vec::len), Some(20), "{pending}");
}

#[actix::test]
async fn a_page_that_kills_the_process_each_time_fails_alone() {
    let outside = Outside::start();
    let mut server = Server::start().await;
    let innocent = submit(&server, &[outside.page("/article"), outside.page("/gated")], &outside.hook()).await;
    outside.gate_reached().await;
    while server.get(&format!("/crawl/job/{innocent}")).await.1["progress"]["done"] != 1 {}
    let poison = [outside.page("/article"), outside.page("/article?fault=abort")];
    let body = json!({"urls": poison, "webhook_config": {"webhook_url": outside.hook()}});
    // The process may be gone before it has answered.
    let answered = server.try_post_with_key("/crawl/job", "poison", body.clone()).await.ok();
    let mut poisoned = answered.map(|(_, answer)| answer["task_id"].clone());
    let (mut deaths, mut told) = (0, HashSet::new());
    while told.len() < 2 {
        tokio::select! {
            next = outside.told() => {
                told.insert(next.body["task_id"].as_str().expect("an id").to_owned());
            },
            _ = server.stopped() => {
                deaths += 1;
                server.restart().await;
                if poisoned.is_none() {
                    let asked = server.try_post_with_key("/crawl/job", "poison", body.clone()).await;
                    poisoned = asked.ok().map(|(_, answer)| answer["task_id"].clone());
                }
            }
            // With one attempt left they run one after the other, the poison perhaps after the innocent.
            () = outside.gate_reached(), if deaths >= 3 => outside.open_gate(),
        }
    }
    let poisoned = poisoned.as_ref().and_then(Value::as_str).expect("it was told its id in the end").to_owned();
    assert_eq!(told, [poisoned.clone(), innocent.clone()].into());
    assert!((3..=5).contains(&deaths), "{deaths} deaths");
    let (_, status) = server.get(&format!("/crawl/job/{poisoned}")).await;
    assert_eq!((&status["status"], &status["progress"]["failed"]), (&json!("completed"), &json!(1)), "{status}");
    let error = status["results"][1]["error_message"].as_str().expect("a reason").to_owned();
    assert!(error.starts_with("Given up after 3 attempts: the server stopped"), "{error}");
    let (_, status) = server.get(&format!("/crawl/job/{innocent}")).await;
    assert_eq!(status["status"], "completed", "{status}");
}

#[actix::test]
async fn a_page_whose_reading_never_ends_fails_alone_and_stops_nobody() {
    let outside = Outside::start();
    let server = Server::configured("crawler: {parse_timeout: 200ms}").await;
    let urls = [outside.page("/article?fault=spin"), outside.page("/article?fault=panic"), outside.page("/article")];
    let spins = submit(&server, &urls, &outside.hook()).await;
    let good = submit(&server, &[outside.page("/article")], &outside.hook()).await;
    all_complete(&server, &outside, [spins.clone(), good].into()).await;
    let (_, status) = server.get(&format!("/crawl/job/{spins}")).await;
    let errors: Vec<_> = (0..3).map(|page| status["results"][page]["error_message"].clone()).collect();
    assert_eq!(errors[0], "Page could not be read within 200ms");
    assert_eq!((&errors[1], &errors[2]), (&json!("Page could not be read: internal error"), &Value::from("")));
    assert_eq!(status["attempt"], 1);
}

#[actix::test]
async fn a_second_signal_ends_a_long_drain_at_once_and_loses_nothing() {
    let outside = Outside::start();
    let mut server = Server::configured("app: {shutdown_grace: 1h}").await;
    let ids = fifty(&server, &outside).await;
    server.begin_stop();
    assert_eq!(server.until_not_ready().await, 503);
    server.begin_stop();
    server.stopped().await;
    outside.open_gate();
    server.restart().await;
    all_complete(&server, &outside, ids).await;
}

#[actix::test]
async fn a_job_is_cancelled_while_it_waits_and_while_its_page_hangs() {
    let outside = Outside::start();
    let server = Server::configured("jobs: {crawl_workers: 1}").await;
    let hangs = submit(&server, &[outside.page("/gated")], &outside.hook()).await;
    outside.gate_reached().await;
    let waits = submit(&server, &[outside.page("/gated")], &outside.hook()).await;
    for id in [&waits, &hangs] {
        assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 202);
        let told = outside.told().await.body;
        assert_eq!((&told["task_id"], &told["status"]), (&json!(id), &json!("cancelled")));
    }
    // The only worker is free again, though the gate is shut.
    let next = submit(&server, &[outside.page("/article")], &outside.hook()).await;
    assert_eq!(outside.told().await.body["task_id"], next.as_str());
}
