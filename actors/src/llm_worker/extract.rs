//! The extraction of one LLM job: fetches the page, extracts from it and records the result.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::error::AttemptError;
use super::extractor::ModelExtractor;
use super::history::JobHistory;
use super::response_cache::Content;
use super::session::{ModelSession, SessionJob};
use crate::domain::crawl_options::{CacheOptions, CrawlOptions, FetchOptions};
use crate::domain::extraction::input::model_input;
use crate::domain::extraction::{ExtractionError, ExtractionSpec, record};
use crate::domain::job::Job;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::usage::Usage;
use crate::heartbeat;
use crate::page_source::PageSource;
use crate::ports::{Claim, PageText, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::{JobHandler, Outcome};

/// What all LLM workers share.
pub struct Extractor {
    pub pages: Arc<PageSource>,
    pub extractor: Arc<ModelExtractor>,
}

#[async_trait]
impl JobHandler for Extractor {
    /// Returns when the job's one record is written, or the reason why it cannot be written now.
    async fn run(&self, claim: Claim) -> Outcome {
        let Claim { lease, job, missing } = claim;
        let Some(spec) = job.spec.task.get::<ExtractionSpec>() else {
            return Outcome::Crashed { reason: "not an extraction".to_owned() };
        };
        if missing.is_empty() {
            return Outcome::Done;
        }
        let started = Instant::now();
        let (result, mut usage) = self.attempt(&lease, &job, spec).await;
        usage.duration_s = started.elapsed().as_secs_f64();
        let (result, notes) = match result {
            Ok(content) => (Ok(content.value), content.notes),
            Err(AttemptError::Failed(error) | AttemptError::ContextTooLong(error)) => (Err(error), vec![]),
            Err(AttemptError::LeaseLost) => return Outcome::LeaseLost,
            Err(AttemptError::Crashed(reason)) => return Outcome::Crashed { reason },
            Err(AttemptError::Deferred { delay, reason }) => return Outcome::Deferred { delay, reason },
            Err(AttemptError::Yielded) => return Outcome::Yielded,
        };
        let record = record(result.as_ref(), &usage, &notes);
        match retry_transient(|| self.extractor.session.store.record_pages(&lease, vec![record.clone()])).await {
            Ok(_) => Outcome::Done,
            Err(StoreError::LeaseLost) => Outcome::LeaseLost,
            Err(other) => Outcome::Crashed { reason: other.to_string() },
        }
    }

    fn is_preemptible(&self) -> bool {
        true
    }
}

impl Extractor {
    async fn attempt(&self, lease: &Lease, job: &Job, spec: &ExtractionSpec) -> (Result<Content, AttemptError>, Usage) {
        let context = &self.extractor.session;
        let model = match context.model.resolve(spec.provider.as_deref()) {
            Ok(model) => model,
            Err(error) => return (Err(AttemptError::Failed(error.into())), Usage::default()),
        };
        let history = match JobHistory::load(&*context.store, &lease.job).await {
            Ok(history) => history,
            Err(error) => return (Err(error.into()), Usage::default()),
        };
        let queue = &job.queue_key();
        // Before its first start the job waited for a worker, not for its provider.
        let started_at = job.started_at.unwrap_or(job.created_at);
        let job = SessionJob { lease, page: None, temperature: spec.temperature, started_at, queue };
        let session = ModelSession::new(context, job, model, history);
        (self.extractor.extract(&session, spec, self.page(spec, queue)).await, session.usage())
    }

    async fn page(&self, spec: &ExtractionSpec, queue: &QueueKey) -> Result<String, AttemptError> {
        // The page is stored in the cache for other jobs even if this job does not use cached pages.
        let cache = CacheOptions { read: spec.cache, write: true, revalidate: false };
        let fetch = FetchOptions { engine: spec.engine, ..FetchOptions::default() };
        let options = CrawlOptions { cache, fetch, ..CrawlOptions::default() };
        let page = tokio::select! {
            page = self.pages.text(&spec.url, Arc::new(options), queue) => page,
            () = heartbeat::yield_requested() => return Err(AttemptError::Yielded),
        };
        let page = page.map_err(|error| {
            ExtractionError::failed("page_not_fetched", format!("The page was not fetched: {error}"))
        })?;
        let PageText { title, markdown } = page;
        Ok(model_input(&title, markdown.raw_markdown, markdown.fit_markdown))
    }
}
