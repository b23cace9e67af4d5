//! Language models.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::extraction::ExtractionError;
use crate::domain::queue_key::QueueKey;

/// Which model, of whom: `openai/gpt-4o-mini`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelName {
    pub family: String,
    pub model: String,
}

impl ModelName {
    /// `None`: not `family/model`.
    pub fn parse(raw: &str) -> Option<Self> {
        let (family, model) = raw.split_once('/')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let good = !family.is_empty() && family.chars().all(plain) && !model.trim().is_empty();
        good.then(|| Self { family: family.to_ascii_lowercase(), model: model.to_owned() })
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.family, self.model)
    }
}

/// A model that can be asked: its family is known and allowed, its key is there.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPlan {
    pub name: ModelName,
    /// Tokens of question and answer together.
    pub context_tokens: usize,
    /// Tokens of the answer at most.
    pub answer_tokens: usize,
    /// The operator's choice, where the job makes none.
    pub temperature: Option<f64>,
    /// Whom to ask when this one cannot be.
    pub fallback: Option<ModelName>,
}

/// Who says a turn of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Assistant,
}

/// One turn of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub role: Role,
    pub text: String,
}

/// One question. The model has no tools.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub model: ModelName,
    /// What the model is told before the conversation.
    pub system: String,
    /// Begins and ends with a turn of the user.
    pub turns: Vec<Turn>,
    /// The shape of the answer, asked for in the provider's own way where it has one.
    pub schema: Option<Arc<Value>>,
    pub temperature: Option<f64>,
    pub answer_tokens: usize,
    /// Where it waits, if questions have to wait for each other.
    pub queue: QueueKey,
}

/// What the model said, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAnswer {
    pub text: String,
    /// As the provider reported it.
    pub model: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// Tokens that an answer cost which is of no use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// No answer that could be used. A variant for each decision that a caller can take, and for each sentence that a
/// person must read; `who` names provider or model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("LLM provider `{family}` is not known")]
    UnknownProvider { family: String },
    #[error("LLM provider not allowed: `{family}` is not in llm.allowed_providers")]
    NotAllowed { family: String },
    #[error("LLM provider `{family}` has no key: set {variable}")]
    NoKey { family: String, variable: String },
    #[error("LLM model {who} is not among those configured for its provider")]
    ModelNotListed { who: String },
    #[error("`{given}` does not name a model: family/model is needed, such as openai/gpt-4o-mini")]
    NotAName { given: String },
    #[error("{who} refused the key (HTTP 401)")]
    Unauthorized { who: String },
    #[error("{who} does not allow this request with this key (HTTP 403)")]
    Forbidden { who: String },
    #[error("{who} is not known to its provider (HTTP 404)")]
    ModelNotFound { who: String },
    #[error("{who} limits the rate of requests (HTTP 429)")]
    RateLimited { who: String, wait: Option<Duration> },
    #[error("{who}: the account's quota is used up")]
    Quota { who: String },
    #[error("{who} is out of order or overloaded (HTTP {status})")]
    Overloaded { who: String, status: u16, wait: Option<Duration> },
    #[error("{who} did not answer within {after}")]
    Timeout { who: String, after: String },
    #[error("{who} cannot be reached: {reason}")]
    Unreachable { who: String, reason: String },
    #[error("{who} finds the question longer than its context")]
    ContextTooLong { who: String },
    #[error("{who} refused to answer: {words}")]
    Refused { who: String, words: String, spent: Spent },
    #[error("the content filter of {who} stopped the answer")]
    Filtered { who: String, spent: Spent },
    #[error("the answer of {who} was cut off at its limit of tokens")]
    Truncated { who: String, spent: Spent },
    #[error("the answer of {who} is empty")]
    Empty { who: String, spent: Spent },
    #[error("{who} finds the request wrong (HTTP {status}): {words}")]
    BadRequest { who: String, status: u16, words: String },
    #[error("the answer of {who} is not what its interface promises: {reason}")]
    BadAnswer { who: String, reason: String },
    /// The operator's own bound, for longer than a worker should wait. It is no trouble: who waits, gets a turn.
    #[error("the rate configured for {who} is used up")]
    OverRate { who: String, wait: Duration },
    /// It is given a pause.
    #[error("{reason}")]
    Resting { wait: Duration, kind: &'static str, reason: String },
}

impl ModelError {
    /// The same question may be answered a little later.
    pub fn is_transient(&self) -> bool {
        use ModelError::{BadAnswer, Empty, Overloaded, RateLimited, Timeout, Unreachable};
        matches!(
            self,
            RateLimited { .. }
                | Overloaded { .. }
                | Timeout { .. }
                | Unreachable { .. }
                | BadAnswer { .. }
                | Empty { .. }
        )
    }

