//! Sessions and streams: heartbeats, disconnects, cancellation, and the stdio relay.

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::messages::{self, Client, call, list};
use crate::support::{DEADLINE, TestServer, TestSite};
use crate::with_principals;

#[actix::test]
async fn slow_call_sends_heartbeats() {
    let site = TestSite::start();
    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let client = Client::of(&server, "");
    let mut crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    // As protocol version 2026-07-28 requires.
    crawl["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut stream = client.open_since_2026(&crawl).await;
    assert_eq!(
        (stream.status().as_u16(), &stream.headers()["content-type"].as_bytes()),
        (200, &&b"text/event-stream"[..])
    );
    let mut text = String::new();
    while text.matches(":\n\n").count() < 3 {
        let chunk = timeout(DEADLINE, stream.chunk()).await.expect("a heartbeat arrives in time");
        let chunk = chunk.expect("the connection holds").expect("the stream continues");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    site.open_gate();
    text.push_str(&stream.text().await.expect("the stream ends"));
    let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let response: Value = serde_json::from_str(data[0]).expect("JSON");
    assert_eq!((data.len(), &response["id"], &response["result"]["isError"]), (1, &json!(1), &json!(false)), "{text}");
}

#[actix::test]
async fn disconnect_cancels_the_call() {
    let site = TestSite::start();
    let crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    for transport in ["http", "sse", "stdio"] {
        let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
        let client = Client::of(&server, "");
        match transport {
            "http" => {
                let stream = client.open(&crawl).await;
                site.wait_for_gated_request().await;
                drop(stream);
            }
            "sse" => {
                let session = client.session().await;
                assert_eq!(session.send(&crawl).await, 202);
                site.wait_for_gated_request().await;
                let messages = session.close();
                assert_eq!(server.wait_for_settled_status().await, "cancelled", "{transport}");
                let (status, response) = client.post(&messages, list()).await;
                assert_eq!((status, &response["detail"].as_str().is_some()), (404, &true));
            }
            _ => {
                let mut relay = messages::Relay::start(&server);
                relay.send(&crawl).await;
                site.wait_for_gated_request().await;
                relay.close().await;
            }
        }
        assert_eq!(server.wait_for_settled_status().await, "cancelled", "{transport}");
    }
}

#[actix::test]
async fn cancelled_call_stops_and_the_session_continues() {
    let site = TestSite::start();
    let crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    let next = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});

    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let client = Client::of(&server, "");
    let mut session = client.session().await;
    assert_eq!(session.send(&crawl).await, 202);
    site.wait_for_gated_request().await;
    assert_eq!(session.send(&cancel).await, 202);
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
    assert_eq!(session.send(&next).await, 202);
    assert_eq!(session.receive().await["id"], 2);

    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let mut relay = messages::Relay::start(&server);
    relay.send(&crawl).await;
    site.wait_for_gated_request().await;
    relay.send(&cancel).await;
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
    relay.send(&next).await;
    assert_eq!(relay.receive().await["id"], 2);
}

#[actix::test]
async fn sessions_are_private_and_limited_per_principal() {
    let server = with_principals("").await;
    let [ann, bob] = ["ann", "bob"].map(|name| Client::of(&server, name));
    let mut sessions = Vec::new();
    for _ in 0..32 {
        sessions.push(ann.session().await);
    }
    let (status, response) = ann.get("/mcp/sse").await;
    assert_eq!((status, &response["detail"]), (429, &json!("Too many open sessions; try again later")));
    let messages_of_ann = sessions.pop().expect("there are some").close();
    assert_eq!(bob.post(&messages_of_ann, list()).await.0, 404);
    drop(bob.session().await);
}

#[actix::test]
async fn session_with_too_many_open_calls_gets_429() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let session = Client::of(&server, "").session().await;
    let crawl = |id: u32| {
        let mut message = call("crawl", json!({"urls": [site.url("/gated")]}));
        message["id"] = json!(id);
        message
    };
    for id in 1..=16 {
        assert_eq!(session.send(&crawl(id)).await, 202, "{id}");
    }
    assert_eq!(session.send(&crawl(17)).await, 429);
}

#[actix::test]
async fn stdio_relay_reports_invalid_messages_and_a_missing_server() {
    let server = TestServer::start().await;
    let mut relay = messages::Relay::start(&server);
    relay.write(b"{\n\n").await;
    assert_eq!(relay.receive().await["error"]["code"], -32700);
    relay.send(&json!({"id": 3})).await;
    let response = relay.receive().await;
    assert_eq!((&response["id"], &response["error"]["code"]), (&json!(3), &json!(-32600)));
    relay.write(b"{\"id\": \"\xff\"}\n").await;
    assert_eq!(relay.receive().await["error"]["code"], -32700);
    relay.send(&list()).await;
    assert_eq!(relay.receive().await["result"]["tools"].as_array().map(Vec::len), Some(7));

    let mut unconnected = messages::Relay::to("http://127.0.0.1:1");
    unconnected.send(&list()).await;
    let response = unconnected.receive().await;
    let detail = response["error"]["message"].as_str().expect("a sentence");
    assert!(response["id"] == 1 && detail.starts_with("cannot reach the server at http://127.0.0.1:1"), "{response}");
    assert_eq!(unconnected.close().await, 0);
}

#[actix::test]
async fn stdio_relay_reports_a_crashed_server() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let mut relay = messages::Relay::start(&server);
    relay.send(&call("crawl", json!({"urls": [site.url("/gated")]}))).await;
    site.wait_for_gated_request().await;
    server.kill().await;
    let response = relay.receive().await;
    assert_eq!((&response["id"], &response["error"]["code"]), (&json!(1), &json!(-32603)), "{response}");
}
