//! Language models.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model_error::ModelError;
use crate::domain::queue_key::QueueKey;

/// A model and its provider family: `openai/gpt-4o-mini`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelName {
    /// In lower case.
    pub family: String,
    pub model: String,
}

impl ModelName {
    /// `None` if `raw` does not have the form `family/model`.
    pub fn parse(raw: &str) -> Option<Self> {
        let (family, model) = raw.split_once('/')?;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_valid = !family.is_empty() && family.chars().all(is_allowed) && !model.trim().is_empty();
        is_valid.then(|| Self { family: family.to_ascii_lowercase(), model: model.to_owned() })
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.family, self.model)
    }
}

/// A model that requests can be sent to: its family is known and allowed, and its API key is set.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedModel {
    pub name: ModelName,
    /// Maximum tokens of request and response together.
    pub context_tokens: usize,
    pub max_output_tokens: usize,
    /// The operator's default, for jobs that set none.
    pub temperature: Option<f64>,
    /// The model to use if this one is unavailable.
    pub fallback: Option<ModelName>,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub text: String,
}

/// A request to a model, without tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    pub model: ModelName,
    /// The system prompt.
    pub system: String,
    /// Begins and ends with a message of the user.
    pub messages: Vec<Message>,
    /// The JSON Schema of the response, for providers that support structured output.
    pub schema: Option<Arc<Value>>,
    pub temperature: Option<f64>,
    pub max_output_tokens: usize,
    /// The queue whose share of the model's permits this request uses.
    pub queue: QueueKey,
}

/// A complete response of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelResponse {
    pub text: String,
    /// As the provider reported it.
    pub model: String,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// The models that the operator configured. Addresses and API keys come from the settings only.
#[async_trait]
pub trait LanguageModel: Send + Sync + 'static {
    /// Finds the model `name` (`None`: the operator's default).
    ///
    /// # Errors
    /// The model is not configured, not allowed, or has no API key.
    fn resolve(&self, name: Option<&str>) -> Result<ResolvedModel, ModelError>;

    /// Sends one request, without retries, within the configured timeout. Waits for a permit and for the configured rate up
    /// to the operator's limit; a longer wait is [`ModelError::LocalRateLimit`], an open circuit breaker
    /// [`ModelError::Cooldown`].
    async fn complete(&self, request: ModelRequest) -> Result<ModelResponse, ModelError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_name_consists_of_family_and_model() {
        let name = ModelName::parse("OpenRouter/meta-llama/llama-3-8b:free").expect("a valid name");
        assert_eq!((name.family.as_str(), name.model.as_str()), ("openrouter", "meta-llama/llama-3-8b:free"));
        for raw in ["", "gpt-4o", "/gpt", "openai/", "open ai/x", "http://evil/x"] {
            assert_eq!(ModelName::parse(raw), None, "{raw}");
        }
    }
}
