//! Which models can be asked: where they are, how they are spoken to, keys and bounds.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use url::Url;

/// The operator's choices. Nothing of it ever comes from a request.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// `family/model` for jobs that name none.
    pub provider: String,
    /// Families, or models as `family/model`, that jobs may name; `None`: all that are known. The operator's own choices,
    /// `provider` and `fallback`, need not be among them.
    pub allowed_providers: Option<Vec<String>>,
    /// `family/model` to ask where the job's own cannot be.
    pub fallback: Option<String>,
    /// One request, from its first byte to the last of its answer.
    pub timeout: Duration,
    /// Bytes of an answer at most.
    pub max_answer_bytes: usize,
    /// Tokens of an answer; where a model's context is small, a sixth of it at most.
    pub answer_tokens: usize,
    /// A turn that is further away than this is not waited for.
    pub patience: Duration,
    /// After so many failures one after the other a model is given a pause, …
    pub failures_before_pause: u32,
    /// … of this length, doubled each time up to sixteenfold.
    pub pause: Duration,
    pub families: Vec<FamilySettings>,
}

/// Where a family's models are, and what may be asked of them.
#[derive(Clone, Debug)]
pub struct FamilySettings {
    /// As it stands before the `/`; lower case.
    pub name: String,
    pub wire: Wire,
    pub base_url: Url,
    pub key: Option<Secret>,
    /// Named when there is no key.
    pub key_variable: String,
    pub needs_key: bool,
    /// `None`: any.
    pub models: Option<Vec<String>>,
    pub context_tokens: usize,
    pub temperature: Option<f64>,
    pub limits: RateLimits,
}

/// What one model of a family is asked at most, over all workers of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimits {
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    pub concurrency: Option<NonZeroUsize>,
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// `POST …/chat/completions`; also vLLM, llama.cpp, LM Studio and most others.
    OpenAi,
    /// `POST …/v1/messages`.
    Anthropic,
    /// `POST …/models/<model>:generateContent`.
    Gemini,
    /// `POST …/api/chat`.
    Ollama,
}

impl Default for ModelSettings {
    /// No family is known.
    fn default() -> Self {
        Self {
            provider: "openai/gpt-4o-mini".to_owned(),
            allowed_providers: None,
            fallback: None,
            timeout: Duration::from_secs(120),
            max_answer_bytes: 8 * 1024 * 1024,
            answer_tokens: 4096,
            patience: Duration::from_secs(10),
            failures_before_pause: 5,
            pause: Duration::from_secs(30),
            families: Vec::new(),
        }
    }
}

impl FamilySettings {
    /// An endpoint that speaks as OpenAI's does and may ask for no key.
    pub fn compatible(name: &str, base_url: Url) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            wire: Wire::OpenAi,
            base_url,
            key: None,
            key_variable: format!("{}_API_KEY", name.to_ascii_uppercase().replace('-', "_")),
            needs_key: false,
            models: None,
            context_tokens: 8192,
            temperature: None,
            limits: RateLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let base_url = "http://10.0.0.7:8000/v1".parse().expect("an address");
        let family = FamilySettings { key: Some(Secret::new("hidden")), ..FamilySettings::compatible("a", base_url) };
        assert!(!format!("{family:?}").contains("hidden"));
    }
}
