//! Extraction from the pages of a crawl with the implementation of LLM jobs.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::blocking::run_blocking;
use super::checkpoint::page_of;
use super::error::AttemptError;
use super::extractor::ModelExtractor;
use super::history::JobHistory;
use super::response_cache::Content;
use super::session::{ModelSession, SessionJob};
use crate::domain::crawl::PageRecord;
use crate::domain::extraction::input::model_input;
use crate::domain::extraction::{ExtractionError, ExtractionSpec};
use crate::domain::job::Job;
use crate::domain::lease::Lease;
use crate::domain::page_extraction::PageExtraction;
use crate::domain::queue_key::QueueKey;
use crate::domain::usage::Usage;
use crate::ports::StoreError;
use crate::retry_store::retry_transient;
use crate::worker::Outcome;

/// The extractions of one attempt at a crawl. They share the job's token budget.
pub struct CrawlExtraction {
    extractor: Arc<ModelExtractor>,
    lease: Lease,
    queue: QueueKey,
    history: JobHistory,
    /// The time from which a page's wait for its provider counts: the last extraction, or the first deferral since.
    waiting_since: Mutex<Timestamp>,
}

impl CrawlExtraction {
    /// Loads what earlier attempts at the pages `missing` requested.
    pub async fn begin(
        extractor: Arc<ModelExtractor>,
        lease: &Lease,
        job: &Job,
        missing: &[u32],
    ) -> Result<Self, StoreError> {
        let deferral = deferral_name(job.progress.done);
        let missing: HashSet<u32> = missing.iter().copied().collect();
        let is_needed = |name: &str| name == deferral || page_of(name).is_some_and(|page| missing.contains(&page));
        let history = JobHistory::load_matching(&*extractor.session.store, &lease.job, is_needed).await?;
        let deferred = history.checkpoint(&deferral).and_then(|time| serde_json::from_slice(time).ok());
        let waiting_since = Mutex::new(deferred.unwrap_or_else(|| extractor.session.clock.now()));
        Ok(Self { extractor, lease: lease.clone(), queue: job.queue_key(), history, waiting_since })
    }

    /// The record with the content that the model extracts, or failed with the reason. A failed page is not extracted.
    ///
    /// # Errors
    /// The outcome of an attempt that cannot record the page now.
    pub async fn extract(
        &self,
        record: PageRecord,
        url: &str,
        extraction: &PageExtraction,
    ) -> Result<PageRecord, Outcome> {
        if !record.success {
            return Ok(record);
        }
        let started = Instant::now();
        let parsed = run_blocking(move || (serde_json::from_slice::<Value>(&record.json), record));
        let (page, record) = match parsed.await.map_err(interruption)? {
            (Ok(page), record) => (page, record),
            (Err(error), _) => return Err(Outcome::Crashed { reason: format!("a page is not JSON: {error}") }),
        };
        let (result, mut usage) = self.attempt(record.index, url, extraction, &page).await;
        usage.duration_s = started.elapsed().as_secs_f64();
        let result = match result {
            Ok(content) => {
                *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = self.extractor.session.clock.now();
                Ok(extraction.items(content.value))
            }
            Err(AttemptError::Failed(error) | AttemptError::ContextTooLong(error)) => Err(error),
            Err(other) => return Err(interruption(other)),
        };
        run_blocking(move || extracted_record(record.index, page, result, &usage)).await.map_err(interruption)
    }

    /// Stores when the wait for the provider began, unless no page was finished since an earlier deferral.
    pub async fn defer(&self, pages_done: u32) -> Result<(), StoreError> {
        let since = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, since) = (deferral_name(pages_done), serde_json::to_vec(&since).unwrap_or_default());
        let store = &self.extractor.session.store;
        retry_transient(|| store.checkpoint(&self.lease, &name, since.clone().into())).await
    }

    async fn attempt(
        &self,
        index: u32,
        url: &str,
        extraction: &PageExtraction,
        page: &Value,
    ) -> (Result<Content, AttemptError>, Usage) {
        let model = match self.extractor.session.model.resolve(extraction.provider.as_deref()) {
            Ok(model) => model,
            Err(error) => return (Err(AttemptError::Failed(error.into())), Usage::default()),
        };
        let started_at = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        let job = SessionJob {
            lease: &self.lease,
            page: Some(index),
            temperature: extraction.temperature,
            started_at,
            queue: &self.queue,
        };
        let session = ModelSession::new(&self.extractor.session, job, model, self.history.clone());
        let input = async { Ok(text_of(page)) };
        (self.extractor.extract(&session, &ExtractionSpec::of_page(url, extraction), input).await, session.usage())
    }
}

/// The checkpoint with the time at which the wait for a provider began, after this number of finished pages.
fn deferral_name(pages_done: u32) -> String {
    format!("deferred after {pages_done}")
}

fn interruption(error: AttemptError) -> Outcome {
    match error {
        AttemptError::LeaseLost => Outcome::LeaseLost,
        AttemptError::Crashed(reason) => Outcome::Crashed { reason },
        AttemptError::Deferred { delay, reason } => Outcome::Deferred { delay, reason },
        AttemptError::Yielded => Outcome::Yielded,
        AttemptError::Failed(error) | AttemptError::ContextTooLong(error) => {
            Outcome::Crashed { reason: error.to_string() }
        }
    }
}

fn text_of(page: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let markdown = &page["markdown"];
    let title = text(&page["metadata"]["title"]);
    model_input(&title, text(&markdown["raw_markdown"]), text(&markdown["fit_markdown"]))
}

/// The page's record with its content, or with the reason why it has none; everything else is unchanged.
fn extracted_record(
    index: u32,
    mut page: Value,
    result: Result<Vec<Value>, ExtractionError>,
    usage: &Usage,
) -> PageRecord {
    let error = match result {
        Ok(items) => {
            page["extracted_content"] = Value::from(items).to_string().into();
            String::new()
        }
        Err(error) => {
            let error = error.to_string();
            (page["success"], page["error_message"]) = (false.into(), error.clone().into());
            error
        }
    };
    page["usage"] = serde_json::to_value(usage).unwrap_or_default();
    let json = serde_json::to_vec(&page).unwrap_or_default().into();
    PageRecord { index, success: error.is_empty(), error, json }
}
