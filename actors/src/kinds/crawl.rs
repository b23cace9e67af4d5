//! Crawl jobs: one record per URL.

use std::sync::Arc;

use bytes::Bytes;

use super::registration::{HandlerContext, Registration};
use crate::crawl_worker::Crawler;
use crate::domain::crawl::{CrawlSpec, PageRecord};
use crate::domain::kind::{JobKind, KindDescriptor, ResultForm};
use crate::domain::task::TaskSpec;
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
    let HandlerContext { dependencies, policy, page_listener, .. } = context;
    let (store, pages) = (Arc::clone(&dependencies.store) as Arc<dyn JobStore>, context.page_source());
    Arc::new(Crawler { store, pages, policy: policy.crawl, listener: page_listener.clone() })
}
