//! Crawl jobs: one record per URL.

use std::sync::Arc;

use bytes::Bytes;

use super::registration::{HandlerContext, Registration};
use crate::crawl_worker::Crawler;
use crate::domain::crawl::{CrawlSpec, Exchange, PageRecord, PageResult};
use crate::domain::engine::Engine;
use crate::domain::kind::{JobKind, KindDescriptor, ResultForm};
use crate::domain::task::TaskSpec;
use crate::llm_worker::usage_by_page;
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

    fn fix_engine(&mut self, default: Engine) {
        Self::fix_engine(self, default);
    }

    fn requests_engine(&self, engine: Engine) -> bool {
        self.all_options().any(|options| options.fetch.engine == Some(engine))
    }

    /// The records of pages with an extraction have the tokens that the recorded model responses used.
    fn failed_records(&self, indexes: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        let mut used = usage_by_page(checkpoints);
        let mut failed = |index: &u32| {
            let at = usize::try_from(*index).ok()?;
            let mut result = PageResult::failed(self.urls.get(at)?, Exchange::default(), None, reason);
            let is_extracted = self.options_of(at).uses_models();
            result.usage = is_extracted.then(|| used.remove(index).unwrap_or_default());
            Some(PageRecord::new(*index, &result))
        };
        indexes.iter().filter_map(&mut failed).collect()
    }

    /// An interrupted request to a model costs money and is repeated.
    fn is_abortable(&self) -> bool {
        !self.uses_models()
    }
}

fn handler(context: &HandlerContext) -> Arc<dyn JobHandler> {
    let HandlerContext { dependencies, policy, page_listener, .. } = context;
    let (store, pages) = (Arc::clone(&dependencies.store) as Arc<dyn JobStore>, context.page_source());
    let (extractor, listener) = (Arc::clone(&context.extractor), page_listener.clone());
    Arc::new(Crawler { store, pages, extractor, policy: policy.crawl, listener })
}
