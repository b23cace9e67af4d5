//! The handler of crawl jobs: fetches, reads and records the pages of one job concurrently.

mod crawl;
mod link_previews;
mod result_budget;

pub use crawl::{CrawlPolicy, Crawler, PageCrawled};
