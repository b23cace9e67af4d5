use tokio::io::{AsyncReadExt, DuplexStream, duplex};

use super::*;

const LIMIT: Duration = Duration::from_secs(60);

/// A client and the browser's end of its pipes.
fn client() -> (CdpClient, DuplexStream, DuplexStream) {
    let (browser_out, incoming) = duplex(1 << 16);
    let (outgoing, browser_in) = duplex(1 << 16);
    (CdpClient::start(incoming, outgoing), browser_out, browser_in)
}

async fn read_message(browser: &mut DuplexStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        match browser.read_u8().await.expect("a message") {
            0 => return serde_json::from_slice(&bytes).expect("JSON"),
            byte => bytes.push(byte),
        }
    }
}

async fn send(browser: &mut DuplexStream, message: Value) {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(0);
    browser.write_all(&bytes).await.expect("the client reads");
}

async fn call(client: &CdpClient, session: &str) -> Result<Value, CdpError> {
    client.call(session, "Test.call", json!({"a": 1}), LIMIT).await
}

#[tokio::test]
async fn responses_are_matched_by_id_in_split_and_joined_messages() {
    let (client, mut out, mut incoming) = client();
    let browser = async {
        let (first, second) = (read_message(&mut incoming).await, read_message(&mut incoming).await);
        assert_eq!(first["params"], json!({"a": 1}));
        let responses = format!(
            "{}\0{}\0",
            json!({"id": second["id"], "result": {"of": second["sessionId"]}}),
            json!({"id": first["id"], "result": {"of": first["sessionId"]}})
        );
        for part in responses.as_bytes().chunks(7) {
            out.write_all(part).await.expect("the client reads");
            tokio::task::yield_now().await;
        }
    };
    let (a, b, ()) = tokio::join!(call(&client, "a"), call(&client, "b"), browser);
    assert_eq!((a, b), (Ok(json!({"of": "a"})), Ok(json!({"of": "b"}))));
    assert!(client.state().calls.is_empty());
}

#[tokio::test]
async fn crash_fails_only_the_calls_of_its_session() {
    let (client, mut out, mut incoming) = client();
    let mut events = client.events("a");
    let browser = async {
        let (_, second) = (read_message(&mut incoming).await, read_message(&mut incoming).await);
        send(&mut out, json!({"method": "Unknown.event", "params": {"deep": [1, 2]}, "sessionId": "none"})).await;
        send(&mut out, json!({"method": "Inspector.targetCrashed", "params": {}, "sessionId": "a"})).await;
        send(&mut out, json!({"id": second["id"], "result": {}})).await;
    };
    let (a, b, ()) = tokio::join!(call(&client, "a"), call(&client, "b"), browser);
    assert_eq!((a, b), (Err(CdpError::PageCrashed), Ok(json!({}))));
    assert_eq!(events.next().await.map(|event| event.method), Err(CdpError::PageCrashed));
}

#[tokio::test]
async fn end_of_the_pipe_fails_all_calls() {
    let (client, out, mut incoming) = client();
    let browser = async {
        read_message(&mut incoming).await;
        drop(out);
    };
    let (response, ()) = tokio::join!(call(&client, "a"), browser);
    assert_eq!(response, Err(CdpError::BrowserExited));
    client.closed().await;
    assert_eq!(call(&client, "a").await, Err(CdpError::BrowserExited));
    assert_eq!(client.events("a").next().await.map(|event| event.method), Err(CdpError::BrowserExited));
}

#[tokio::test]
async fn too_large_response_fails_only_its_call() {
    let (client, mut out, mut incoming) = client();
    let browser = async {
        let (first, second) = (read_message(&mut incoming).await, read_message(&mut incoming).await);
        let start = format!("{{\"id\":{},\"result\":\"", first["id"]);
        out.write_all(start.as_bytes()).await.expect("the client reads");
        for _ in 0..=(MAX_MESSAGE >> 20) {
            out.write_all(&vec![b'x'; 1 << 20]).await.expect("the client reads");
        }
        out.write_all(b"\"}\0").await.expect("the client reads");
        send(&mut out, json!({"id": second["id"], "result": 7})).await;
    };
    let (a, b, ()) = tokio::join!(call(&client, "a"), call(&client, "b"), browser);
    assert_eq!((a, b), (Err(CdpError::TooLarge), Ok(json!(7))));
}

#[tokio::test(start_paused = true)]
async fn late_and_refused_calls_leave_no_state() {
    let (client, mut out, mut incoming) = client();
    let refused = async {
        let id = read_message(&mut incoming).await["id"].clone();
        send(&mut out, json!({"id": id, "error": {"code": -32000, "message": "no such thing"}})).await;
    };
    let (response, ()) = tokio::join!(call(&client, ""), refused);
    let expected = CdpError::Refused { method: "Test.call", message: "no such thing".to_owned() };
    assert_eq!(response, Err(expected));
    assert_eq!(call(&client, "").await, Err(CdpError::Timeout("Test.call")));
    client.notify("", "Test.notify", json!({}));
    assert!(client.state().calls.is_empty());
}

#[tokio::test]
async fn flood_of_events_ends_only_its_session() {
    let (client, mut out, _incoming) = client();
    let (mut flooded, mut other) = (client.events("a"), client.events("b"));
    for _ in 0..=MAX_PENDING_EVENTS {
        send(&mut out, json!({"method": "X.y", "params": {}, "sessionId": "a"})).await;
    }
    send(&mut out, json!({"method": "X.z", "params": {"n": 1}, "sessionId": "b"})).await;
    let event = other.next().await.expect("an event");
    assert_eq!((event.method.as_str(), event.params::<Value>()), ("X.z", Some(json!({"n": 1}))));
    let mut received = 0;
    let ended = loop {
        match flooded.next().await {
            Ok(_) => received += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((received, ended), (MAX_PENDING_EVENTS, CdpError::TooManyEvents));
}
