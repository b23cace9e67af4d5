//! Where servers of this kind lose work or stand still, on the real binary: fifty jobs and a kill, fifty jobs and a stop,
//! webhooks in back-off and a kill, receivers that hang, pages that are poison.

mod support;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use support::{TestServer, TestSite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn submit(server: &TestServer, urls: &[String], hook: &str) -> String {
    let body = json!({"urls": urls, "webhook_config": {"webhook_url": hook}});
    let (status, answer) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{answer}");
    answer["task_id"].as_str().expect("an id").to_owned()
}

async fn fifty(server: &TestServer, site: &TestSite) -> HashSet<String> {
    let mut ids = HashSet::new();
    for _ in 0..50 {
        ids.insert(submit(server, &[site.url("/gated")], &site.webhook_url()).await);
    }
    site.wait_for_gated_request().await;
    ids
}

/// Each job completed, told of once or more often, and of no other.
async fn all_complete(server: &TestServer, site: &TestSite, ids: HashSet<String>) {
    let mut waiting = ids.clone();
    while !waiting.is_empty() {
        let next_webhook = site.next_webhook().await.body;
        assert_eq!(next_webhook["status"], "completed", "{next_webhook}");
        let id = next_webhook["task_id"].as_str().expect("an id");
        assert!(ids.contains(id), "{next_webhook}");
        waiting.remove(id);
    }
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["status"], "completed");
    }
}

#[actix::test]
async fn fifty_jobs_and_a_kill() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let ids = fifty(&server, &site).await;
    server.kill().await;
    site.open_gate();
    server.restart().await;
    all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn fifty_jobs_and_a_stop() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 100ms}").await;
    let ids = fifty(&server, &site).await;
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    site.open_gate();
    server.restart().await;
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["attempt"], 1, "a stop costs nothing");
    }
    all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn webhooks_in_back_off_and_a_kill() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("webhooks: {retry: {initial_delay: 300ms}}").await;
    site.set_webhook_statuses(&[500; 20]);
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[site.url("/article")], &site.webhook_url()).await);
    }
    // The first twenty answers are errors: who is told later has it.
    let (mut known, mut waiting, mut answers) = (HashMap::new(), ids.clone(), 0);
    let mut killed = false;
    while !waiting.is_empty() {
        let next_webhook = site.next_webhook().await;
        answers += 1;
        let id = next_webhook.body["task_id"].as_str().expect("an id").to_owned();
        let webhook_id = next_webhook.header("webhook-id").expect("it has one").to_owned();
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
    let site = TestSite::start();
    let server = TestServer::start().await;
    let silent: Vec<_> = (0..4).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    for listener in &silent {
        let hook = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        for _ in 0..5 {
            submit(&server, &[site.url("/article")], &hook).await;
        }
    }
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(submit(&server, &[site.url("/article")], &site.webhook_url()).await);
    }
    all_complete(&server, &site, ids).await;
    // They hang still: nobody has been given up on.
    let (_, pending) = server.get("/jobs?webhook=pending&limit=100").await;
    assert_eq!(pending["jobs"].as_array().map(Vec::len), Some(20), "{pending}");
}

#[actix::test]
async fn a_page_that_kills_the_process_each_time_fails_alone() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let innocent = submit(&server, &[site.url("/article"), site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    while server.get(&format!("/crawl/job/{innocent}")).await.1["progress"]["done"] != 1 {}
    let poison = [site.url("/article"), site.url("/article?fault=abort")];
    let body = json!({"urls": poison, "webhook_config": {"webhook_url": site.webhook_url()}});
    // The process may be gone before it has answered.
    let answered = server.try_post_with_key("/crawl/job", "poison", body.clone()).await.ok();
    let mut poisoned = answered.map(|(_, answer)| answer["task_id"].clone());
    let (mut deaths, mut next_webhook) = (0, HashSet::new());
    while next_webhook.len() < 2 {
        tokio::select! {
            next = site.next_webhook() => {
                next_webhook.insert(next.body["task_id"].as_str().expect("an id").to_owned());
            },
            _ = server.wait_for_exit() => {
                deaths += 1;
                server.restart().await;
                if poisoned.is_none() {
                    let asked = server.try_post_with_key("/crawl/job", "poison", body.clone()).await;
                    poisoned = asked.ok().map(|(_, answer)| answer["task_id"].clone());
                }
            }
            // With one attempt left they run one after the other, the poison perhaps after the innocent.
            () = site.wait_for_gated_request(), if deaths >= 3 => site.open_gate(),
        }
    }
    let poisoned = poisoned.as_ref().and_then(Value::as_str).expect("it was told its id in the end").to_owned();
    assert_eq!(next_webhook, [poisoned.clone(), innocent.clone()].into());
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
    let site = TestSite::start();
    let server = TestServer::with_config("crawler: {parse_timeout: 200ms}").await;
    let urls = [site.url("/article?fault=spin"), site.url("/article?fault=panic"), site.url("/article")];
    let spins = submit(&server, &urls, &site.webhook_url()).await;
    let good = submit(&server, &[site.url("/article")], &site.webhook_url()).await;
    all_complete(&server, &site, [spins.clone(), good].into()).await;
    let (_, status) = server.get(&format!("/crawl/job/{spins}")).await;
    let errors: Vec<_> = (0..3).map(|page| status["results"][page]["error_message"].clone()).collect();
    assert_eq!(errors[0], "Page could not be read within 200ms");
    assert_eq!((&errors[1], &errors[2]), (&json!("Page could not be read: internal error"), &Value::from("")));
    assert_eq!(status["attempt"], 1);
}

#[actix::test]
async fn a_second_signal_ends_a_long_drain_at_once_and_loses_nothing() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 1h}").await;
    let ids = fifty(&server, &site).await;
    server.send_sigterm();
    assert_eq!(server.wait_until_not_ready().await, 503);
    server.send_sigterm();
    server.wait_for_exit().await;
    site.open_gate();
    server.restart().await;
    all_complete(&server, &site, ids).await;
}

