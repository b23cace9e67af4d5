//! What a server says on a stream of events.

use serde_json::Value;

use crate::support::Server;

pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// Reads events until one of this name has come, or the stream ends.
pub async fn events_until(server: &Server, path: &str, last: Option<&str>, name: &str) -> Vec<Event> {
    let mut request = server.client().get(format!("{}{path}", server.base()));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut response = request.send().await.expect("it answers");
    let (mut events, mut text) = (Vec::new(), String::new());
    while let Some(piece) = response.chunk().await.expect("the connection holds") {
        text.push_str(std::str::from_utf8(&piece).expect("text"));
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
    events
}
