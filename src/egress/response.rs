//! A response whose headers have arrived and whose body is read on demand.

use std::net::SocketAddr;
use std::num::NonZeroU64;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::tls::TlsInfo;

use super::decoding::{Decoder, codings};
use super::error::EgressError;

/// Dropping it stops the transfer.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: HeaderMap,
    remote_address: Option<SocketAddr>,
    content_length: Option<u64>,
    certificate: Option<Bytes>,
    body: Body,
    server: String,
}

#[derive(Debug)]
enum Body {
    Plain(reqwest::Response),
    Encoded(Decoder),
}

impl Response {
    /// `max_ratio`: decoded bytes per encoded byte; `None`: unlimited.
    pub(super) fn new(response: reqwest::Response, server: String, max_ratio: Option<NonZeroU64>) -> Self {
        let (status, remote_address) = (response.status().as_u16(), response.remote_addr());
        let (mut headers, content_length) = (response.headers().clone(), response.content_length());
        let tls = response.extensions().get::<TlsInfo>();
        let certificate = tls.and_then(TlsInfo::peer_certificate).map(Bytes::copy_from_slice);
        let codings = codings(&headers);
        let (body, content_length) = if codings.is_empty() {
            (Body::Plain(response), content_length)
        } else {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
            (Body::Encoded(Decoder::new(&codings, response, max_ratio)), None)
        };
        Self { status, headers, remote_address, content_length, certificate, body, server }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    /// Without `Content-Encoding` and `Content-Length` if the body is decoded.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address that the client connected to.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.remote_address
    }

    /// The `Content-Length` of a body that is not encoded.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// The server's certificate in DER; `None` without TLS.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// The next chunk of the decoded body; `None` at its end. Cancel-safe.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        match &mut self.body {
            Body::Plain(response) => {
                response.chunk().await.map_err(|error| EgressError::from_body(&error, &self.server))
            }
            Body::Encoded(decoder) => decoder.next_chunk(&self.server).await,
        }
    }
}
