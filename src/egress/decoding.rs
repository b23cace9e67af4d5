//! Streaming decompression of a body, with a limit on the compression ratio.

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

/// The `Accept-Encoding` of requests.
pub const ENCODINGS: &str = "gzip, br, zstd, deflate";

/// The ratio is not checked below this size: small repetitive pages are harmless.
const UNCHECKED_BYTES: u64 = 1 << 20;

const CHUNK_BYTES: usize = 16 << 10;

/// An encoded body.
pub struct Decoder {
    decoded: Pin<Box<dyn AsyncRead + Send>>,
    encoded_bytes: Arc<AtomicU64>,
    decoded_bytes: u64,
    max_ratio: Option<NonZeroU64>,
}

impl Decoder {
    /// Decodes the response's body, or returns the response if the encoding is not one of [`ENCODINGS`].
    ///
    /// `max_ratio`: decoded bytes per encoded byte; `None`: unlimited.
    pub fn new(
        encoding: &str,
        response: reqwest::Response,
        max_ratio: Option<NonZeroU64>,
    ) -> Result<Self, reqwest::Response> {
        type Decode<R> = fn(R) -> Pin<Box<dyn AsyncRead + Send>>;
        let decode: Decode<Encoded> = match encoding {
            "gzip" | "x-gzip" => |body| Box::pin(multi_member(GzipDecoder::new(body), GzipDecoder::multiple_members)),
            "zstd" => |body| Box::pin(multi_member(ZstdDecoder::new(body), ZstdDecoder::multiple_members)),
            "br" => |body| Box::pin(BrotliDecoder::new(body)),
            "deflate" => |body| Box::pin(ZlibDecoder::new(body)),
            _ => return Err(response),
        };
        let encoded_bytes = Arc::new(AtomicU64::new(0));
        let decoded = decode(encoded(response, Arc::clone(&encoded_bytes)));
        Ok(Self { decoded, encoded_bytes, decoded_bytes: 0, max_ratio })
    }

    /// The next chunk; `None` at the end. Cancel-safe.
    pub async fn next_chunk(&mut self, server: &str) -> Result<Option<Bytes>, EgressError> {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let read = self.decoded.read_buf(&mut chunk).await;
        let encoded_bytes = self.encoded_bytes.load(Ordering::Relaxed);
        match read {
            Ok(0) => return Ok(None),
            Ok(read) => self.decoded_bytes += read as u64,
            // An empty body is not an invalid encoding.
            Err(error) if encoded_bytes == 0 && error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(decoding_error(&error, server)),
        }
        match self.max_ratio {
            Some(max_ratio)
                if self.decoded_bytes > UNCHECKED_BYTES
                    && self.decoded_bytes > encoded_bytes.saturating_mul(max_ratio.get()) =>
            {
                Err(EgressError::Permanent(format!("Compression ratio of the body exceeds {max_ratio}")))
            }
            _ => Ok(Some(chunk.freeze())),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("encoded_bytes", &self.encoded_bytes)
            .field("decoded_bytes", &self.decoded_bytes)
            .finish_non_exhaustive()
    }
}

type Encoded = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

/// The encoded body; its bytes are added to `count`.
fn encoded(response: reqwest::Response, count: Arc<AtomicU64>) -> Encoded {
    let chunks = stream::try_unfold(response, |mut response| async move {
        let chunk = response.chunk().await.map_err(io::Error::other)?;
        Ok(chunk.map(|chunk| (chunk, response)))
    });
    let counted = chunks.inspect_ok(move |chunk: &Bytes| {
        count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    StreamReader::new(Box::pin(counted))
}

/// Accepts several concatenated members as one body.
fn multi_member<D>(mut decoder: D, set: fn(&mut D, bool)) -> D {
    set(&mut decoder, true);
    decoder
}

fn decoding_error(error: &io::Error, server: &str) -> EgressError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
        Some(transfer) => EgressError::from_body(transfer, server),
        None => EgressError::invalid_encoding(),
    }
}
