//! Converts requests and responses between the web server and `rmcp`, which use different versions of the `http` crate.

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

use super::message::RequestContext;
use crate::http::error::ApiError;
use crate::http::sse::{self, Event};

pub type RmcpResponse = http::Response<BoxBody<Bytes, Infallible>>;

/// The request with the body that was read and the headers that the protocol defines.
///
/// # Errors
/// A header is invalid.
pub fn request(
    request: &HttpRequest,
    body: String,
    context: RequestContext,
) -> Result<http::Request<Full<Bytes>>, ApiError> {
    // `Host` was checked before, by this server's own rules.
    let mut forwarded = http::Request::post("http://localhost/mcp").extension(context);
    for (name, value) in request.headers() {
        let name = name.as_str();
        if matches!(name, "accept" | "content-type") || name.starts_with("mcp-") {
            forwarded = forwarded.header(name, value.as_bytes());
        }
    }
    forwarded.body(Full::from(body)).map_err(|error| ApiError::BadRequest(error.to_string()))
}

/// The response. A stream of events is passed on as it arrives.
pub async fn response(response: RmcpResponse) -> HttpResponse {
    if is_stream(&response) {
        return sse::response(pieces(response.into_body()));
    }
    let (head, body) = response.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let Ok(body) = body.collect().await;
    let (mut response, body) = (HttpResponse::build(status), body.to_bytes());
    if body.is_empty() {
        return response.finish();
    }
    match head.headers.get("content-type").and_then(|kind| kind.to_str().ok()) {
        Some(kind @ "application/json") => response.insert_header((CONTENT_TYPE, kind)).body(body),
        // An error, in the API's form.
        _ => response.json(json!({"detail": String::from_utf8_lossy(&body)})),
    }
}

/// A stream with a comment every `heartbeat` until the response is available. Without them, clients and proxies time out.
pub fn delayed(response: impl Future<Output = RmcpResponse> + Unpin + 'static, heartbeat: Duration) -> HttpResponse {
    let events = stream::unfold(Some(response), move |pending| async move {
        let mut response = pending?;
        Some(match timeout(heartbeat, &mut response).await {
            Ok(response) if is_stream(&response) => (pieces(response.into_body()).boxed_local(), None),
            Ok(response) => (event(response).boxed_local(), None),
            Err(_) => (heartbeat_event().boxed_local(), Some(response)),
        })
    });
    sse::response(heartbeat_event().chain(events.flatten()))
}

fn is_stream(response: &RmcpResponse) -> bool {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

fn pieces(body: BoxBody<Bytes, Infallible>) -> impl Stream<Item = Result<Bytes, ApiError>> {
    body.into_data_stream().map(|piece| piece.map_err(|never| match never {}))
}

fn heartbeat_event() -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::iter([Ok(sse::HEARTBEAT)])
}

/// A JSON response, which has no line break, as an event.
fn event(response: RmcpResponse) -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::once(async move {
        let Ok(message) = response.into_body().collect().await;
        let message = message.to_bytes();
        Ok(Event { data: Some(&String::from_utf8_lossy(&message)), ..Event::default() }.to_bytes())
    })
}
