//! Errors of language models.

use std::time::Duration;

use crate::domain::extraction::ExtractionError;

/// Tokens that a response used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// A request to a model without a usable response. The texts are sentences for users; `model` is `family/model`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("Unknown LLM provider `{family}`")]
    UnknownProvider { family: String },
    #[error("LLM provider not allowed: `{family}` is not in llm.allowed_providers")]
    NotAllowed { family: String },
    #[error("LLM provider `{family}` has no API key: set {variable}")]
    NoKey { family: String, variable: String },
    #[error("LLM model {model} is not in the list of models configured for its provider")]
    ModelNotListed { model: String },
    #[error("`{given}` is not a model name: use family/model, for example openai/gpt-4o-mini")]
    InvalidName { given: String },
    #[error("{model} rejected the API key (HTTP 401)")]
    Unauthorized { model: String },
    #[error("{model} does not allow this request with this API key (HTTP 403)")]
    Forbidden { model: String },
    #[error("The provider does not have the model {model} (HTTP 404)")]
    ModelNotFound { model: String },
    #[error("{model} limits the rate of requests (HTTP 429)")]
    RateLimited { model: String, retry_after: Option<Duration> },
    #[error("The account's quota for {model} is used up")]
    Quota { model: String },
    #[error("{model} is overloaded or unavailable (HTTP {status})")]
    Overloaded { model: String, status: u16, retry_after: Option<Duration> },
    #[error("{model} did not respond within {limit}")]
    Timeout { model: String, limit: String },
    #[error("{model} cannot be reached: {reason}")]
    Unreachable { model: String, reason: String },
    #[error("The request is longer than the context of {model}")]
    ContextTooLong { model: String },
    #[error("{model} refused to answer: {message}")]
    Refused { model: String, message: String, used: TokenCount },
    #[error("The content filter of {model} blocked the response")]
    Filtered { model: String, used: TokenCount },
    #[error("The response of {model} was cut off at its token limit")]
    Truncated { model: String, used: TokenCount },
    #[error("The response of {model} is empty")]
    Empty { model: String, used: TokenCount },
    #[error("{model} rejected the request (HTTP {status}): {message}")]
    BadRequest { model: String, status: u16, message: String },
    #[error("The response of {model} is invalid: {reason}")]
    InvalidResponse { model: String, reason: String },
    /// The wait for the operator's own rate limit or permits is longer than a worker waits. No request was sent.
    #[error("The configured rate limit for {model} is used up")]
    LocalRateLimit { model: String, retry_after: Duration },
    /// The circuit breaker is open because of an earlier error, whose kind and text these are. No request was sent.
    #[error("{reason}")]
    Cooldown { retry_after: Duration, kind: &'static str, reason: String },
}

impl ModelError {
    /// Whether the same request can succeed later.
    pub fn is_transient(&self) -> bool {
        self.is_unavailable() || matches!(self, Self::InvalidResponse { .. } | Self::Empty { .. })
    }

    /// Whether the model is unavailable for all requests. Such an error counts for the circuit breaker, and the job waits in
    /// the queue.
    pub fn is_unavailable(&self) -> bool {
        let of_provider = matches!(
            self,
            Self::RateLimited { .. } | Self::Overloaded { .. } | Self::Timeout { .. } | Self::Unreachable { .. }
        );
        of_provider || self.is_local()
    }

    /// Whether no request was sent, because of the operator's rate limit or the circuit breaker.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::LocalRateLimit { .. } | Self::Cooldown { .. })
    }

    /// Whether the fallback model can succeed with the same request.
    pub fn allows_fallback(&self) -> bool {
        let of_account = matches!(
            self,
            Self::NoKey { .. }
                | Self::Unauthorized { .. }
                | Self::Forbidden { .. }
                | Self::ModelNotFound { .. }
                | Self::Quota { .. }
        );
        of_account || self.is_transient()
    }

    /// The tokens used, if the model responded.
    pub fn used(&self) -> Option<TokenCount> {
        match self {
            Self::Refused { used, .. }
            | Self::Filtered { used, .. }
            | Self::Truncated { used, .. }
            | Self::Empty { used, .. } => Some(*used).filter(|used| *used != TokenCount::default()),
            _ => None,
        }
    }

    /// The minimum delay before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Overloaded { retry_after, .. } => *retry_after,
            Self::Cooldown { retry_after, .. } | Self::LocalRateLimit { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The `error_type` of a job that fails with this error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownProvider { .. } => "unknown_provider",
            Self::NotAllowed { .. } => "provider_not_allowed",
            Self::NoKey { .. } => "missing_key",
            Self::ModelNotListed { .. } => "model_not_listed",
            Self::InvalidName { .. } => "not_a_model_name",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::RateLimited { .. } | Self::LocalRateLimit { .. } => "rate_limited",
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
            Self::InvalidResponse { .. } => "bad_answer",
            Self::Cooldown { kind, .. } => kind,
        }
    }
}

impl From<ModelError> for ExtractionError {
    fn from(error: ModelError) -> Self {
        let (kind, reason) = (error.kind(), error.to_string());
        if is_unusable_model(kind) { Self::ProviderUnusable { kind, reason } } else { Self::Failed { kind, reason } }
    }
}

/// Whether a failure with this `error_type` concerns the choice of the model, so no page was fetched and no request sent.
pub fn is_unusable_model(kind: &str) -> bool {
    matches!(
        kind,
        "unknown_provider" | "provider_not_allowed" | "missing_key" | "model_not_listed" | "not_a_model_name"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unusable_models_are_reported_as_provider_unusable() {
        let name = || "x".to_owned();
        let unusable = [
            ModelError::UnknownProvider { family: name() },
            ModelError::NotAllowed { family: name() },
            ModelError::NoKey { family: name(), variable: name() },
            ModelError::ModelNotListed { model: name() },
            ModelError::InvalidName { given: name() },
        ];
        for error in unusable {
            assert!(matches!(error.into(), ExtractionError::ProviderUnusable { .. }));
        }
        let failures = [
            ModelError::Unauthorized { model: name() },
            ModelError::Timeout { model: name(), limit: name() },
            ModelError::Unreachable { model: name(), reason: name() },
        ];
        for error in failures {
            assert!(matches!(error.into(), ExtractionError::Failed { .. }));
        }
    }
}
