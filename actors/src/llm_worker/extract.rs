//! The extraction of one job: fetch and parse the page, send it to the model, validate the response and record the result.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::blocking::run_blocking;
use super::checkpoint::PAGE;
use super::chunked::extract_chunked;
use super::error::AttemptError;
use super::policy::ExtractionPolicy;
use super::response_cache::{CacheKey, Content, ResponseCache};
use super::session::{ModelSession, SessionContext, SessionJob, over_budget};
use crate::domain::crawl_options::{CacheOptions, CrawlOptions};
use crate::domain::extraction::chunk::{MIN_BUDGET, tokens};
use crate::domain::extraction::input::model_input;
use crate::domain::extraction::prompt;
use crate::domain::extraction::schema::{OutputSchema, SchemaScope};
use crate::domain::extraction::{ExtractionError, ExtractionSpec, Usage, record};
use crate::domain::job::Job;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::metrics::Metrics;
use crate::page_source::PageSource;
use crate::ports::{Claim, Clock, JobStore, LanguageModel, ModelError, PageText, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::{JobHandler, Outcome};

/// What all LLM workers share.
pub struct Extractor {
    pages: Arc<PageSource>,
    session: SessionContext,
    cache: ResponseCache,
}

impl Extractor {
    pub fn new(
        store: Arc<dyn JobStore>,
        pages: Arc<PageSource>,
        model: Arc<dyn LanguageModel>,
        clock: Arc<dyn Clock>,
        policy: ExtractionPolicy,
        metrics: Metrics,
    ) -> Self {
        let session = SessionContext { store, model, clock, policy, metrics };
        Self { pages, session, cache: ResponseCache::new(policy.response_cache) }
    }
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
        };
        let record = record(result.as_ref(), &usage, &notes);
        match retry_transient(|| self.session.store.record_pages(&lease, vec![record.clone()])).await {
            Ok(_) => Outcome::Done,
            Err(StoreError::LeaseLost) => Outcome::LeaseLost,
            Err(other) => Outcome::Crashed { reason: other.to_string() },
        }
    }
}

impl Extractor {
    async fn attempt(&self, lease: &Lease, job: &Job, spec: &ExtractionSpec) -> (Result<Content, AttemptError>, Usage) {
        let model = match self.session.model.resolve(spec.provider.as_deref()) {
            Ok(model) => model,
            Err(error) => return (Err(AttemptError::Failed(error.into())), Usage::default()),
        };
        let queue = &job.queue_key();
        // Before its first start the job waited for a worker, not for its provider.
        let started_at = job.started_at.unwrap_or(job.created_at);
        let session = SessionJob { lease, temperature: spec.temperature, started_at, queue };
        match ModelSession::begin(&self.session, session, model).await {
            Ok(session) => (self.extract(&session, spec, queue).await, session.usage()),
            Err(error) => (Err(error.into()), Usage::default()),
        }
    }

    async fn extract(
        &self,
        session: &ModelSession<'_>,
        spec: &ExtractionSpec,
        queue: &QueueKey,
    ) -> Result<Content, AttemptError> {
        let schema = spec.schema.clone();
        let schema = move || schema.as_ref().map(|schema| OutputSchema::new(schema).map(Arc::new)).transpose();
        // The schema was valid at submission; a later version of Opilio can be stricter.
        let schema = run_blocking(schema).await?;
        let schema = schema.map_err(|error| ExtractionError::failed("bad_schema", format!("schema: {error}")))?;
        let page: Arc<str> = self.page(session, spec, queue).await?.into();
        if page.trim().is_empty() {
            return Err(ExtractionError::failed("empty_page", "The page has no text to extract from").into());
        }
        let key = CacheKey {
            page: page.to_string(),
            instruction: spec.instruction.clone(),
            schema: spec.schema.as_ref().map(ToString::to_string),
            model: session.model().name.to_string(),
            temperature: spec.temperature.map(f64::to_bits),
        };
        if let Some(content) = self.cache.get(&key) {
            session.note_cached();
            return Ok(content);
        }
        let content = extract_fitting(session, spec, schema.as_ref(), &page).await?;
        self.cache.insert(key, &content);
        Ok(content)
    }

    /// The page's text: the main content if there is any, else the whole page. A checkpoint of the job.
    async fn page(
        &self,
        session: &ModelSession<'_>,
        spec: &ExtractionSpec,
        queue: &QueueKey,
    ) -> Result<String, AttemptError> {
        if let Some(text) = session.checkpoint(PAGE) {
            return Ok(String::from_utf8_lossy(text).into_owned());
        }
        // The page is stored in the cache for other jobs even if this job does not use cached pages.
        let cache = CacheOptions { read: spec.cache, write: true, revalidate: false };
        let options = CrawlOptions { cache, ..CrawlOptions::default() };
        let page = self.pages.text(&spec.url, Arc::new(options), queue).await.map_err(|error| {
            ExtractionError::failed("page_not_fetched", format!("The page was not fetched: {error}"))
        })?;
        let PageText { title, markdown } = page;
        let text = model_input(&title, markdown.raw_markdown, markdown.fit_markdown);
        session.write_checkpoint(PAGE, text.clone().into()).await?;
        Ok(text)
    }
}

/// Extracts in chunks that fit the model's context, and in smaller ones if the provider finds a request too long.
async fn extract_fitting(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
    page: &Arc<str>,
) -> Result<Content, AttemptError> {
    let mut budget = page_budget(session, spec, schema)?;
    let page_tokens = tokens(page);
    if let Some(max) = session.policy().max_tokens_per_job.filter(|max| page_tokens as u64 / 2 > *max) {
        return Err(over_budget(max).into());
    }
    loop {
        match extract_chunked(session, spec, schema, page, budget).await {
            Err(AttemptError::ContextTooLong(_)) if budget / 2 > MIN_BUDGET && page_tokens > MIN_BUDGET => {
                budget = budget.min(page_tokens) / 2;
            }
            other => return other,
        }
    }
}

/// The tokens of one request that are available for the page, next to instruction, schema, response and an earlier response.
fn page_budget(
    session: &ModelSession<'_>,
    spec: &ExtractionSpec,
    schema: Option<&Arc<OutputSchema>>,
) -> Result<usize, AttemptError> {
    let model = session.model();
    let fixed = tokens(&prompt::system(schema.map(|schema| &**schema.json(SchemaScope::Page))))
        + tokens(&spec.instruction)
        + tokens(&spec.url);
    let budget = model.context_tokens.saturating_sub(fixed + 2 * model.max_output_tokens + 200) * 19 / 20;
    if budget < MIN_BUDGET {
        let model = model.name.to_string();
        return Err(AttemptError::Failed(ModelError::ContextTooLong { model }.into()));
    }
    Ok(budget)
}
