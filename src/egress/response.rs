//! An answer whose head has come and whose body is still to be read, as far as somebody wants it.

use std::net::SocketAddr;
use std::num::NonZeroU64;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use super::decoding::Decoder;
use super::error::EgressError;

/// Dropping it stops the transfer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    answered_by: Option<SocketAddr>,
    announced_length: Option<u64>,
    body: Body,
    server: String,
}

#[derive(Debug)]
enum Body {
    Plain(reqwest::Response),
    Encoded(Decoder),
}

impl Answer {
    /// `most`: bytes that one of an encoded body may become; `None`: any number.
    pub(super) fn new(response: reqwest::Response, server: String, most: Option<NonZeroU64>) -> Self {
        let (status, answered_by) = (response.status().as_u16(), response.remote_addr());
        let (mut headers, announced_length) = (response.headers().clone(), response.content_length());
        let encoding = headers.get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
        let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
        let (body, announced_length) = match Decoder::new(&encoding, response, most) {
            Ok(decoder) => {
                headers.remove(CONTENT_ENCODING);
                headers.remove(CONTENT_LENGTH);
                (Body::Encoded(decoder), None)
            }
            Err(plain) => (Body::Plain(plain), announced_length),
        };
        Self { status, headers, answered_by, announced_length, body, server }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    /// Without those that tell of an encoding that is undone.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address that was dialled.
    pub fn answered_by(&self) -> Option<SocketAddr> {
        self.answered_by
    }

    /// The body's length, where it was announced and is not compressed.
    pub fn announced_length(&self) -> Option<u64> {
        self.announced_length
    }

    /// The next piece of the body, decompressed; `None` at its end. Safe to drop and call again.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, EgressError> {
        match &mut self.body {
            Body::Plain(response) => response.chunk().await.map_err(|error| EgressError::of_body(&error, &self.server)),
            Body::Encoded(decoder) => decoder.next_piece(&self.server).await,
        }
    }
}
