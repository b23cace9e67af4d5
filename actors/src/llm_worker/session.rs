//! The model requests of one page: each is sent once even if the job is retried, within the job's token budget, with a
//! fallback model.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::checkpoint::{Prompt, ResponseCheckpoint, page_prefix};
use super::error::AttemptError;
use super::history::JobHistory;
use super::policy::ExtractionPolicy;
use crate::domain::extraction::ExtractionError;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::domain::usage::Usage;
use crate::heartbeat;
use crate::metrics::Metrics;
use crate::ports::{
    Clock, JobStore, LanguageModel, ModelError, ModelRequest, ModelResponse, ResolvedModel, StoreError,
};
use crate::retry_store::retry_transient;

/// What the sessions of all jobs share.
pub struct SessionContext {
    pub store: Arc<dyn JobStore>,
    pub model: Arc<dyn LanguageModel>,
    pub clock: Arc<dyn Clock>,
    pub policy: ExtractionPolicy,
    pub metrics: Metrics,
}

/// The part of a job that concerns its requests.
pub struct SessionJob<'a> {
    pub lease: &'a Lease,
    /// The index of the page in a crawl; `None`: the job has only one page.
    pub page: Option<u32>,
    pub temperature: Option<f64>,
    /// The job's waiting time for a provider counts from then.
    pub started_at: Timestamp,
    pub queue: &'a QueueKey,
}

struct State {
    model: ResolvedModel,
    usage: Usage,
}

pub struct ModelSession<'a> {
    context: &'a SessionContext,
    job: SessionJob<'a>,
    /// Begins the names of the page's checkpoints.
    prefix: String,
    history: JobHistory,
    state: Mutex<State>,
}

impl<'a> ModelSession<'a> {
    pub fn new(context: &'a SessionContext, job: SessionJob<'a>, model: ResolvedModel, history: JobHistory) -> Self {
        let prefix = job.page.map(page_prefix).unwrap_or_default();
        Self { context, job, prefix, history, state: Mutex::new(State { model, usage: Usage::default() }) }
    }

    pub fn policy(&self) -> &ExtractionPolicy {
        &self.context.policy
    }

    /// The page's usage so far.
    pub fn usage(&self) -> Usage {
        self.state().usage.clone()
    }

    /// Notes that the content came from the response cache.
    pub fn note_cached(&self) {
        let state = &mut *self.state();
        state.usage.cached = true;
        state.usage.provider = Some(state.model.name.family.clone());
        state.usage.model = Some(state.model.name.model.clone());
    }

    /// The model in use: the job's own, or its fallback.
    pub fn model(&self) -> ResolvedModel {
        self.state().model.clone()
    }

    /// A checkpoint of an earlier attempt.
    pub fn checkpoint(&self, name: &str) -> Option<&Bytes> {
        self.history.checkpoint(&format!("{}{name}", self.prefix))
    }

    pub async fn write_checkpoint(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        let name = format!("{}{name}", self.prefix);
        retry_transient(|| self.context.store.checkpoint(self.job.lease, &name, value.clone())).await
    }

    /// The response to `prompt`: from the checkpoint of an earlier attempt, or requested now and stored as a checkpoint.
    pub async fn respond(&self, prompt: Prompt) -> Result<ModelResponse, AttemptError> {
        let name = prompt.checkpoint_name();
        if let Some(checkpoint) = self.checkpoint(&name).and_then(|stored| ResponseCheckpoint::parse(stored)) {
            checkpoint.add_to(&mut self.state().usage);
            self.check_budget(0)?;
            return Ok(checkpoint.response);
        }
        self.check_budget(0)?;
        let (family, response) = self.request_with_fallback(&prompt).await?;
        let checkpoint = ResponseCheckpoint { family, is_repair: prompt.is_repair, response };
        let stored = serde_json::to_vec(&checkpoint).map_err(|error| AttemptError::Crashed(error.to_string()))?;
        self.write_checkpoint(&name, stored.into()).await?;
        let ModelResponse { prompt_tokens, completion_tokens, .. } = checkpoint.response;
        self.context.metrics.model_responded(&checkpoint.family, prompt_tokens, completion_tokens);
        checkpoint.add_to(&mut self.state().usage);
        self.history.count(prompt_tokens + completion_tokens);
        self.check_budget(0)?;
        Ok(checkpoint.response)
    }

