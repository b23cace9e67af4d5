//! The extraction of one job: fetch and read the page, ask the model about it, check and put together what it says.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opilio_page::Markdown;
use tokio::time::Instant;

use super::chunked::aside;
use super::response_cache::{AnswerCache, Answers, Content, Same};
use super::session::{Asking, PAGE, Stop, over_budget};
use crate::crawl_worker::Crawler;
use crate::domain::crawl_options::{CacheOptions, CrawlOptions};
use crate::domain::extraction::chunk::{MIN_BUDGET, tokens};
use crate::domain::extraction::prompt;
use crate::domain::extraction::shape::{Scope, Shape};
use crate::domain::extraction::{ExtractionError, ExtractionSpec, Usage, record};
use crate::domain::queue_key::QueueKey;
use crate::domain::retry::Backoff;
use crate::metrics::Metrics;
use crate::ports::{Claim, Clock, LanguageModel, ModelError, StoreError};
use crate::retry_store::retry_transient;
use crate::worker::{JobHandler, Outcome};

/// The operator's choices.
#[derive(Clone, Copy, Debug)]
pub struct ExtractionPolicy {
    /// Further questions after an answer that does not conform.
    pub repair_attempts: u32,
    /// Times one question is put to a model that does not answer, before the job waits in the queue.
    pub tries: u32,
    pub backoff: Backoff,
    /// A longer wait is not made by the worker.
    pub patience: Duration,
    /// How long a job stays away at least when its provider is in trouble.
    pub rest: Duration,
    /// From its first attempt, how long a job may wait for a provider in trouble.
    pub max_wait: Duration,
    pub max_tokens_per_job: Option<u64>,
    /// Tokens that a part of a long page repeats of the one before.
    pub overlap_tokens: usize,
    /// Parts of one page asked about side by side.
    pub parts_side_by_side: NonZeroUsize,
    /// Whether the same question over the same page is answered from memory.
    pub answers: Option<AnswerCache>,
}

/// What every LLM worker works with.
pub struct Extractor {
    pub crawler: Arc<Crawler>,
    pub model: Arc<dyn LanguageModel>,
    pub clock: Arc<dyn Clock>,
    pub policy: ExtractionPolicy,
    pub metrics: Metrics,
    answers: Answers,
}

impl Extractor {
    pub fn new(
        crawler: Arc<Crawler>,
        model: Arc<dyn LanguageModel>,
        clock: Arc<dyn Clock>,
        policy: ExtractionPolicy,
        metrics: Metrics,
    ) -> Self {
        Self { crawler, model, clock, policy, metrics, answers: Answers::new(policy.answers) }
    }
}

#[async_trait]
impl JobHandler for Extractor {
    /// Returns when the job's one record is written, or why it cannot be.
    async fn run(&self, claim: Claim) -> Outcome {
        let Claim { lease, job, missing } = claim;
        let queue = job.queue_key();
        let Some(spec) = job.spec.task.get::<ExtractionSpec>() else {
            return Outcome::Crashed { reason: "not an extraction".to_owned() };
        };
        if missing.is_empty() {
            return Outcome::Done;
        }
        let began = Instant::now();
        // Before its first attempt it waited for others, not for its provider.
        let since = job.started_at.unwrap_or(job.created_at);
        let (outcome, mut usage) = match self.model.plan(spec.provider.as_deref()) {
            Err(unusable) => (Err(Stop::Failed(unusable.into())), Usage::default()),
            Ok(plan) => match Asking::begin(self, &lease, plan, spec.temperature, since, &queue).await {
                Err(error) => return ended(error),
                Ok(asking) => (self.extract(&asking, spec, &queue).await, asking.usage()),
            },
        };
        usage.duration_s = began.elapsed().as_secs_f64();
        let (outcome, notes) = match outcome {
            Ok(content) => (Ok(content.value), content.notes),
            Err(Stop::Failed(error) | Stop::TooLong(error)) => (Err(error), vec![]),
            Err(Stop::LeaseLost) => return Outcome::LeaseLost,
            Err(Stop::Crashed(reason)) => return Outcome::Crashed { reason },
            Err(Stop::Deferred { wait, reason }) => return Outcome::Deferred { wait, reason },
        };
        let record = record(outcome.as_ref(), &usage, &notes);
        match retry_transient(|| self.crawler.store.record_pages(&lease, vec![record.clone()])).await {
            Ok(_) => Outcome::Done,
            Err(error) => ended(error),
        }
    }
}

