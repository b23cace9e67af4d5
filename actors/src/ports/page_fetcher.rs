//! Pages from outside.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::crawl::Exchange;
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::queue_key::QueueKey;

/// One page to fetch, once.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// As submitted: absolute `http(s)`, or `raw:<html>`.
    pub url: String,
    pub options: Arc<CrawlOptions>,
    /// Where it waits, if pages have to wait for each other.
    pub queue: QueueKey,
}

/// A page as it came, whole. Any status: a 404 has a body too.
#[derive(Clone, Debug)]
pub struct FetchedPage {
    pub exchange: Exchange,
    /// Undone: transfer and content encodings. Not undone: the character set.
    pub body: Bytes,
    /// The `Content-Type` header, as sent.
    pub content_type: Option<String>,
    /// The server's wish, where it sent one.
    pub retry_after: Option<Duration>,
}

/// No page. Its text is one sentence for a person: `Connection timeout after 30s`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    pub reason: String,
    /// Another try may succeed.
    pub transient: bool,
    /// What is known of the exchange all the same (e.g. the headers of a body that was too large).
    pub exchange: Exchange,
}

impl FetchError {
    pub fn transient(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), transient: true, exchange: Exchange::default() }
    }

    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), transient: false, exchange: Exchange::default() }
    }
}

/// Fetches within its own limits: time, bytes, redirects, connections a host and in all. Waits for its turn.
#[async_trait]
pub trait PageFetcher: Send + Sync + 'static {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError>;
}
