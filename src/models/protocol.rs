//! The request and response formats of providers, as plain values; one file per format.

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod output_mode;
mod request;
mod response;

use opilio_actors::ports::{ModelError, ModelResponse};
use serde_json::Value;

pub use output_mode::OutputMode;
pub use request::{HttpRequest, RequestContext};

/// A provider's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST …/chat/completions`; also vLLM, llama.cpp, LM Studio and most other servers.
    OpenAi,
    /// `POST …/v1/messages`.
    Anthropic,
    /// `POST …/models/<model>:generateContent`.
    Gemini,
    /// `POST …/api/chat`.
    Ollama,
}

impl Protocol {
    /// The strictest mode in which the protocol can request this schema.
    pub fn strictest_mode(self, schema: Option<&Value>) -> OutputMode {
        match schema {
            Some(schema) if self == Self::OpenAi && output_mode::is_strict(schema) => OutputMode::Strict,
            _ => OutputMode::Schema,
        }
    }

    pub fn request(self, context: &RequestContext<'_>) -> Result<HttpRequest, ModelError> {
        match self {
            Self::OpenAi => openai::request(context),
            Self::Anthropic => anthropic::request(context),
            Self::Gemini => gemini::request(context),
            Self::Ollama => ollama::request(context),
        }
    }

    /// Parses the body of a 2xx response.
    pub fn response(self, body: &Value, model: &str) -> Result<ModelResponse, ModelError> {
        match self {
            Self::OpenAi => openai::response(body, model),
            Self::Anthropic => anthropic::response(body, model),
            Self::Gemini => gemini::response(body, model),
            Self::Ollama => ollama::response(body, model),
        }
    }
}