impl Extractor {
    async fn extract(&self, asking: &Asking<'_>, spec: &ExtractionSpec, queue: &QueueKey) -> Result<Content, Stop> {
        let schema = spec.schema.clone();
        let shape = aside(move || schema.as_ref().map(|schema| Shape::new(schema).map(Arc::new)).transpose()).await?;
        // It was checked at submission; a later version may be stricter.
        let shape = shape.map_err(|bad| ExtractionError::failed("bad_schema", format!("schema: {bad}")))?;
        let page: Arc<str> = self.page(asking, spec, queue).await?.into();
        if page.trim().is_empty() {
            return Err(ExtractionError::failed("empty_page", "The page has no text to extract from").into());
        }
        let same = Same {
            page: page.to_string(),
            instruction: spec.instruction.clone(),
            schema: spec.schema.as_ref().map(ToString::to_string),
            model: asking.plan().name.to_string(),
            temperature: spec.temperature.map(f64::to_bits),
        };
        if let Some(content) = self.answers.find(&same) {
            asking.found_in_memory();
            return Ok(content);
        }
        let content = self.ask_about(asking, spec, shape.as_ref(), &page).await?;
        self.answers.keep(same, &content);
        Ok(content)
    }

    async fn ask_about(
        &self,
        asking: &Asking<'_>,
        spec: &ExtractionSpec,
        shape: Option<&Arc<Shape>>,
        page: &Arc<str>,
    ) -> Result<Content, Stop> {
        let mut room = self.room(asking, spec, shape)?;
        if let Some(most) = self.policy.max_tokens_per_job.filter(|most| tokens(page) as u64 / 2 > *most) {
            return Err(over_budget(most).into());
        }
        loop {
            match self.extract_within(asking, spec, shape, page, room).await {
                // Our count of its tokens was too low: smaller parts.
                Err(Stop::TooLong(_)) if room / 2 > MIN_BUDGET && tokens(page) > MIN_BUDGET => {
                    room = room.min(tokens(page)) / 2;
                }
                other => return other,
            }
        }
    }

    /// The page's text, from this attempt or an earlier one.
    async fn page(&self, asking: &Asking<'_>, spec: &ExtractionSpec, queue: &QueueKey) -> Result<String, Stop> {
        if let Some(known) = asking.known(PAGE) {
            return Ok(String::from_utf8_lossy(known).into_owned());
        }
        // What is fetched for one job may be kept for the next, whether this one takes a kept page or not.
        let cache = CacheOptions { read: spec.cache, write: true, revalidate: false };
        let options = CrawlOptions { cache, ..CrawlOptions::default() };
        let markdown = self.crawler.pages.markdown(&spec.url, Arc::new(options), queue).await.map_err(|error| {
            ExtractionError::failed("page_not_fetched", format!("The page was not fetched: {error}"))
        })?;
        let Markdown { raw_markdown, fit_markdown, .. } = markdown;
        let text = if fit_markdown.trim().is_empty() { raw_markdown } else { fit_markdown };
        asking.write_down(PAGE, text.clone().into()).await?;
        Ok(text)
    }

    /// Tokens that are left for the page in one question, next to instruction, schema, answer and a former answer.
    fn room(&self, asking: &Asking<'_>, spec: &ExtractionSpec, shape: Option<&Arc<Shape>>) -> Result<usize, Stop> {
        let plan = asking.plan();
        let fixed = tokens(&prompt::system(shape.map(|shape| &**shape.schema(Scope::Whole))))
            + tokens(&spec.instruction)
            + tokens(&spec.url);
        let room = plan.context_tokens.saturating_sub(fixed + 2 * plan.answer_tokens + 200) * 19 / 20;
        if room < MIN_BUDGET {
            let who = plan.name.to_string();
            return Err(Stop::Failed(ModelError::ContextTooLong { who }.into()));
        }
        Ok(room)
    }
}

fn ended(error: StoreError) -> Outcome {
    match error {
        StoreError::LeaseLost => Outcome::LeaseLost,
        other => Outcome::Crashed { reason: other.to_string() },
    }
}
