//! Undoes the encoding of a body piece by piece, within a bound on how much a byte of it may become.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::error::EgressError;

/// What answers may be encoded in.
pub const ENCODINGS: &str = "gzip, br, zstd, deflate";

/// So much may become of any body: short pages that repeat themselves harm nobody.
const FREE: u64 = 1 << 20;

const PIECE: usize = 16 << 10;

/// A body that is still to be read.
pub struct Decoder {
    decoded: Pin<Box<dyn AsyncRead + Send>>,
    arrived: Arc<AtomicU64>,
    grown: u64,
    most: Option<NonZeroU64>,
}

impl Decoder {
    /// The body of a response in this encoding, or the response as it is where that is none of [`ENCODINGS`]. `most`:
    /// bytes that one may become.
    pub fn new(
        encoding: &str,
        response: reqwest::Response,
        most: Option<NonZeroU64>,
    ) -> Result<Self, reqwest::Response> {
        type Undo<R> = fn(R) -> Pin<Box<dyn AsyncRead + Send>>;
        let undo: Undo<Arriving> = match encoding {
            "gzip" | "x-gzip" => |body| Box::pin(several(GzipDecoder::new(body), GzipDecoder::multiple_members)),
            "zstd" => |body| Box::pin(several(ZstdDecoder::new(body), ZstdDecoder::multiple_members)),
            "br" => |body| Box::pin(BrotliDecoder::new(body)),
            "deflate" => |body| Box::pin(ZlibDecoder::new(body)),
            _ => return Err(response),
        };
        let arrived = Arc::new(AtomicU64::new(0));
        let decoded = undo(arriving(response, Arc::clone(&arrived)));
        Ok(Self { decoded, arrived, grown: 0, most })
    }

    /// The next piece; `None` at the end. Safe to drop and call again.
    pub async fn next_piece(&mut self, server: &str) -> Result<Option<Bytes>, EgressError> {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = self.decoded.read_buf(&mut piece).await;
        let arrived = self.arrived.load(Ordering::Relaxed);
        match read {
            Ok(0) => return Ok(None),
            Ok(read) => self.grown += read as u64,
            // Encoded or not, nothing is nothing.
            Err(error) if arrived == 0 && error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(trouble(&error, server)),
        }
        match self.most {
            Some(most) if self.grown > FREE && self.grown > arrived.saturating_mul(most.get()) => {
                Err(EgressError::Permanent(format!("Body becomes more than {most} times as long as it was sent")))
            }
            _ => Ok(Some(piece.freeze())),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("arrived", &self.arrived).field("grown", &self.grown).finish_non_exhaustive()
    }
}

type Arriving = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

/// The body as it comes, counted.
fn arriving(response: reqwest::Response, count: Arc<AtomicU64>) -> Arriving {
    let pieces = stream::try_unfold(response, |mut response| async move {
        let piece = response.chunk().await.map_err(io::Error::other)?;
        Ok(piece.map(|piece| (piece, response)))
    });
    let counted = pieces.inspect_ok(move |piece: &Bytes| {
        count.fetch_add(piece.len() as u64, Ordering::Relaxed);
    });
    StreamReader::new(Box::pin(counted))
}

/// Several encoded bodies behind each other are one.
fn several<D>(mut decoder: D, set: fn(&mut D, bool)) -> D {
    set(&mut decoder, true);
    decoder
}

fn trouble(error: &io::Error, server: &str) -> EgressError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
        Some(transfer) => EgressError::of_body(transfer, server),
        None => EgressError::Permanent("Body cannot be decompressed".to_owned()),
    }
}
