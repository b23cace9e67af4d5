//! Section `llm`: whom extractions may ask, at which rates, and how hard they try.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::ModelName;
use serde::{Deserialize, Deserializer, de};
use url::Url;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    pub provider: String,
    /// Of the default model's family, as the two below are: they are taken over into its own keys.
    pub api_key: Option<Secret>,
    pub base_url: Option<Url>,
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    pub allowed_providers: Vec<String>,
    pub fallback: Option<String>,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub max_answer_bytes: NonZeroUsize,
    pub answer_tokens: NonZeroUsize,
    pub repair_attempts: u32,
    pub max_tokens_per_job: u64,
    pub overlap_tokens: usize,
    pub parts_side_by_side: NonZeroUsize,
    pub cache: Cache,
    pub retry: Retry,
    pub families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    pub max_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub tries: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub initial_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    #[serde(with = "humantime_serde")]
    pub rest: Duration,
    pub failures_before_pause: NonZeroU32,
    #[serde(with = "humantime_serde")]
    pub pause: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    #[serde(deserialize_with = "address")]
    pub base_url: Url,
    pub speaks: Speaks,
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
pub enum Speaks {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

impl Llm {
    /// What each key alone cannot tell.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.timeout.is_zero() {
            return Err("llm.timeout must not be zero".to_owned());
        }
        if self.retry.initial_delay > self.retry.max_delay {
            return Err("llm.retry.initial_delay is longer than llm.retry.max_delay".to_owned());
        }
        if let Some(fallback) = self.fallback.as_deref().filter(|name| !self.knows(name)) {
            return Err(format!("llm.fallback is `{fallback}`, which is no model of a family in llm.families"));
        }
        let unknown = |entry: &&String| !self.has_family(entry) && !self.knows(entry);
        if let Some(entry) = self.allowed_providers.iter().find(unknown) {
            return Err(format!(
                "llm.allowed_providers holds `{entry}`, which is no family in llm.families and no model"
            ));
        }
        Ok(())
    }

    /// A server that is only asked for crawls needs no model; who asks it for more is told why there is none.
    pub(super) fn notice(&self) -> Option<String> {
        let sentence = "no family in llm.families has it: jobs that name no provider fail";
        (!self.knows(&self.provider)).then(|| format!("llm.provider: {sentence}"))
    }

    /// How long a job may hear nothing of a model that is not out of order: it waits to try again, for a place, for its
    /// rate, and for the answer.
    pub(super) fn longest_silence(&self) -> Duration {
        self.timeout.saturating_add(self.retry.patience.saturating_mul(3))
    }

    fn knows(&self, name: &str) -> bool {
        ModelName::parse(name).is_some_and(|name| self.has_family(&name.family))
    }

    fn has_family(&self, name: &str) -> bool {
        self.families.contains_key(&name.to_ascii_lowercase())
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let text = text.ok_or_else(|| de::Error::custom("is needed: the address at which the family's models are"))?;
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| de::Error::custom("is not an http(s) address"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(de::Error::custom("holds a user name or a password; a key belongs in api_key"));
    }
    Ok(url)
}

/// A number, or the text that the environment has for one.
fn temperature<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => return Ok(None),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let good = number.filter(|number| (0.0..=2.0).contains(number));
    good.map(Some).ok_or_else(|| de::Error::custom("a number from 0.0 to 2.0 is needed"))
}
