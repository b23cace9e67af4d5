//! Reading a page's body, within a bound on its bytes and on its silences.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use crate::egress::{Answer, EgressError, in_words};

/// How much is taken, and how long a silence may last.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Counted after decompression.
    pub max_bytes: usize,
    pub max_silence: Duration,
}

/// The whole body, or why there is none. Reading stops at the piece that passes the bound.
pub async fn read(answer: &mut Answer, limits: BodyLimits) -> Result<Bytes, EgressError> {
    let announced = answer.announced_length().unwrap_or_default();
    if announced > limits.max_bytes as u64 {
        return Err(too_large(limits.max_bytes));
    }
    let Some(first) = next(answer, limits).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(answer, limits).await? else { return within(first, limits.max_bytes) };
    // Trusted no further than this: who announces much and sends little costs little.
    let expected = usize::try_from(announced).unwrap_or_default().min(1 << 20);
    let mut body = BytesMut::with_capacity(expected.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while body.len() <= limits.max_bytes
        && let Some(piece) = next(answer, limits).await?
    {
        body.extend_from_slice(&piece);
    }
    within(body.freeze(), limits.max_bytes)
}

async fn next(answer: &mut Answer, limits: BodyLimits) -> Result<Option<Bytes>, EgressError> {
    match timeout(limits.max_silence, answer.next_piece()).await {
        Ok(piece) => piece,
        Err(_) => {
            Err(EgressError::Transient(format!("Connection stalled: no data for {}", in_words(limits.max_silence))))
        }
    }
}

fn within(body: Bytes, bound: usize) -> Result<Bytes, EgressError> {
    if body.len() > bound { Err(too_large(bound)) } else { Ok(body) }
}

/// Said of a page that passes the bound.
pub fn too_large(bound: usize) -> EgressError {
    const MIB: usize = 1 << 20;
    const KIB: usize = 1 << 10;
    EgressError::Permanent(match bound {
        bound if bound % MIB == 0 => format!("Page larger than {} MiB", bound / MIB),
        bound if bound % KIB == 0 => format!("Page larger than {} KiB", bound / KIB),
        bound => format!("Page larger than {bound} bytes"),
    })
}
