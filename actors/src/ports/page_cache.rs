//! Cache of fetched pages.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::page_fetcher::{FetchedPage, PageRequest};

/// A page in the cache.
#[derive(Clone, Debug)]
pub struct CachedPage {
    pub page: FetchedPage,
    /// When the page was fetched or last revalidated.
    pub cached_at: Timestamp,
    /// Time since `cached_at`.
    pub age: Duration,
}

/// Caches pages within the operator's limits; any page can be evicted at any time.
///
/// The key covers everything that is sent: URL, headers, cookies and user agent. A page that needs credentials is therefore
/// found only by requests with the same credentials.
#[async_trait]
pub trait PageCache: Send + Sync + 'static {
    async fn find(&self, request: &PageRequest) -> Option<CachedPage>;

    /// Stores `page` as fetched now and replaces the cached one.
    async fn store(&self, request: &PageRequest, page: &FetchedPage);
}