#[actix::test]
async fn a_job_is_cancelled_while_it_waits_and_while_its_page_hangs() {
    let site = TestSite::start();
    let server = TestServer::with_config("jobs: {crawl_workers: 1}").await;
    let hangs = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    let waits = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    for id in [&waits, &hangs] {
        assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 202);
        let next_webhook = site.next_webhook().await.body;
        assert_eq!((&next_webhook["task_id"], &next_webhook["status"]), (&json!(id), &json!("cancelled")));
    }
    // The only worker is free again, though the gate is shut.
    let next = submit(&server, &[site.url("/article")], &site.webhook_url()).await;
    assert_eq!(site.next_webhook().await.body["task_id"], next.as_str());
}

/// Whether a job's webhook is to be sent again later, and not now.
fn rests(status: &Value) -> bool {
    let next = status["webhook"]["next_attempt_at"].as_str().map(|next| next.parse::<Timestamp>().expect("a time"));
    next.is_some_and(|next| next > Timestamp::now())
}

#[actix::test]
async fn twelve_deaths_in_quick_succession_use_up_no_webhook() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let id = submit(&server, &[site.url("/gated")], &site.webhook_url()).await;
    site.wait_for_gated_request().await;
    server.kill().await;
    site.open_gate();
    // Ten interruptions are the most that a webhook has. From now on each process dies of the first that it sends.
    server.set_env("OPILIO_FAULT", "start_attempt.after:1");
    let mut of_the_webhook = 0;
    for _ in 0..12 {
        server.restart().await;
        loop {
            match server.try_get(&format!("/crawl/job/{id}")).await {
                Err(_) => {
                    server.wait_for_exit().await;
                    of_the_webhook += 1;
                    break;
                }
                Ok((_, status)) if rests(&status) => {
                    server.kill().await;
                    break;
                }
                Ok(_) => {}
            }
        }
    }
    assert!(of_the_webhook >= 1, "no process died of it");
    server.set_env("OPILIO_FAULT", "");
    server.restart().await;
    assert_eq!(site.next_webhook().await.body["task_id"], id.as_str());
    while server.get(&format!("/crawl/job/{id}")).await.1["webhook"]["state"] != "delivered" {}
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    assert_eq!(log["attempts"][0]["error"], "cut short by the end of the server", "{log}");
}

/// The next webhook that comes here, read to its end and not answered.
async fn held(receiver: &TcpListener) -> TcpStream {
    let (mut stream, _) = receiver.accept().await.expect("it is bound");
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.expect("the sender is there");
        assert!(read > 0, "the whole webhook comes");
        request.extend_from_slice(&piece[..read]);
    }
    stream
}

#[actix::test]
async fn a_stop_puts_off_the_webhooks_that_are_on_their_way_and_they_lose_no_attempt() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {shutdown_grace: 100ms}").await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let hook = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let id = submit(&server, &[site.url("/article")], &hook).await;
    // More stops than a webhook has interruptions.
    for _ in 0..12 {
        let on_its_way = held(&receiver).await;
        server.send_sigterm();
        assert!(server.wait_for_exit().await.success());
        drop(on_its_way);
        server.restart().await;
    }
    let mut last = held(&receiver).await;
    last.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("the sender is there");
    while server.get(&format!("/crawl/job/{id}")).await.1["webhook"]["state"] != "delivered" {}
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    let attempts = log["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 13, "{log}");
    assert_eq!(attempts[0]["error"], "broken off: the server is shutting down");
    assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["webhook"]["attempts"], 1, "only the last one counts");
}

/// A receiver that reads every webhook and answers none until it is told to.
struct Slow {
    hook: String,
    answers: tokio::sync::watch::Sender<bool>,
}

impl Slow {
    async fn start() -> Self {
        let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let hook = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
        let answers = tokio::sync::watch::channel(false).0;
        let next_webhook = answers.subscribe();
        actix::spawn(async move {
            loop {
                let (mut stream, _) = receiver.accept().await.expect("it is bound");
                let mut next_webhook = next_webhook.clone();
                actix::spawn(async move {
                    let mut read = [0; 4096];
                    let _ = stream.read(&mut read).await;
                    let _ = next_webhook.wait_for(|next_webhook| *next_webhook).await;
                    // Whoever asked may be gone by now.
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
                });
            }
        });
        Self { hook, answers }
    }
}

