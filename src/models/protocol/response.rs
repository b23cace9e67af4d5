//! Responses of all protocols.

use opilio_actors::ports::{ModelError, ModelResponse, TokenCount};
use serde_json::Value;

use crate::models::provider_error::shortened;

/// What the responses of all protocols contain.
pub struct RawResponse<'a> {
    pub text: String,
    pub model: Option<&'a str>,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub finish: FinishReason,
}

/// Why the model stopped.
pub enum FinishReason {
    Done,
    Length,
    Filter,
    Refusal(String),
}

impl RawResponse<'_> {
    /// The response, or the error that its finish reason means.
    pub fn check(self, model: &str) -> Result<ModelResponse, ModelError> {
        let model = model.to_owned();
        let used = TokenCount { prompt_tokens: self.prompt_tokens, completion_tokens: self.completion_tokens };
        match self.finish {
            FinishReason::Length => Err(ModelError::Truncated { model, used }),
            FinishReason::Filter => Err(ModelError::Filtered { model, used }),
            FinishReason::Refusal(text) => Err(ModelError::Refused { model, message: shortened(&text), used }),
            FinishReason::Done if self.text.trim().is_empty() => Err(ModelError::Empty { model, used }),
            FinishReason::Done => Ok(ModelResponse {
                text: self.text,
                model: self.model.map_or(model, str::to_owned),
                prompt_tokens: self.prompt_tokens,
                completion_tokens: self.completion_tokens,
            }),
        }
    }
}

pub fn invalid(model: &str, reason: &str) -> ModelError {
    ModelError::InvalidResponse { model: model.to_owned(), reason: reason.to_owned() }
}

/// The number at a JSON Pointer, or 0.
pub fn number(body: &Value, pointer: &str) -> u64 {
    body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}
