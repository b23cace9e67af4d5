//! Between the web server's requests and answers and those of `rmcp`, which are of another version of `http`.

use std::convert::Infallible;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::json;

use super::Asker;
use crate::http::errors::ApiError;
use crate::http::events;

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
    asked.body(Full::from(body)).map_err(|error| ApiError::Bad(error.to_string()))
}

/// The answer; a stream of events as it comes.
pub async fn response(response: http::Response<BoxBody<Bytes, Infallible>>) -> HttpResponse {
    let (head, body) = response.into_parts();
    let kind = head.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        return events::answer(body.into_data_stream().map(|piece| piece.map_err(|never| match never {})));
    }
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let Ok(body) = body.collect().await;
    let (mut response, body) = (HttpResponse::build(status), body.to_bytes());
    if body.is_empty() {
        return response.finish();
    }
    match kind {
        "application/json" => response.insert_header((CONTENT_TYPE, kind)).body(body),
        // Errors of the API have one form.
        _ => response.json(json!({"detail": String::from_utf8_lossy(&body)})),
    }
}