#[actix::test]
async fn a_receiver_whose_answer_kills_the_process_each_time_is_given_up_and_a_slow_one_beside_it_is_not() {
    let (site, slow) = (TestSite::start(), Slow::start().await);
    let retry = "{initial_delay: 10ms, max_delay: 20ms, timeout: 2s, max_attempts: 1000, max_interruptions: 4}";
    let mut server = TestServer::with_config(&format!("webhooks: {{retry: {retry}}}")).await;
    let innocent = submit(&server, &[site.url("/article")], &slow.hook).await;
    let body = json!({"urls": [site.url("/article")],
        "webhook_config": {"webhook_url": format!("{}?fault=abort", site.webhook_url())}});
    // The process may be gone before it has answered.
    let mut poison = None;
    let mut deaths = 0;
    loop {
        if poison.is_none() {
            let asked = server.try_post_with_key("/crawl/job", "poison", body.clone()).await.ok();
            poison = asked.and_then(|(_, answer)| answer["task_id"].as_str().map(str::to_owned));
        }
        let path = format!("/crawl/job/{}", poison.as_deref().unwrap_or_default());
        match server.try_get(&path).await {
            Ok((_, status)) if status["webhook"]["state"] == "exhausted" => break,
            Ok(_) => {}
            Err(_) => {
                server.wait_for_exit().await;
                deaths += 1;
                server.restart().await;
            }
        }
    }
    assert_eq!(deaths, 5, "one more than a webhook has interruptions");
    let (_, status) = server.get(&format!("/crawl/job/{innocent}")).await;
    assert_eq!(status["webhook"]["state"], "pending", "{status}");
    slow.answers.send_replace(true);
    while server.get(&format!("/crawl/job/{innocent}")).await.1["webhook"]["state"] != "delivered" {}
}

/// What `docker stop` does: SIGTERM, and ten seconds later the end.
async fn docker_stop(server: &mut TestServer) {
    server.send_sigterm();
    if tokio::time::timeout(Duration::from_secs(10), server.wait_for_exit()).await.is_err() {
        server.kill().await;
    }
}

#[actix::test]
async fn fifty_jobs_and_hanging_receivers_and_a_docker_stop() {
    let site = TestSite::start();
    let mut server = TestServer::start().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hook = format!("http://{}/hook", silent.local_addr().expect("it is bound"));
    let hangs = submit(&server, &[site.url("/article")], &hook).await;
    while server.get(&format!("/crawl/job/{hangs}")).await.1["webhook"]["state"] != "pending" {}
    let ids = fifty(&server, &site).await;
    docker_stop(&mut server).await;
    site.open_gate();
    server.restart().await;
    for id in &ids {
        assert_eq!(server.get(&format!("/crawl/job/{id}")).await.1["attempt"], 1, "a stop costs nothing");
    }
    all_complete(&server, &site, ids).await;
    let (_, status) = server.get(&format!("/crawl/job/{hangs}")).await;
    assert_eq!((&status["webhook"]["state"], &status["webhook"]["attempts"]), (&json!("pending"), &json!(0)));
}

#[actix::test]
async fn a_replay_asked_for_while_the_webhook_is_on_its_way_sends_it_once_more() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let hook = format!("http://{}/hook", receiver.local_addr().expect("it is bound"));
    let id = submit(&server, &[site.url("/article")], &hook).await;
    let mut first = held(&receiver).await;
    assert_eq!(server.post(&format!("/jobs/{id}/deliveries"), Value::Null).await.0, 202);
    let taken = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    first.write_all(taken).await.expect("the sender is there");
    let mut second = held(&receiver).await;
    second.write_all(taken).await.expect("the sender is there");
    while server.get(&format!("/crawl/job/{id}")).await.1["webhook"]["state"] != "delivered" {}
    let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
    let statuses: Vec<_> = log["attempts"].as_array().expect("a list").iter().map(|made| &made["status"]).collect();
    assert_eq!(statuses, [204, 204]);
}

#[actix::test]
async fn the_actors_are_counted_where_prometheus_looks() {
    let server = TestServer::with_config("jobs: {crawl_workers: 5, llm_workers: 3}").await;
    let answer = server.client().get(format!("{}/metrics", server.base())).send().await.expect("the server answers");
    let text = answer.text().await.expect("it is text");
    for (actor, count) in [("crawl_worker", 5), ("llm_worker", 3), ("job_supervisor", 1), ("webhook_sender", 1)] {
        let line = format!("opilio_actors_started_total{{actor=\"{actor}\",cause=\"start\"}} {count}");
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let died = ["crawl_worker\",cause=\"hung", "llm_worker\",cause=\"in a job", "webhook_sender\",cause=\"panicked"];
    for labels in died {
        let line = format!("opilio_actors_died_total{{actor=\"{labels}\"}} 0");
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let replaced = "opilio_actors_started_total{actor=\"job_supervisor\",cause=\"replaced\"} 0";
    assert!(text.lines().any(|found| found == replaced), "{text}");
}
