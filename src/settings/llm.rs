//! Section `llm`: the providers, their limits and retries.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::ModelName;
use serde::{Deserialize, Deserializer, de};
use url::Url;

use super::backoff::check_delays;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    pub provider: String,
    /// This key, `base_url` and `temperature` are copied to the default model's family.
    pub api_key: Option<Secret>,
    pub base_url: Option<Url>,
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    pub allowed_providers: Vec<String>,
    pub fallback: Option<String>,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub max_response_bytes: NonZeroUsize,
    pub max_output_tokens: NonZeroUsize,
    pub repair_attempts: u32,
    pub max_tokens_per_job: u64,
    pub chunk_overlap_tokens: usize,
    pub concurrent_chunks: NonZeroUsize,
    pub cache: ResponseCache,
    pub retry: ProviderRetry,
    pub families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseCache {
    pub max_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub ttl: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRetry {
    pub tries: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_inline_wait: Duration,
    #[serde(with = "humantime_serde")]
    pub requeue_delay: Duration,
    pub failures_before_cooldown: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub cooldown: Duration,
}

/// A provider: one endpoint and its models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    #[serde(deserialize_with = "address")]
    pub base_url: Url,
    pub protocol: Protocol,
    pub api_key: Option<Secret>,
    pub api_key_env: Option<String>,
    pub needs_key: bool,
    pub models: Vec<String>,
    pub context_tokens: NonZeroUsize,
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    pub requests_per_minute: u32,
    pub tokens_per_minute: u32,
    pub concurrency: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

impl Llm {
    pub fn check(&self) -> Result<(), String> {
        if self.timeout.is_zero() {
            return Err("llm.timeout must be longer than 0s".to_owned());
        }
        check_delays("llm.retry", self.retry.initial_delay, self.retry.max_delay)?;
        if let Some(fallback) = self.fallback.as_deref().filter(|name| !self.has_model(name)) {
            return Err(format!("llm.fallback (`{fallback}`) must be family/model, with a family of llm.families"));
        }
        let is_unknown = |entry: &&String| !self.has_family(entry) && !self.has_model(entry);
        if let Some(entry) = self.allowed_providers.iter().find(is_unknown) {
            return Err(format!(
                "llm.allowed_providers contains `{entry}`; expected a family of llm.families, or family/model"
            ));
        }
        Ok(())
    }

    /// A default model without a family. Not an error, because a server for crawl jobs needs no model.
    pub fn notice(&self) -> Option<String> {
        (!self.has_model(&self.provider)).then(|| {
            "llm.provider: not a model of a family in llm.families; LLM jobs without a provider fail".to_owned()
        })
    }

    /// The longest time without progress of a job whose provider is healthy: a retry delay, a permit, a rate limit, and
    /// the request.
    pub fn max_silence(&self) -> Duration {
        self.timeout.saturating_add(self.retry.max_inline_wait.saturating_mul(3))
    }

    fn has_model(&self, name: &str) -> bool {
        ModelName::parse(name).is_some_and(|name| self.has_family(&name.family))
    }

    fn has_family(&self, name: &str) -> bool {
        self.families.contains_key(&name.to_ascii_lowercase())
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.ok_or_else(|| de::Error::custom("required: the http(s) URL of the provider's API"))?;
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| de::Error::custom("expected an http(s) URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(de::Error::custom("must not contain a user name or password; set api_key instead"));
    }
    Ok(url)
}

/// A number, or its text from an environment variable.
fn temperature<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => return Ok(None),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let valid = number.filter(|number| (0.0..=2.0).contains(number));
    valid.map(Some).ok_or_else(|| de::Error::custom("expected a number from 0.0 to 2.0"))
}