    /// The family that responded and its response: the job's model, or the fallback if the model is unavailable.
    async fn request_with_fallback(&self, prompt: &Prompt) -> Result<(String, ModelResponse), AttemptError> {
        loop {
            let model = self.model();
            if heartbeat::is_yield_requested() {
                return Err(AttemptError::Yielded);
            }
            let error = match self.request_with_retries(&model, prompt).await {
                Ok(response) => return Ok((model.name.family, response)),
                Err(error) => error,
            };
            self.context.metrics.model_failed(&model.name.family, error.kind());
            let fallback = model.fallback.as_ref().filter(|_| error.allows_fallback());
            let Some(fallback) = fallback.and_then(|name| self.context.model.resolve(Some(&name.to_string())).ok())
            else {
                return Err(self.attempt_error(error));
            };
            tracing::warn!(task_id = %self.job.lease.job, %error, fallback = %fallback.name, "using the fallback model");
            let mut state = self.state();
            if state.model.name == model.name {
                state.model = ResolvedModel { fallback: None, ..fallback };
            }
        }
    }

    /// Sends the request, and again after a transient error while the delay is short enough for a worker to wait.
    async fn request_with_retries(&self, model: &ResolvedModel, prompt: &Prompt) -> Result<ModelResponse, ModelError> {
        let policy = &self.context.policy;
        let mut attempt = 1;
        loop {
            let response = self.context.model.complete(self.request(model, prompt)).await;
            heartbeat::beat();
            let error = match response {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            self.count_failed(model, &error);
            let delay = policy.backoff.delay_after(attempt, fastrand::f64());
            let delay = delay.max(error.retry_after().unwrap_or_default());
            let is_retried = error.is_transient() && !error.is_local();
            if !is_retried || attempt >= policy.tries || delay > policy.max_inline_wait {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    fn request(&self, model: &ResolvedModel, prompt: &Prompt) -> ModelRequest {
        ModelRequest {
            model: model.name.clone(),
            system: prompt.system.to_string(),
            messages: prompt.messages.clone(),
            schema: prompt.schema.clone(),
            temperature: self.job.temperature.or(model.temperature),
            max_output_tokens: model.max_output_tokens,
            queue: self.job.queue.clone(),
        }
    }

    /// Counts the tokens of a response that cannot be used.
    fn count_failed(&self, model: &ResolvedModel, error: &ModelError) {
        let Some(used) = error.used() else { return };
        self.history.count(used.prompt_tokens + used.completion_tokens);
        let name = &model.name;
        self.context.metrics.model_tokens_used(&name.family, used.prompt_tokens, used.completion_tokens);
        let usage = &mut self.state().usage;
        usage.add(used.prompt_tokens, used.completion_tokens);
        (usage.provider, usage.model) = (Some(name.family.clone()), Some(name.model.clone()));
    }

    /// A job waits in the queue for an unavailable provider up to `max_wait`, and for the operator's own rate limit without
    /// a limit. Every other error fails the job.
    fn attempt_error(&self, error: ModelError) -> AttemptError {
        if let ModelError::ContextTooLong { .. } = error {
            return AttemptError::ContextTooLong(error.into());
        }
        let policy = &self.context.policy;
        let delay = error.retry_after().unwrap_or_default().max(policy.requeue_delay);
        let waited = self.context.clock.now().duration_since(self.job.started_at);
        let waited = Duration::try_from(waited).unwrap_or_default();
        let is_rate_limit = matches!(error, ModelError::LocalRateLimit { .. });
        if is_rate_limit || error.is_unavailable() && waited + delay <= policy.max_wait {
            return AttemptError::Deferred { delay, reason: error.to_string() };
        }
        AttemptError::Failed(error.into())
    }

    /// # Errors
    /// The job exceeds its token budget, or will with `more` tokens.
    pub fn check_budget(&self, more: u64) -> Result<(), AttemptError> {
        match self.context.policy.max_tokens_per_job {
            Some(max) if self.history.tokens().saturating_add(more) > max => {
                let reason = format!("The job exceeds its budget of {max} tokens (llm.max_tokens_per_job)");
                Err(AttemptError::Failed(ExtractionError::failed("token_budget", reason)))
            }
            _ => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
