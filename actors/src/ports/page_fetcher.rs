//! Fetching of pages.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::crawl::Exchange;
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::engine::FetchEngine;
use crate::domain::queue_key::QueueKey;

/// A request for one page, without retries.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// As submitted: absolute `http(s)`, or `raw:<html>`.
    pub url: String,
    pub options: Arc<CrawlOptions>,
    pub engine: FetchEngine,
    /// The queue whose share of the fetch permits this request uses.
    pub queue: QueueKey,
    /// The page that links to this one, if only the beginning of this one is requested; `None`: the client named the URL and
    /// receives the whole page.
    pub linked_from: Option<LinkingPage>,
}

/// A page that links to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkingPage {
    /// See [`Exchange::internal`].
    pub internal: bool,
}

/// A complete response of any status.
#[derive(Clone, Debug)]
pub struct FetchedPage {
    pub exchange: Exchange,
    /// The body without transfer and content encodings, in the charset in which it was sent.
    pub body: Bytes,
    /// The `Content-Type` header as sent.
    pub content_type: Option<String>,
    /// The delay that the server requests in `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Why the page may be incomplete. One sentence each, without a full stop.
    pub warnings: Vec<String>,
}

/// A page that could not be fetched. The text is one sentence for users: `Connection timeout after 30s`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    pub reason: String,
    is_transient: bool,
    /// What is known of the response, e.g. the headers of a body that was too large.
    pub exchange: Exchange,
}

impl FetchError {
    pub fn transient(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_transient: true, exchange: Exchange::default() }
    }

    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_transient: false, exchange: Exchange::default() }
    }

    pub fn with_exchange(self, exchange: Exchange) -> Self {
        Self { exchange, ..self }
    }

    /// Whether a retry can succeed.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }
}

/// Fetches pages within its limits on time, bytes, redirects and connections (per host and in total). Waits for a permit.
#[async_trait]
pub trait PageFetcher: Send + Sync + 'static {
    async fn fetch(&self, request: PageRequest) -> Result<FetchedPage, FetchError>;
}
