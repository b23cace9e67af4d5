//! Streaming decompression of a body as in browsers, with a limit on the compression ratio.
//!
//! A body without the first bytes of its declared encoding is not encoded. What follows the compressed data is ignored, and
//! the checksum at its end may be missing. Data that ends before it is complete is an error.

use std::fmt;
use std::io::{self, Cursor};
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, Chain};
use tokio_util::io::StreamReader;

use super::error::EgressError;

/// The `Accept-Encoding` of requests.
pub const ENCODINGS: &str = "gzip, br, zstd, deflate";

/// Encodings that may be applied to one body.
const MAX_CODINGS: usize = 4;
/// The ratio is not checked below this size: small repetitive pages are harmless.
const UNCHECKED_BYTES: u64 = 1 << 20;
const CHUNK_BYTES: usize = 16 << 10;
/// The first bytes of a body that identify its encoding.
const START_BYTES: usize = 4;
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The checksum and the length after the data of a gzip member.
const GZIP_TRAILER_BYTES: usize = 8;

/// A content coding of RFC 9110 that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The codings of a body in the order in which they were applied; empty if it is not encoded, or if one of them is unknown:
/// browsers then show the body as it is.
pub fn codings(headers: &HeaderMap) -> Vec<Coding> {
    let values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let known = names.filter(|name| !matches!(name.as_str(), "" | "identity")).map(|name| match name.as_str() {
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        "br" => Some(Coding::Brotli),
        "zstd" => Some(Coding::Zstd),
        _ => None,
    });
    known.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// An encoded body.
pub struct Decoder {
    decoded: Chunks,
}

impl Decoder {
    /// `max_ratio`: decoded bytes per transferred byte, after each coding; `None`: unlimited.
    pub fn new(codings: &[Coding], response: reqwest::Response, max_ratio: Option<NonZeroU64>) -> Self {
        if codings.len() > MAX_CODINGS {
            return Self { decoded: Box::pin(stream::once(async { Err(invalid()) })) };
        }
        let transferred = Arc::new(AtomicU64::new(0));
        let transfer = transfer(response, Arc::clone(&transferred));
        let decoded = codings.iter().rev().fold(transfer, |body, coding| {
            let limit = RatioLimit { transferred: Arc::clone(&transferred), decoded: 0, max_ratio };
            limit.apply(decode(*coding, body))
        });
        Self { decoded }
    }

    /// The next chunk; `None` at the end. Cancel-safe.
    pub async fn next_chunk(&mut self, server: &str) -> Result<Option<Bytes>, EgressError> {
        self.decoded.try_next().await.map_err(|error| decoding_error(&error, server))
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;
/// A body whose first bytes have been read.
type Body = Chain<Cursor<Bytes>, StreamReader<Chunks, Bytes>>;

/// The body as transferred; its bytes are added to `count`.
fn transfer(response: reqwest::Response, count: Arc<AtomicU64>) -> Chunks {
    let chunks = stream::try_unfold(response, |mut response| async move {
        let chunk = response.chunk().await.map_err(io::Error::other)?;
        Ok(chunk.map(|chunk| (chunk, response)))
    });
    Box::pin(chunks.inspect_ok(move |chunk: &Bytes| {
        count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }))
}

/// Removes one coding.
fn decode(coding: Coding, body: Chunks) -> Chunks {
    let opened = async move {
        let (start, mut body) = read_start(body).await?;
        Ok::<Chunks, io::Error>(match coding {
            _ if start.is_empty() => Box::pin(stream::empty()),
            Coding::Gzip if start.starts_with(&GZIP_MAGIC) => {
                let found = skip_gzip_header(&mut body).await?;
                if found { gunzip(body) } else { return Err(invalid()) }
            }
            Coding::Zstd if start.starts_with(&ZSTD_MAGIC) => {
                let mut decoder = ZstdDecoder::new(body);
                decoder.multiple_members(true);
                chunks(decoder)
            }
            Coding::Gzip | Coding::Zstd => chunks(body),
            Coding::Deflate => {
                if has_zlib_header(&start) {
                    skip(&mut body, 2).await?;
                }
                chunks(DeflateDecoder::new(body))
            }
            Coding::Brotli => chunks(BrotliDecoder::new(body)),
        })
    };
    Box::pin(stream::once(opened).try_flatten())
}

async fn read_start(body: Chunks) -> io::Result<(Bytes, Body)> {
    let mut body = StreamReader::new(body);
    let mut start = BytesMut::new();
    while start.len() < START_BYTES {
        let left = START_BYTES - start.len();
        if (&mut body).take(left as u64).read_buf(&mut start).await? == 0 {
            break;
        }
    }
    let start = start.freeze();
    Ok((start.clone(), Cursor::new(start).chain(body)))
}

/// Whether a body in `deflate` has a header of zlib, as the standard requires; many servers send none.
fn has_zlib_header(start: &[u8]) -> bool {
    matches!(start, [method, flags, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

fn chunks(body: impl AsyncRead + Send + Unpin + 'static) -> Chunks {
    Box::pin(stream::try_unfold(body, |mut body| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let read = body.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), body)))
    }))
}

/// The data of all members of a gzip body, from the data of the first one.
fn gunzip(body: Body) -> Chunks {
    Box::pin(stream::try_unfold(DeflateDecoder::new(body), |mut member| async move {
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            if member.read_buf(&mut chunk).await? > 0 {
                return Ok(Some((chunk.freeze(), member)));
            }
            let mut body = member.into_inner();
            let ends = skip(&mut body, GZIP_TRAILER_BYTES).await? < GZIP_TRAILER_BYTES;
            if ends || !skip_gzip_header(&mut body).await? {
                return Ok(None);
            }
            member = DeflateDecoder::new(body);
        }
    }))
}

