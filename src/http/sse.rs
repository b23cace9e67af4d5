//! Server-sent events (WHATWG HTML, section 9.2): their format, and the response that carries a stream of them.

use std::fmt::{Display, Write};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING};
use bytes::Bytes;
use futures_util::stream::Stream;

use super::error::ApiError;

/// A comment. It keeps an idle connection open.
pub const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// One event. `data` must contain no line break.
#[derive(Clone, Copy, Default)]
pub struct Event<'a> {
    pub id: Option<&'a dyn Display>,
    pub name: Option<&'a str>,
    pub data: Option<&'a dyn Display>,
}

impl Event<'_> {
    pub fn to_bytes(self) -> Bytes {
        let mut text = String::new();
        let mut field = |name: &str, value: &dyn Display| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        };
        if let Some(id) = self.id {
            field("id", id);
        }
        if let Some(name) = self.name {
            field("event", &name);
        }
        if let Some(data) = self.data {
            field("data", data);
        }
        text.push('\n');
        text.into()
    }
}

/// A response that sends each event immediately.
pub fn response(events: impl Stream<Item = Result<Bytes, ApiError>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-cache"))
        // Compression would buffer events.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_only_if_present() {
        let event = Event { id: Some(&7), name: Some("page"), data: Some(&"{}") };
        assert_eq!(event.to_bytes(), "id: 7\nevent: page\ndata: {}\n\n");
        assert_eq!(Event { id: Some(&7), ..Event::default() }.to_bytes(), "id: 7\n\n");
        assert_eq!(Event { data: Some(&"{}"), ..Event::default() }.to_bytes(), "data: {}\n\n");
    }
}
