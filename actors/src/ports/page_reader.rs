//! What a fetched page says.

use async_trait::async_trait;

use super::page_fetcher::{FetchedPage, PageRequest};
use crate::domain::crawl::{Effort, PageRecord};

/// Decodes, parses and writes out pages, away from the threads that serve messages. It ends in bounded time: a page that
/// cannot be read in it becomes a failed record with a reason.
#[async_trait]
pub trait PageReader: Send + Sync + 'static {
    /// The `index`th page of its job, as it came for `request`, which is worth as much `effort`.
    async fn read(&self, index: u32, request: &PageRequest, page: FetchedPage, effort: Effort) -> PageRecord;
}
