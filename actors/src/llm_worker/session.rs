//! One job's questions: each asked once however often the job begins anew, within its account, with a second provider
//! where there is one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::extract::Extractor;
use crate::domain::extraction::{ExtractionError, Usage};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::heartbeat;
use crate::ports::{ModelAnswer, ModelError, ModelPlan, Question, Role, StoreError, Turn};
use crate::retry_store::retry_transient;

/// Why there is no answer to go on with.
#[derive(Debug)]
pub enum Stop {
    LeaseLost,
    Crashed(String),
    /// Not now; the job should not come again before this has passed.
    Deferred {
        wait: Duration,
        reason: String,
    },
    /// The model's context is smaller than it was thought to be.
    TooLong(ExtractionError),
    Failed(ExtractionError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            other => Self::Crashed(other.to_string()),
        }
    }
}

impl From<ExtractionError> for Stop {
    fn from(error: ExtractionError) -> Self {
        Self::Failed(error)
    }
}

/// What a question is about, apart from the model.
pub struct Asked {
    /// For a person who looks into the store.
    pub name: String,
    pub system: Arc<str>,
    pub turns: Vec<Turn>,
    pub schema: Option<Arc<Value>>,
    /// An earlier answer did not do.
    pub is_repair: bool,
}

impl Asked {
    /// The same for the same question in every attempt, and for no other.
    fn step(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.system.hash(&mut hasher);
        for turn in &self.turns {
            (turn.role == Role::User, &turn.text).hash(&mut hasher);
        }
        format!("{} {:016x}", self.name, hasher.finish())
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    family: String,
    is_repair: bool,
    answer: ModelAnswer,
}

impl Kept {
    fn count_in(&self, usage: &mut Usage) {
        usage.count(self.answer.prompt_tokens, self.answer.completion_tokens);
        usage.repairs += u32::from(self.is_repair);
        usage.provider = Some(self.family.clone());
        usage.model = Some(self.answer.model.clone());
    }
}

/// The name under which a page's text is written down.
pub const PAGE: &str = "page";

/// What the answers that were written down have used up.
pub fn usage_of(written_down: &[(String, Bytes)]) -> Usage {
    let mut usage = Usage::default();
    for (_, value) in written_down.iter().filter(|(name, _)| name != PAGE) {
        if let Ok(kept) = serde_json::from_slice::<Kept>(value) {
            kept.count_in(&mut usage);
        }
    }
    usage
}

struct Account {
    plan: ModelPlan,
    usage: Usage,
}

pub struct Asking<'a> {
    extractor: &'a Extractor,
    lease: &'a Lease,
    temperature: Option<f64>,
    since: Timestamp,
    queue: &'a QueueKey,
    known: HashMap<String, Bytes>,
    account: Mutex<Account>,
}

impl<'a> Asking<'a> {
    pub async fn begin(
        extractor: &'a Extractor,
        lease: &'a Lease,
        plan: ModelPlan,
        temperature: Option<f64>,
        since: Timestamp,
        queue: &'a QueueKey,
    ) -> Result<Self, StoreError> {
        let known = retry_transient(|| extractor.crawler.store.checkpoints(&lease.job)).await?;
        let account = Mutex::new(Account { plan, usage: Usage::default() });
        let known = known.into_iter().collect();
        Ok(Self { extractor, lease, temperature, since, queue, known, account })
    }

    /// What the job has used up so far.
    pub fn usage(&self) -> Usage {
        self.account().usage.clone()
    }

    /// The content was there already.
    pub fn found_in_memory(&self) {
        let account = &mut *self.account();
        account.usage.cached = true;
        account.usage.provider = Some(account.plan.name.family.clone());
        account.usage.model = Some(account.plan.name.model.clone());
    }

    /// The model that is asked now.
    pub fn plan(&self) -> ModelPlan {
        self.account().plan.clone()
    }

    /// What an earlier attempt wrote down under this name.
    pub fn known(&self, step: &str) -> Option<&Bytes> {
        self.known.get(step)
    }

    pub async fn write_down(&self, step: &str, value: Bytes) -> Result<(), StoreError> {
        retry_transient(|| self.extractor.crawler.store.checkpoint(self.lease, step, value.clone())).await
    }

