//! Responses whose bytes count against the response memory until they are sent.

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;

use super::error::ApiError;
use super::memory_budget::MemoryBudget;

/// Bytes passed to the connection at once. The connection copies them.
const SLICE: usize = 1 << 16;

/// # Errors
/// `Unavailable` if the budget is exhausted.
pub fn bytes(memory: &MemoryBudget, content_type: &'static str, body: Bytes) -> Result<HttpResponse, ApiError> {
    let length = body.len() as u64;
    let body = stream::iter(memory.hold(vec![body])?).flat_map(slices).map(Ok::<_, ApiError>);
    Ok(HttpResponse::Ok().content_type(content_type).body(SizedStream::new(length, body)))
}

/// # Errors
/// `Unavailable` if the budget is exhausted.
pub fn json(memory: &MemoryBudget, value: &impl Serialize) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(value).map_err(|error| ApiError::Internal(error.to_string()))?;
    bytes(memory, "application/json", body.into())
}

/// Splits bytes, without copying, into slices of the size that a connection takes at once.
pub fn slices(mut bytes: Bytes) -> impl Stream<Item = Bytes> {
    stream::iter(std::iter::from_fn(move || {
        let slice = bytes.split_to(bytes.len().min(SLICE));
        (!slice.is_empty()).then_some(slice)
    }))
}
