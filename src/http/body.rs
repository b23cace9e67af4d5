//! Reads request bodies, decompresses them, and parses them as JSON.

mod encoding;

use std::ops::Deref;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use encoding::Encoding;
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tokio::time::timeout;

use super::error::ApiError;
use super::memory_budget::{MemoryBudget, Reservation};

/// Limits of request bodies. Part of the application's data.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    pub max_bytes: usize,
    /// For all bodies that are in memory at the same time, and the decoders of compressed ones.
    pub memory: MemoryBudget,
    /// The part of `memory` that decoders may use, so that compressed bodies never reject all others.
    pub decoder_memory: MemoryBudget,
    /// From the end of the headers to the end of the body.
    pub timeout: Duration,
    /// Nesting of lists and objects.
    pub max_depth: usize,
    /// A body without a `Content-Type` counts as JSON. Only with a token: without one, the requirement of a JSON
    /// `Content-Type` keeps pages of other sites from sending requests.
    pub allows_untyped: bool,
}

pub type Body = Result<ReceivedBody, ApiError>;

/// A complete body within the limits.
pub struct ReceivedBody {
    body: Bytes,
    reservation: Reservation,
    max_depth: usize,
}

/// A parsed body.
pub struct JsonBody {
    value: Value,
    reservation: Reservation,
}

impl JsonBody {
    /// The value and its memory reservation, which is kept as long as a value made from it.
    pub fn into_parts(self) -> (Value, Reservation) {
        (self.value, self.reservation)
    }
}

impl Deref for JsonBody {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl FromRequest for ReceivedBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<web::Data<BodyLimits>>().cloned();
        let content_length =
            request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let (payload, encoding) = (payload.take(), Encoding::of(request.headers()));
        Box::pin(async move {
            let (limits, encoding) = (limits.ok_or_else(no_limits)?, encoding?);
            // Released when the body is complete.
            let (mut decoder, mut decoder_part) = (limits.memory.reserve(), limits.decoder_memory.reserve());
            decoder.grow(encoding.window_bytes())?;
            decoder_part.grow(encoding.window_bytes())?;
            let mut reservation = limits.memory.reserve();
            let payload = encoding.decode(payload);
            let read = timeout(limits.timeout, read(payload, content_length, limits.max_bytes, &mut reservation)).await;
            let body = read.unwrap_or(Err(ApiError::BodyTimeout))?;
            Ok(Self { body, reservation, max_depth: limits.max_depth })
        })
    }
}

fn no_limits() -> ApiError {
    ApiError::Internal("routes without body limits".to_owned())
}

/// Counts decoded bytes as they arrive. `content_length`, that of the encoded body, is used only to reject a body early.
async fn read(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    content_length: Option<u64>,
    max_body: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::TooLarge { max_body };
    if content_length.is_some_and(|length| length > max_body as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| match error {
            PayloadError::Overflow => too_large(),
            other => ApiError::BadRequest(format!("the body could not be read: {other}")),
        })?;
        if body.len() + piece.len() > max_body {
            return Err(too_large());
        }
        reservation.grow(piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// Parses the body of a request with a JSON `Content-Type`.
pub fn json(request: &HttpRequest, body: Body) -> Result<JsonBody, ApiError> {
    if !is_json(request) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let ReceivedBody { body, reservation, max_depth } = body?;
    Ok(JsonBody { value: parse(&body, max_depth)?, reservation })
}

/// Parses JSON whose lists and objects are nested at most `max_depth` deep.
///
/// # Errors
/// `BadRequest`.
pub fn parse(text: &[u8], max_depth: usize) -> Result<Value, ApiError> {
    if depth(text) > max_depth {
        return Err(ApiError::BadRequest(format!("the JSON is nested more than {max_depth} levels deep")));
    }
    serde_json::from_slice(text).map_err(|error| ApiError::BadRequest(format!("not JSON: {error}")))
}

/// Whether the `Content-Type` is JSON, or absent where that is allowed.
fn is_json(request: &HttpRequest) -> bool {
    let Some(content_type) = request.headers().get(CONTENT_TYPE) else {
        return request.app_data::<web::Data<BodyLimits>>().is_some_and(|limits| limits.allows_untyped);
    };
    let content_type = content_type.to_str().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}

/// The nesting of lists and objects, computed without recursion.
pub fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_ignores_brackets_in_strings() {
        for (json, expected) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": []}], "c": {}}"#, 4),
            (r#"["[[[", "\"[[[", "\\", []]"#, 2),
            ("[][][]", 1),
            ("]]][[", 2),
        ] {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }
}
