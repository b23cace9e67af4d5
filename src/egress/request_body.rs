//! The body of an outgoing request: none, bytes in memory, or a stream of known length.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream};
use hyper::body::{Body, Frame, SizeHint};

pub struct RequestBody(pub(super) Option<reqwest::Body>);

impl RequestBody {
    /// A stream of `length` bytes.
    pub fn stream<E>(length: u64, chunks: BoxStream<'static, Result<Bytes, E>>) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        Self(Some(reqwest::Body::wrap(SizedStream { remaining: length, chunks: Mutex::new(chunks) })))
    }
}

impl From<Bytes> for RequestBody {
    fn from(body: Bytes) -> Self {
        Self((!body.is_empty()).then(|| body.into()))
    }
}

/// A stream with an exact size hint, so that the request has a `Content-Length`.
struct SizedStream<E> {
    remaining: u64,
    /// Makes the type `Sync`; never locked.
    chunks: Mutex<BoxStream<'static, Result<Bytes, E>>>,
}

impl<E> Body for SizedStream<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let chunks = self.chunks.get_mut().unwrap_or_else(PoisonError::into_inner);
        let chunk = std::task::ready!(Pin::new(chunks).poll_next(cx));
        if let Some(Ok(chunk)) = &chunk {
            self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