    /// The answer, written down as soon as it is here; or the one that an earlier attempt wrote down.
    pub async fn ask(&self, asked: Asked) -> Result<ModelAnswer, Stop> {
        let step = asked.step();
        if let Some(kept) = self.known(&step).and_then(|kept| serde_json::from_slice::<Kept>(kept).ok()) {
            self.book(&kept)?;
            return Ok(kept.answer);
        }
        let (family, answer) = self.by_any(&asked).await?;
        let kept = Kept { family, is_repair: asked.is_repair, answer };
        let bytes = serde_json::to_vec(&kept).map_err(|error| Stop::Crashed(error.to_string()))?;
        self.write_down(&step, bytes.into()).await?;
        self.extractor.metrics.model_answered(&kept.family, kept.answer.prompt_tokens, kept.answer.completion_tokens);
        self.book(&kept)?;
        Ok(kept.answer)
    }

    /// From the job's model, or from its fallback once that one cannot be asked.
    async fn by_any(&self, asked: &Asked) -> Result<(String, ModelAnswer), Stop> {
        loop {
            let plan = self.plan();
            let error = match self.by_one(&plan, asked).await {
                Ok(answer) => return Ok((plan.name.family, answer)),
                Err(error) => error,
            };
            self.extractor.metrics.model_failed(&plan.name.family, error.kind());
            let second = plan.fallback.as_ref().filter(|_| error.is_the_providers());
            let Some(second) = second.and_then(|name| self.extractor.model.plan(Some(&name.to_string())).ok()) else {
                return Err(self.stop(error));
            };
            tracing::warn!(task_id = %self.lease.job, %error, fallback = %second.name, "another model is asked");
            let mut account = self.account();
            if account.plan.name == plan.name {
                account.plan = ModelPlan { fallback: None, ..second };
            }
        }
    }

    async fn by_one(&self, plan: &ModelPlan, asked: &Asked) -> Result<ModelAnswer, ModelError> {
        let policy = &self.extractor.policy;
        let mut attempt = 1;
        loop {
            let question = Question {
                model: plan.name.clone(),
                system: asked.system.to_string(),
                turns: asked.turns.clone(),
                schema: asked.schema.clone(),
                temperature: self.temperature.or(plan.temperature),
                answer_tokens: plan.answer_tokens,
                queue: self.queue.clone(),
            };
            let asked = self.extractor.model.ask(question).await;
            heartbeat::beat();
            let error = match asked {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Some(spent) = error.spent() {
                let family = &plan.name.family;
                self.extractor.metrics.model_spent(family, spent.prompt_tokens, spent.completion_tokens);
                let usage = &mut self.account().usage;
                usage.count(spent.prompt_tokens, spent.completion_tokens);
                (usage.provider, usage.model) = (Some(plan.name.family.clone()), Some(plan.name.model.clone()));
            }
            let wait = policy.backoff.delay_after(attempt, fastrand::f64()).max(error.wait().unwrap_or_default());
            if attempt >= policy.tries || !error.is_transient() || wait > policy.patience {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// A provider in trouble is waited for, in the queue, as long as jobs may wait, a turn by the operator's own rate
    /// as long as it takes; other errors are the end.
    fn stop(&self, error: ModelError) -> Stop {
        if let ModelError::ContextTooLong { .. } = error {
            return Stop::TooLong(error.into());
        }
        let policy = &self.extractor.policy;
        let wait = error.wait().unwrap_or_default().max(policy.rest);
        let waited = self.extractor.clock.now().duration_since(self.since);
        let waited = Duration::try_from(waited).unwrap_or_default();
        let is_queue = matches!(error, ModelError::OverRate { .. });
        if is_queue || error.passes() && waited + wait <= policy.max_wait {
            return Stop::Deferred { wait, reason: error.to_string() };
        }
        Stop::Failed(error.into())
    }

    fn book(&self, kept: &Kept) -> Result<(), Stop> {
        let usage = &mut self.account().usage;
        kept.count_in(usage);
        match self.extractor.policy.max_tokens_per_job {
            Some(most) if usage.total_tokens > most => Err(Stop::Failed(over_budget(most))),
            _ => Ok(()),
        }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn over_budget(most: u64) -> ExtractionError {
    let reason = format!("The job needs more than the {most} tokens that one job may use (llm.max_tokens_per_job)");
    ExtractionError::failed("token_budget", reason)
}
