//! Server-sent events of a server.

use serde_json::Value;

use tokio::time::timeout;

use super::{DEADLINE, TestServer};

pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// Reads events up to and including the first with this name, or to the end of the stream.
pub async fn events_until(server: &TestServer, path: &str, last: Option<&str>, name: &str) -> Vec<Event> {
    let mut request = server.client().get(format!("{}{path}", server.base()));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut response = request.send().await.expect("the server responds");
    let (mut events, mut text) = (Vec::new(), String::new());
    loop {
        let Ok(chunk) = timeout(DEADLINE, response.chunk()).await else {
            let names: Vec<_> = events.iter().map(|event: &Event| &event.name).collect();
            panic!("no further event within {DEADLINE:?} after {names:?}");
        };
        let Some(chunk) = chunk.expect("the connection holds") else { return events };
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| {
                let prefix = format!("{name}: ");
                event.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
            };
            let data = serde_json::from_str(&field("data")).unwrap_or(Value::Null);
            events.push(Event { id: field("id"), name: field("event"), data });
            text = rest.to_owned();
            if events.last().is_some_and(|event| event.name == name) {
                return events;
            }
        }
    }
}
