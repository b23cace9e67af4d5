//! Pages that were fetched earlier.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::page_fetcher::{FetchedPage, PageRequest};

/// A page, and when it was fetched or last found unchanged.
#[derive(Clone, Debug)]
pub struct CachedPage {
    pub page: FetchedPage,
    pub at: Timestamp,
    /// How long ago that was.
    pub age: Duration,
}

/// Keeps pages for a while, within bounds; any may be gone at any time. A page is found by a request that would have sent
/// the same: address, headers, cookies and user agent. So nobody is given a page that only another's credentials open.
#[async_trait]
pub trait PageCache: Send + Sync + 'static {
    async fn find(&self, request: &PageRequest) -> Option<CachedPage>;

    /// Keeps `page`, as fetched now, in place of what was kept.
    async fn keep(&self, request: &PageRequest, page: &FetchedPage);
}
