//! The `Content-Encoding` of a request's body.

use std::io;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use futures_util::{StreamExt, TryStreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::http::error::ApiError;

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 16 << 10;

/// The base-2 logarithm of the largest zstd window (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Encoding {
    /// # Errors
    /// `UnsupportedEncoding` if the body has another encoding, or several.
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(CONTENT_ENCODING);
        let (first, None) = (values.next(), values.next()) else { return Err(ApiError::UnsupportedEncoding) };
        let name = first.map_or(Ok(""), |value| value.to_str()).map_err(|_| ApiError::UnsupportedEncoding)?;
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "br" => Ok(Self::Brotli),
            "zstd" => Ok(Self::Zstd),
            _ => Err(ApiError::UnsupportedEncoding),
        }
    }

    /// The memory that the decoder may use.
    pub fn window_bytes(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Gzip => 1 << 15,
            Self::Brotli => 1 << 24,
            Self::Zstd => 1 << ZSTD_WINDOW_LOG,
        }
    }

    /// The decoded body, in chunks of bounded size.
    pub fn decode(self, payload: Payload) -> LocalBoxStream<'static, Result<Bytes, PayloadError>> {
        let encoded = |payload: Payload| StreamReader::new(payload.map_err(io::Error::other));
        match self {
            Self::Identity => payload.boxed_local(),
            Self::Gzip => chunks(GzipDecoder::new(encoded(payload))),
            Self::Brotli => chunks(BrotliDecoder::new(encoded(payload))),
            Self::Zstd => {
                let max_window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                chunks(ZstdDecoder::with_params(encoded(payload), &max_window))
            }
        }
    }
}

fn chunks(decoder: impl AsyncRead + 'static) -> LocalBoxStream<'static, Result<Bytes, PayloadError>> {
    ReaderStream::with_capacity(decoder, CHUNK_BYTES).map_err(PayloadError::Io).boxed_local()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn encodings_are_recognized_by_their_names() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| headers.append(CONTENT_ENCODING, HeaderValue::from_static(value)));
            Encoding::of(&headers).ok()
        };
        for (values, expected) in [
            (&[][..], Some(Encoding::Identity)),
            (&["identity"], Some(Encoding::Identity)),
            (&[" GZIP "], Some(Encoding::Gzip)),
            (&["br"], Some(Encoding::Brotli)),
            (&["zstd"], Some(Encoding::Zstd)),
            (&["deflate"], None),
            (&["gzip, br"], None),
            (&["gzip", "br"], None),
        ] {
            assert_eq!(of(values), expected, "{values:?}");
        }
    }
}