    /// It is the provider's trouble and will pass: the job may wait for it.
    pub fn passes(&self) -> bool {
        use ModelError::{OverRate, Overloaded, RateLimited, Resting, Timeout, Unreachable};
        let own = matches!(self, OverRate { .. } | Resting { .. });
        own || matches!(self, RateLimited { .. } | Overloaded { .. } | Timeout { .. } | Unreachable { .. })
    }

    /// Whether another provider may do better with the same question.
    pub fn is_the_providers(&self) -> bool {
        use ModelError::{Forbidden, ModelNotFound, NoKey, OverRate, Quota, Resting, Unauthorized};
        let other = matches!(
            self,
            NoKey { .. }
                | Unauthorized { .. }
                | Forbidden { .. }
                | ModelNotFound { .. }
                | Quota { .. }
                | OverRate { .. }
                | Resting { .. }
        );
        other || self.is_transient()
    }

    /// What it cost, where the model did answer.
    pub fn spent(&self) -> Option<Spent> {
        match self {
            Self::Refused { spent, .. }
            | Self::Filtered { spent, .. }
            | Self::Truncated { spent, .. }
            | Self::Empty { spent, .. } => Some(*spent).filter(|spent| *spent != Spent::default()),
            _ => None,
        }
    }

    /// How long the provider asks to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait, .. } | Self::Overloaded { wait, .. } => *wait,
            Self::Resting { wait, .. } | Self::OverRate { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// One word for a program.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownProvider { .. } => "unknown_provider",
            Self::NotAllowed { .. } => "provider_not_allowed",
            Self::NoKey { .. } => "missing_key",
            Self::ModelNotListed { .. } => "model_not_listed",
            Self::NotAName { .. } => "not_a_model_name",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::RateLimited { .. } | Self::OverRate { .. } => "rate_limited",
            Self::Quota { .. } => "quota_exhausted",
            Self::Overloaded { .. } => "overloaded",
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::ContextTooLong { .. } => "context_too_long",
            Self::Refused { .. } => "refused",
            Self::Filtered { .. } => "content_filtered",
            Self::Truncated { .. } => "truncated",
            Self::Empty { .. } => "empty_answer",
            Self::BadRequest { .. } => "bad_request",
            Self::BadAnswer { .. } => "bad_answer",
            Self::Resting { kind, .. } => kind,
        }
    }
}

impl From<ModelError> for ExtractionError {
    fn from(error: ModelError) -> Self {
        let (kind, reason) = (error.kind(), error.to_string());
        if is_not_usable(kind) { Self::ProviderNotUsable { kind, reason } } else { Self::Failed { kind, reason } }
    }
}

/// Whether a failure of this kind is one of the choice of a model, whatever the page: nothing was fetched or asked.
pub fn is_not_usable(kind: &str) -> bool {
    matches!(
        kind,
        "unknown_provider" | "provider_not_allowed" | "missing_key" | "model_not_listed" | "not_a_model_name"
    )
}

/// Every model that the operator made usable. Addresses and keys are its own knowledge.
#[async_trait]
pub trait LanguageModel: Send + Sync + 'static {
    /// The model that `wanted` names (`None`: the operator's choice), if it can be asked.
    fn plan(&self, wanted: Option<&str>) -> Result<ModelPlan, ModelError>;

    /// Asks once, within the time that the operator gives one request. Waits for its turn a little; a turn that is far
    /// away is [`ModelError::Resting`].
    async fn ask(&self, question: Question) -> Result<ModelAnswer, ModelError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_its_family_and_itself() {
        let name = ModelName::parse("OpenRouter/meta-llama/llama-3-8b:free").expect("it is one");
        assert_eq!((name.family.as_str(), name.model.as_str()), ("openrouter", "meta-llama/llama-3-8b:free"));
        for raw in ["", "gpt-4o", "/gpt", "openai/", "open ai/x", "http://evil/x"] {
            assert_eq!(ModelName::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_choice_that_cannot_be_asked_is_told_from_a_failure_by_its_word_alone() {
        let name = || "x".to_owned();
        let choices = [
            ModelError::UnknownProvider { family: name() },
            ModelError::NotAllowed { family: name() },
            ModelError::NoKey { family: name(), variable: name() },
            ModelError::ModelNotListed { who: name() },
            ModelError::NotAName { given: name() },
        ];
        for choice in choices {
            assert!(matches!(choice.into(), ExtractionError::ProviderNotUsable { .. }));
        }
        let failures = [
            ModelError::Unauthorized { who: name() },
            ModelError::Timeout { who: name(), after: name() },
            ModelError::Unreachable { who: name(), reason: name() },
        ];
        for failure in failures {
            assert!(matches!(failure.into(), ExtractionError::Failed { .. }));
        }
    }
}
