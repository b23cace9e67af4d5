//! Listeners of other hands, over a network that is cut: the `eventsource` package comes back by itself.

#[path = "clients/programs.rs"]
mod programs;
#[path = "command_line/relay.rs"]
mod relay;
mod support;

use programs::{Program, Workshop, file};
use relay::Relay;
use serde_json::json;
use support::{TestServer, TestSite};

/// All that it says, until it says something that begins so.
async fn until(program: &mut Program, end: &str) -> Vec<String> {
    let mut said = Vec::new();
    loop {
        said.push(program.next_line().await);
        if said.last().is_some_and(|line| line.starts_with(end)) {
            return said;
        }
    }
}

#[actix::test]
async fn an_event_source_resumes_after_a_cut_and_hears_nothing_twice() {
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
    let before = until(&mut listener, "page").await;
    assert_eq!(before, ["open", &format!("queued {id}"), &format!("started {id}"), &format!("page {id} 1")]);
    // Who follows all jobs hears how each stands: that it was queued may be over before it is told.
    until(&mut follower, &format!("started {id}")).await;

    site.wait_for_gated_request().await;
    relay.close_connections();
    assert_eq!([listener.next_line().await, follower.next_line().await], ["cut", "cut"]);
    site.open_gate();
    let after = until(&mut listener, "closed").await;
    // The stream ends; whoever asks for more is told that there is nothing.
    let expected = ["open", &format!("page {id} 0"), &format!("completed {id}"), "cut", "closed"];
    assert_eq!(after, expected);
    assert_eq!(until(&mut follower, "completed").await, ["open", &format!("completed {id}")]);
}

#[actix::test]
async fn a_stream_without_news_says_something_all_the_same() {
    let site = TestSite::start();
    let server = TestServer::with_env(&[("OPILIO__APP__HEARTBEAT", "100ms")]).await;
    let (_, job) = server.post("/crawl/job", json!({"urls": [site.url("/gated")]})).await;
    site.wait_for_gated_request().await;
    let events = format!("/jobs/{}/events", job["task_id"].as_str().expect("an id"));
    for path in [events.as_str(), "/events"] {
        let mut stream =
            server.client().get(format!("{}{path}", server.base())).send().await.expect("the server responds");
        let mut said = String::new();
        while said.matches(":\n\n").count() < 3 {
            let piece = stream.chunk().await.expect("the connection holds").expect("the stream goes on");
            said.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }
}
