//! Settings of the models: addresses, protocols, API keys and limits.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use url::Url;

use super::protocol::Protocol;

/// Operator settings; none of them can be set by a request.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// `family/model` of jobs that set none.
    pub provider: String,
    /// Families, or models as `family/model`, that jobs can use; `None`: all that are configured. `provider` and `fallback`
    /// are always allowed.
    pub allowed_providers: Option<Vec<String>>,
    /// `family/model` to use if the job's model is unavailable.
    pub fallback: Option<String>,
    /// For one request including its complete response.
    pub timeout: Duration,
    pub max_response_bytes: usize,
    /// At most a sixth of the model's context.
    pub max_output_tokens: usize,
    /// The longest wait for a permit or for the configured rate.
    pub max_inline_wait: Duration,
    /// Consecutive failures of a model after which its circuit breaker opens.
    pub failures_before_cooldown: u32,
    /// How long the circuit breaker stays open; doubled each time, up to sixteen times as long.
    pub cooldown: Duration,
    pub families: Vec<FamilySettings>,
}

/// The models of one provider.
#[derive(Clone, Debug)]
pub struct FamilySettings {
    /// The part before the `/` of a model's name; in lower case.
    pub name: String,
    pub protocol: Protocol,
    pub base_url: Url,
    pub key: Option<Secret>,
    /// The environment variable that the error about a missing key names.
    pub key_variable: String,
    pub needs_key: bool,
    /// The allowed models; `None`: any.
    pub models: Option<Vec<String>>,
    pub context_tokens: usize,
    pub temperature: Option<f64>,
    pub limits: ModelLimits,
}

/// Limits on the requests to one model, for all workers of the process together.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelLimits {
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    pub concurrency: Option<NonZeroUsize>,
}

impl Default for ModelSettings {
    /// Without any family.
    fn default() -> Self {
        Self {
            provider: "openai/gpt-4o-mini".to_owned(),
            allowed_providers: None,
            fallback: None,
            timeout: Duration::from_secs(120),
            max_response_bytes: 8 * 1024 * 1024,
            max_output_tokens: 4096,
            max_inline_wait: Duration::from_secs(10),
            failures_before_cooldown: 5,
            cooldown: Duration::from_secs(30),
            families: Vec::new(),
        }
    }
}

impl FamilySettings {
    /// An endpoint with OpenAI's protocol that needs no API key.
    pub fn compatible(name: &str, base_url: Url) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            protocol: Protocol::OpenAi,
            base_url,
            key: None,
            key_variable: format!("{}_API_KEY", name.to_ascii_uppercase().replace('-', "_")),
            needs_key: false,
            models: None,
            context_tokens: 8192,
            temperature: None,
            limits: ModelLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_masks_api_keys() {
        let base_url = "http://10.0.0.7:8000/v1".parse().expect("a URL");
        let family = FamilySettings { key: Some(Secret::new("hidden")), ..FamilySettings::compatible("a", base_url) };
        assert!(!format!("{family:?}").contains("hidden"));
    }
}
