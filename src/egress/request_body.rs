//! What goes out with a request: nothing, something that is in memory, or a stream whose length is known.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream};
use hyper::body::{Body, Frame, SizeHint};

pub struct RequestBody(pub(super) Option<reqwest::Body>);

impl RequestBody {
    /// What comes from `pieces`, which is `length` bytes.
    pub fn of<E>(length: u64, pieces: BoxStream<'static, Result<Bytes, E>>) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        Self(Some(reqwest::Body::wrap(Measured { left: length, pieces: Mutex::new(pieces) })))
    }
}

impl From<Bytes> for RequestBody {
    fn from(body: Bytes) -> Self {
        Self((!body.is_empty()).then(|| body.into()))
    }
}

/// A body that says how long it is, so that its receiver is told before it comes.
struct Measured<E> {
    left: u64,
    /// Nobody shares it; the lock is for the type's sake, and never taken.
    pieces: Mutex<BoxStream<'static, Result<Bytes, E>>>,
}

impl<E> Body for Measured<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let pieces = self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        let piece = std::task::ready!(Pin::new(pieces).poll_next(cx));
        if let Some(Ok(piece)) = &piece {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
