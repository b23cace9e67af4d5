//! Crawl jobs: one record per URL.

use std::sync::Arc;

use bytes::Bytes;

use super::registration::{HandlerContext, Registration};
use crate::crawl_worker::{CrawlPolicy, Crawler};
use crate::domain::crawl::{CrawlSpec, PageRecord};
use crate::domain::kind::{JobKind, KindDescriptor, ResultForm};
use crate::domain::task::TaskSpec;
use crate::page_source::PageSource;
use crate::ports::JobStore;
use crate::worker::JobHandler;

pub const CRAWL: JobKind = JobKind::new(&KindDescriptor {
    name: "crawl",
    prefix: "crawl",
    timestamped_ids: false,
    result: ResultForm::Pages,
    worker: "crawl_worker",
});

pub const REGISTRATION: Registration = Registration::of::<CrawlSpec>(handler, 8);

impl TaskSpec for CrawlSpec {
    const KIND: JobKind = CRAWL;

    fn urls(&self) -> &[String] {
        &self.urls
    }

    fn failed_records(&self, indexes: &[u32], _: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        let failed = |index: &u32| {
            let url = self.urls.get(usize::try_from(*index).ok()?)?;
            Some(PageRecord::failed(*index, url, reason))
        };
        indexes.iter().filter_map(failed).collect()
    }
}

fn handler(context: &HandlerContext) -> Arc<dyn JobHandler> {
    Arc::new(crawler(context))
}

/// Crawls pages as the operator's settings define.
pub fn crawler(context: &HandlerContext) -> Crawler {
    let HandlerContext { dependencies, policy, page_listener, .. } = context;
    let CrawlPolicy { max_retries, backoff, max_result_bytes, .. } = policy.crawl;
    let pages = PageSource {
        fetcher: Arc::clone(&dependencies.fetcher),
        cache: Arc::clone(&dependencies.cache),
        reader: Arc::clone(&dependencies.reader),
        max_retries,
        backoff,
        max_result_bytes,
    };
    let store: Arc<dyn JobStore> = dependencies.store.clone();
    Crawler { store, pages: Arc::new(pages), policy: policy.crawl, listener: page_listener.clone() }
}
