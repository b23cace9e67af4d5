//! Parsing of fetched pages.

use async_trait::async_trait;
use opilio_page::Markdown;

use super::page_fetcher::{FetchedPage, PageRequest};
use crate::domain::crawl::{FetchStats, PageRecord};

/// What a model reads of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageText {
    pub title: String,
    pub markdown: Markdown,
}

/// What was read of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageReading<T> {
    pub content: T,
    /// Why the page must be opened in the browser, if it was fetched over HTTP, its job allows it, and there is a browser.
    pub needs_browser: Option<&'static str>,
}

/// Decodes, parses and serializes pages, on other threads than those that serve messages, in bounded time.
#[async_trait]
pub trait PageReader: Send + Sync + 'static {
    /// The record of `page`, which has index `index` in its job. A page that cannot be read has a failed record.
    async fn read(
        &self,
        index: u32,
        request: &PageRequest,
        page: FetchedPage,
        stats: FetchStats,
    ) -> PageReading<PageRecord>;

    /// The text of `page`, or the `error_message` that its record would have.
    async fn read_text(&self, request: &PageRequest, page: FetchedPage) -> PageReading<Result<PageText, String>>;
}
