//! What a fetched page says.

use std::sync::Arc;

use async_trait::async_trait;

use super::page_fetcher::FetchedPage;
use crate::domain::crawl::{Effort, PageRecord};
use crate::domain::crawl_options::CrawlOptions;

/// Decodes, parses and writes out pages, away from the threads that serve messages. It ends in bounded time: a page that
/// cannot be read in it becomes a failed record with a reason.
#[async_trait]
pub trait PageReader: Send + Sync + 'static {
    async fn read(
        &self,
        index: u32,
        url: &str,
        page: FetchedPage,
        options: Arc<CrawlOptions>,
        effort: Effort,
    ) -> PageRecord;
}
