//! An answer whose head has come and whose body is still to be read, as far as somebody wants it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;

use super::trouble::Trouble;

/// Dropping it stops the transfer.
#[derive(Debug)]
pub struct Answer {
    response: reqwest::Response,
    server: String,
}

impl Answer {
    pub(super) fn new(response: reqwest::Response, server: String) -> Self {
        Self { response, server }
    }

    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The address that was dialled.
    pub fn answered_by(&self) -> Option<SocketAddr> {
        self.response.remote_addr()
    }

    /// The body's length, where it was announced and is not compressed.
    pub fn announced_length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece of the body, decompressed; `None` at its end. Safe to drop and call again.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, Trouble> {
        self.response.chunk().await.map_err(|error| Trouble::of_body(&error, &self.server))
    }
}
