//! Between the web server's requests and answers and those of `rmcp`, which are of another version of `http`.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tokio::time::timeout;

use super::Asker;
use crate::http::error::ApiError;
use crate::http::sse;

pub type Answer = http::Response<BoxBody<Bytes, Infallible>>;

/// The request with a body that was read, and those of its headers that the protocol knows.
///
/// # Errors
/// A header that cannot be one.
pub fn request(request: &HttpRequest, body: String, asker: Asker) -> Result<http::Request<Full<Bytes>>, ApiError> {
    // Host and address were judged before, and are not judged by others' rules.
    let mut asked = http::Request::post("http://localhost/mcp").extension(asker);
    for (name, value) in request.headers() {
        let name = name.as_str();
        if matches!(name, "accept" | "content-type") || name.starts_with("mcp-") {
            asked = asked.header(name, value.as_bytes());
        }
    }
    asked.body(Full::from(body)).map_err(|error| ApiError::BadRequest(error.to_string()))
}

/// The answer; a stream of events as it comes.
pub async fn response(answer: Answer) -> HttpResponse {
    if is_stream(&answer) {
        return sse::response(pieces(answer.into_body()));
    }
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let Ok(body) = body.collect().await;
    let (mut response, body) = (HttpResponse::build(status), body.to_bytes());
    if body.is_empty() {
        return response.finish();
    }
    match head.headers.get("content-type").and_then(|kind| kind.to_str().ok()) {
        Some(kind @ "application/json") => response.insert_header((CONTENT_TYPE, kind)).body(body),
        // Errors of the API have one form.
        _ => response.json(json!({"detail": String::from_utf8_lossy(&body)})),
    }
}

/// An answer that is not there yet, as a stream of events that says meanwhile, every `heartbeat`, that it is to come:
/// who hears nothing for long gives up, and so do proxies.
pub fn late(answer: impl Future<Output = Answer> + Unpin + 'static, heartbeat: Duration) -> HttpResponse {
    let waits = stream::unfold(Some(answer), move |waits| async move {
        let mut answer = waits?;
        Some(match timeout(heartbeat, &mut answer).await {
            Ok(answer) if is_stream(&answer) => (pieces(answer.into_body()).boxed_local(), None),
            Ok(answer) => (event(answer).boxed_local(), None),
            Err(_) => (beat().boxed_local(), Some(answer)),
        })
    });
    sse::response(beat().chain(waits.flatten()))
}

fn is_stream(answer: &Answer) -> bool {
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

fn pieces(body: BoxBody<Bytes, Infallible>) -> impl Stream<Item = Result<Bytes, ApiError>> {
    body.into_data_stream().map(|piece| piece.map_err(|never| match never {}))
}

fn beat() -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::iter([Ok(sse::HEARTBEAT)])
}

/// A message that was to be a whole answer; it has no line break.
fn event(answer: Answer) -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::once(async move {
        let Ok(message) = answer.into_body().collect().await;
        Ok([b"data: ", &message.to_bytes()[..], b"\n\n"].concat().into())
    })
}
