//! What models do with the pages of a crawl, with the implementation of LLM jobs: they select the main content and extract.

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
use crate::domain::crawl_options::CrawlOptions;
use crate::domain::extraction::input::model_input;
use crate::domain::extraction::{ExtractionError, ExtractionSpec};
use crate::domain::job::Job;
use crate::domain::lease::Lease;
use crate::domain::page_extraction::{PageExtraction, PageFilter};
use crate::domain::queue_key::QueueKey;
use crate::domain::usage::Usage;
use crate::ports::StoreError;
use crate::retry_store::retry_transient;
use crate::worker::Outcome;

/// The uses of models by one attempt at a crawl. They share the job's token budget.
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

    /// The record with the main content and the data that models find, or failed with the reason. A failed page, or one that
    /// no model reads, stays as it is.
    ///
    /// # Errors
    /// The outcome of an attempt that cannot record the page now.
    pub async fn process(&self, record: PageRecord, url: &str, options: &CrawlOptions) -> Result<PageRecord, Outcome> {
        if !record.success || !options.uses_models() {
            return Ok(record);
        }
        let started = Instant::now();
        let parsed = run_blocking(move || (serde_json::from_slice::<Value>(&record.json), record));
        let (mut page, record) = match parsed.await.map_err(interruption)? {
            (Ok(page), record) => (page, record),
            (Err(error), _) => return Err(Outcome::Crashed { reason: format!("a page is not JSON: {error}") }),
        };
        let mut usage = Usage::default();
        let result = self.apply(record.index, url, options, &mut page, &mut usage).await?;
        usage.duration_s = started.elapsed().as_secs_f64();
        run_blocking(move || finished_record(record.index, page, result, &usage)).await.map_err(interruption)
    }

    /// Changes `page` to what the models found. The inner error is the reason why the page fails.
    async fn apply(
        &self,
        index: u32,
        url: &str,
        options: &CrawlOptions,
        page: &mut Value,
        usage: &mut Usage,
    ) -> Result<Result<(), ExtractionError>, Outcome> {
        if let Some(filter) = &options.model_filter {
            match self.select(index, url, filter, page, usage).await? {
                Ok(content) => set_main_content(page, content.value),
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some(extraction) = &options.model_extraction {
            match self.extract(index, url, extraction, page, usage).await? {
                Ok(content) => {
                    page["extracted_content"] = Value::from(extraction.items(content.value)).to_string().into();
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    /// Stores when the wait for the provider began, unless no page was finished since an earlier deferral.
    pub async fn defer(&self, pages_done: u32) -> Result<(), StoreError> {
        let since = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, since) = (deferral_name(pages_done), serde_json::to_vec(&since).unwrap_or_default());
        let store = &self.extractor.session.store;
        retry_transient(|| store.checkpoint(&self.lease, &name, since.clone().into())).await
    }

    async fn select(
        &self,
        index: u32,
        url: &str,
        filter: &PageFilter,
        page: &Value,
        usage: &mut Usage,
    ) -> Result<Result<Content, ExtractionError>, Outcome> {
        let session = match self.session(index, filter.provider.as_deref(), filter.temperature) {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        let markdown = page["markdown"]["raw_markdown"].as_str().unwrap_or_default().to_owned();
        let input = model_input(title_of(page), markdown, String::new());
        let content = self.extractor.select_content(&session, url, filter, input).await;
        usage.add_page(session.usage());
        self.finished(content)
    }

    async fn extract(
        &self,
        index: u32,
        url: &str,
        extraction: &PageExtraction,
        page: &Value,
        usage: &mut Usage,
    ) -> Result<Result<Content, ExtractionError>, Outcome> {
        let session = match self.session(index, extraction.provider.as_deref(), extraction.temperature) {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        let input = async { Ok(text_of(page)) };
        let content = self.extractor.extract(&session, &ExtractionSpec::of_page(url, extraction), input).await;
        usage.add_page(session.usage());
        self.finished(content)
    }

    fn session(
        &self,
        index: u32,
        provider: Option<&str>,
        temperature: Option<f64>,
    ) -> Result<ModelSession<'_>, ExtractionError> {
        let model = self.extractor.session.model.resolve(provider)?;
        let started_at = *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        let job = SessionJob { lease: &self.lease, page: Some(index), temperature, started_at, queue: &self.queue };
        Ok(ModelSession::new(&self.extractor.session, job, model, self.history.clone()))
    }

    /// The content; the reason why the page fails; or, as the outer error, why the attempt ends.
    fn finished(&self, content: Result<Content, AttemptError>) -> Result<Result<Content, ExtractionError>, Outcome> {
        match content {
            Ok(content) => {
                *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = self.extractor.session.clock.now();
                Ok(Ok(content))
            }
            Err(AttemptError::Failed(error) | AttemptError::ContextTooLong(error)) => Ok(Err(error)),
            Err(other) => Err(interruption(other)),
        }
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

fn title_of(page: &Value) -> &str {
    page["metadata"]["title"].as_str().unwrap_or_default()
}

fn text_of(page: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let markdown = &page["markdown"];
    model_input(title_of(page), text(&markdown["raw_markdown"]), text(&markdown["fit_markdown"]))
}

/// Replaces what another filter of the server found.
fn set_main_content(page: &mut Value, markdown: Value) {
    page["fit_html"] = Value::Null;
    page["markdown"]["fit_html"] = "".into();
    page["markdown"]["fit_markdown"] = markdown;
}

/// The page's record with its usage, and with the reason why it fails.
fn finished_record(index: u32, mut page: Value, result: Result<(), ExtractionError>, usage: &Usage) -> PageRecord {
    let error = result.err().map(|error| error.to_string()).unwrap_or_default();
    if !error.is_empty() {
        (page["success"], page["error_message"]) = (false.into(), error.clone().into());
    }
    page["usage"] = serde_json::to_value(usage).unwrap_or_default();
    let json = serde_json::to_vec(&page).unwrap_or_default().into();
    PageRecord { index, success: error.is_empty(), error, json }
}
