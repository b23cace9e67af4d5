//! Reads the body of a page within a size limit and a read timeout.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use crate::egress::{EgressError, Response, format_duration};

/// `Content-Length` is trusted for an allocation up to this size.
const MAX_PREALLOCATED_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// After decompression.
    pub max_bytes: usize,
    /// Time without data.
    pub read_timeout: Duration,
}

/// Reads the whole body. Stops at the first chunk that exceeds the limit.
pub async fn read(response: &mut Response, limits: BodyLimits) -> Result<Bytes, EgressError> {
    let content_length = response.content_length().unwrap_or_default();
    if content_length > limits.max_bytes as u64 {
        return Err(too_large(limits.max_bytes));
    }
    let Some(first) = next(response, limits).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(response, limits).await? else { return limited(first, limits.max_bytes) };
    let expected = usize::try_from(content_length).unwrap_or_default().min(MAX_PREALLOCATED_BYTES);
    let mut body = BytesMut::with_capacity(expected.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limits.max_bytes
        && let Some(chunk) = next(response, limits).await?
    {
        body.extend_from_slice(&chunk);
    }
    limited(body.freeze(), limits.max_bytes)
}

async fn next(response: &mut Response, limits: BodyLimits) -> Result<Option<Bytes>, EgressError> {
    timeout(limits.read_timeout, response.next_chunk()).await.unwrap_or_else(|_| {
        let silence = format_duration(limits.read_timeout);
        Err(EgressError::Transient(format!("Connection stalled: no data for {silence}")))
    })
}

fn limited(body: Bytes, max_bytes: usize) -> Result<Bytes, EgressError> {
    if body.len() > max_bytes { Err(too_large(max_bytes)) } else { Ok(body) }
}

/// The error for a page that exceeds the limit.
pub fn too_large(max_bytes: usize) -> EgressError {
    const MIB: usize = 1 << 20;
    const KIB: usize = 1 << 10;
    EgressError::Permanent(match max_bytes {
        bytes if bytes % MIB == 0 => format!("Page larger than {} MiB", bytes / MIB),
        bytes if bytes % KIB == 0 => format!("Page larger than {} KiB", bytes / KIB),
        bytes => format!("Page larger than {bytes} bytes"),
    })
}
