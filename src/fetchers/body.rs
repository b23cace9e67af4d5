//! Reads the body of a page within a size limit, a read timeout and a minimum rate.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout};

use crate::egress::{EgressError, Response, format_duration};

/// `Content-Length` is trusted for an allocation up to this size.
const MAX_PREALLOCATED_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// After decompression.
    pub max_bytes: usize,
    /// Time without data.
    pub read_timeout: Duration,
    /// Bytes per second, on average over each `read_timeout`; 0: no minimum.
    pub min_rate: u32,
}

/// Reads chunks and measures their rate.
struct Reader<'a> {
    response: &'a mut Response,
    limits: BodyLimits,
    window_start: Instant,
    /// Received since `window_start`.
    window_bytes: usize,
}

/// Reads the whole body. Stops at the first chunk that exceeds the limit.
pub async fn read(response: &mut Response, limits: BodyLimits) -> Result<Bytes, EgressError> {
    let content_length = response.content_length().unwrap_or_default();
    if content_length > limits.max_bytes as u64 {
        return Err(too_large(limits.max_bytes));
    }
    let mut reader = Reader { response, limits, window_start: Instant::now(), window_bytes: 0 };
    let Some(first) = reader.next().await? else { return Ok(Bytes::new()) };
    let Some(second) = reader.next().await? else { return limited(first, limits.max_bytes) };
    let expected = usize::try_from(content_length).unwrap_or_default().min(MAX_PREALLOCATED_BYTES);
    let mut body = BytesMut::with_capacity(expected.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limits.max_bytes
        && let Some(chunk) = reader.next().await?
    {
        body.extend_from_slice(&chunk);
    }
    limited(body.freeze(), limits.max_bytes)
}

/// Reads the first `max_bytes` of a body.
pub async fn read_beginning(response: &mut Response, limits: BodyLimits) -> Result<Bytes, EgressError> {
    let mut reader = Reader { response, limits, window_start: Instant::now(), window_bytes: 0 };
    let mut body = BytesMut::new();
    while body.len() < limits.max_bytes
        && let Some(chunk) = reader.next().await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(limits.max_bytes);
    Ok(body.freeze())
}

impl Reader<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, EgressError> {
        let BodyLimits { read_timeout, min_rate, .. } = self.limits;
        let chunk = timeout(read_timeout, self.response.next_chunk()).await.unwrap_or_else(|_| {
            let silence = format_duration(read_timeout);
            Err(EgressError::Transient(format!("Connection stalled: no data for {silence}")))
        })?;
        self.window_bytes += chunk.as_ref().map_or(0, Bytes::len);
        let elapsed = self.window_start.elapsed();
        if chunk.is_some() && elapsed >= read_timeout {
            let minimum = f64::from(min_rate) * elapsed.as_secs_f64();
            if (self.window_bytes as f64) < minimum {
                let reason = format!("Connection too slow: less than {min_rate} bytes per second");
                return Err(EgressError::Transient(reason));
            }
            (self.window_start, self.window_bytes) = (Instant::now(), 0);
        }
        Ok(chunk)
    }
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
