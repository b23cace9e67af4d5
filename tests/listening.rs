//! Third-party event source clients, which reconnect after the connection is cut.

#[path = "clients/programs.rs"]
mod programs;
#[path = "command_line/relay.rs"]
mod relay;
mod support;

use programs::{Program, Workshop, file};
use relay::Relay;
use serde_json::json;
use support::{DEADLINE, TestServer, TestSite};
use tokio::time::timeout;

/// The lines of a program up to and including the first that starts with `end`.
async fn lines_until(program: &mut Program, end: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        lines.push(program.next_line().await);
        if lines.last().is_some_and(|line| line.starts_with(end)) {
            return lines;
        }
    }
}

#[actix::test]
async fn event_source_resumes_after_a_disconnect_without_repeats() {
    let (site, server, workshop) = (TestSite::start(), TestServer::start().await, Workshop::open());
    let relay = Relay::start(server.base()).await;
    let script = file("tests/clients/listen.ts");
    let mut follower = Program::start(workshop.typescript(&script).await.arg(format!("{}/events", relay.base())));
    assert_eq!(follower.next_line().await, "open");

    let urls = [site.url("/gated"), site.url("/article")];
    let (_, job) = server.post("/crawl/job", json!({"urls": urls})).await;
    let id = job["task_id"].as_str().expect("an id");
    let events = format!("{}/jobs/{id}/events", relay.base());
    let mut listener = Program::start(workshop.typescript(&script).await.arg(events));
    let before = lines_until(&mut listener, "page").await;
    assert_eq!(before, ["open", &format!("queued {id}"), &format!("started {id}"), &format!("page {id} 1")]);
    // The stream of all jobs sends the present state of each, so it may skip `queued`.
    lines_until(&mut follower, &format!("started {id}")).await;

    site.wait_for_gated_request().await;
    relay.close_connections();
    assert_eq!([listener.next_line().await, follower.next_line().await], ["cut", "cut"]);
    site.open_gate();
    let after = lines_until(&mut listener, "closed").await;
    // The stream ends; the reconnection gets a 204.
    let expected = ["open", &format!("page {id} 0"), &format!("completed {id}"), "cut", "closed"];
    assert_eq!(after, expected);
    assert_eq!(lines_until(&mut follower, "completed").await, ["open", &format!("completed {id}")]);
}

#[actix::test]
async fn idle_event_stream_sends_heartbeats() {
    let site = TestSite::start();
    let server = TestServer::with_env(&[("OPILIO__APP__HEARTBEAT", "100ms")]).await;
    let (_, job) = server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    let events = format!("/jobs/{}/events", job["task_id"].as_str().expect("an id"));
    for path in [events.as_str(), "/events"] {
        let mut stream =
            server.client().get(format!("{}{path}", server.base())).send().await.expect("the server responds");
        let mut text = String::new();
        while text.matches(":\n\n").count() < 3 {
            let chunk = timeout(DEADLINE, stream.chunk()).await.expect("a heartbeat arrives in time");
            let chunk = chunk.expect("the connection holds").expect("the stream continues");
            text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }
}
