//! What the registration of a job kind consists of.

use std::sync::Arc;

use actix::Recipient;
use serde_json::value::RawValue;

use crate::crawl_worker::{CrawlPolicy, PageCrawled};
use crate::dependencies::Dependencies;
use crate::domain::kind::JobKind;
use crate::domain::task::{Task, TaskSpec};
use crate::llm_worker::ModelExtractor;
use crate::metrics::Metrics;
use crate::page_source::PageSource;
use crate::policy::Policy;
use crate::worker::JobHandler;

/// A kind of job.
pub struct Registration {
    pub kind: JobKind,
    /// Parses a stored specification.
    pub parse_task: fn(&RawValue) -> serde_json::Result<Task>,
    /// Creates the handler that the workers of the kind share.
    pub handler: fn(&HandlerContext) -> Arc<dyn JobHandler>,
    /// The number of workers, unless `JobPolicy::workers` sets it.
    pub workers: usize,
}

impl Registration {
    pub const fn of<T: TaskSpec>(handler: fn(&HandlerContext) -> Arc<dyn JobHandler>, workers: usize) -> Self {
        Self { kind: T::KIND, parse_task: Task::parse::<T>, handler, workers }
    }
}

/// What handlers are created from.
pub struct HandlerContext {
    pub dependencies: Dependencies,
    pub policy: Policy,
    pub metrics: Metrics,
    pub page_listener: Recipient<PageCrawled>,
    pub extractor: Arc<ModelExtractor>,
}

impl HandlerContext {
    /// The source of pages with the operator's settings.
    pub fn page_source(&self) -> Arc<PageSource> {
        let Dependencies { fetcher, cache, reader, .. } = self.dependencies.clone();
        let CrawlPolicy { max_retries, backoff, max_result_bytes, .. } = self.policy.crawl;
        Arc::new(PageSource { fetcher, cache, reader, max_retries, backoff, max_result_bytes })
    }
}
