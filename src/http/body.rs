//! A request's body, as JSON or as an error of the API's own shape.

use std::ops::Deref;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::timeout;

use super::Api;
use super::error::ApiError;
use super::memory_budget::{MemoryBudget, Reservation};

/// What is taken of a body.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    pub max_bytes: usize,
    /// For all bodies that are in memory at the same moment.
    pub memory: MemoryBudget,
    /// From the end of the head to the end of the body.
    pub time: Duration,
    /// Of lists and objects within each other.
    pub max_depth: usize,
}

/// What came, or why it did not.
pub type Body = Result<Received, ApiError>;

/// A body that came whole, in time, and is not too large.
pub struct Received {
    body: Bytes,
    reservation: Reservation,
}

/// What a body says.
pub struct Parsed {
    value: Value,
    reservation: Reservation,
}

impl Parsed {
    /// What it says, and what goes with it: to be kept as long as what was made of it waits for something.
    pub fn apart(self) -> (Value, Reservation) {
        (self.value, self.reservation)
    }
}

impl Deref for Parsed {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl FromRequest for Received {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<web::Data<Api>>().map(|api| api.body.clone());
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let payload = payload.take();
        Box::pin(async move {
            let limits = limits.ok_or_else(|| ApiError::Internal("routes without limits".to_owned()))?;
            let mut reservation = limits.memory.reserve();
            let read = timeout(limits.time, read(payload, announced, limits.max_bytes, &mut reservation)).await;
            let body = read.unwrap_or(Err(ApiError::BodyTimeout))?;
            Ok(Self { body, reservation })
        })
    }
}

/// Counted as it arrives: what was announced is not believed, except that it is too much.
async fn read(
    mut payload: Payload,
    announced: Option<u64>,
    max_body: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::TooLarge { max_body };
    if announced.is_some_and(|announced| announced > max_body as u64) {
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

/// The JSON of a request that says it is JSON.
pub fn json(request: &HttpRequest, body: Body) -> Result<Parsed, ApiError> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let Received { body, reservation } = body?;
    let max_depth = request.app_data::<web::Data<Api>>().map_or(0, |api| api.body.max_depth);
    if depth(&body) > max_depth {
        return Err(ApiError::BadRequest(format!("not JSON that is taken here: nested more than {max_depth} deep")));
    }
    let value = serde_json::from_slice(&body).map_err(|error| ApiError::BadRequest(format!("not JSON: {error}")))?;
    Ok(Parsed { value, reservation })
}

/// How deep lists and objects are nested, found without any nesting of our own.
pub fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
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
    fn brackets_count_where_they_nest_and_not_within_texts() {
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