/// Skips the header of a gzip member (RFC 1952). Returns false if there is none.
async fn skip_gzip_header(body: &mut Body) -> io::Result<bool> {
    match read_gzip_header(body).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result,
    }
}

async fn read_gzip_header(body: &mut Body) -> io::Result<bool> {
    let [has_checksum, has_extra, has_name, has_comment] = [1, 2, 3, 4].map(|bit| 1u8 << bit);
    let mut fixed = [0; 10];
    body.read_exact(&mut fixed).await?;
    if !fixed.starts_with(&GZIP_MAGIC) {
        return Ok(false);
    }
    let flags = fixed[3];
    if flags & has_extra != 0 {
        let length = body.read_u16_le().await?;
        skip(body, length.into()).await?;
    }
    for flag in [has_name, has_comment] {
        while flags & flag != 0 && body.read_u8().await? != 0 {}
    }
    if flags & has_checksum != 0 {
        skip(body, 2).await?;
    }
    Ok(true)
}

/// Skips up to `bytes` and returns how many were skipped.
async fn skip(body: &mut (impl AsyncBufRead + Unpin), bytes: usize) -> io::Result<usize> {
    let skipped = tokio::io::copy(&mut body.take(bytes as u64), &mut tokio::io::sink()).await?;
    Ok(usize::try_from(skipped).unwrap_or(bytes))
}

/// Limits the decoded bytes per transferred byte.
struct RatioLimit {
    transferred: Arc<AtomicU64>,
    decoded: u64,
    max_ratio: Option<NonZeroU64>,
}

impl RatioLimit {
    fn apply(mut self, chunks: Chunks) -> Chunks {
        Box::pin(chunks.and_then(move |chunk| std::future::ready(self.check(chunk))))
    }

    fn check(&mut self, chunk: Bytes) -> io::Result<Bytes> {
        self.decoded += chunk.len() as u64;
        let transferred = self.transferred.load(Ordering::Relaxed);
        let exceeds = |max: &NonZeroU64| self.decoded > transferred.saturating_mul(max.get());
        match self.max_ratio.filter(|max| self.decoded > UNCHECKED_BYTES && exceeds(max)) {
            Some(max) => {
                let reason = format!("Compression ratio of the body exceeds {max}");
                Err(io::Error::other(EgressError::Permanent(reason)))
            }
            None => Ok(chunk),
        }
    }
}

fn invalid() -> io::Error {
    io::Error::other(EgressError::invalid_encoding())
}

/// The error of the transfer or of the ratio, which may have passed through the readers of further codings; else the
/// encoding is invalid.
fn decoding_error(error: &io::Error, server: &str) -> EgressError {
    let mut cause = error.get_ref();
    while let Some(inner) = cause {
        if let Some(transfer) = inner.downcast_ref::<reqwest::Error>() {
            return EgressError::from_body(transfer, server);
        }
        if let Some(known) = inner.downcast_ref::<EgressError>() {
            return known.clone();
        }
        cause = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    }
    EgressError::invalid_encoding()
}
