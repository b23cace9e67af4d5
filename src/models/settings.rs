//! Which models can be asked: the families that are known by themselves, own endpoints, keys and bounds.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::secret::Secret;
use opilio_actors::ports::ModelName;
use url::Url;

use super::families::{BUILT_IN, Family};

/// The operator's choices. Nothing of it ever comes from a request.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// `family/model` for jobs that name none.
    pub provider: String,
    /// Families, or models as `family/model`; `None`: all that are known.
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

/// An address in the environment that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not an http(s) address")]
pub struct BadModelSettings {
    pub variable: String,
}

impl Default for ModelSettings {
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
            families: BUILT_IN.iter().map(Family::settings).collect(),
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
            key_variable: format!("{}_API_KEY", variable_prefix(name)),
            needs_key: false,
            models: None,
            context_tokens: 8192,
            temperature: None,
            limits: RateLimits::default(),
        }
    }
}

impl ModelSettings {
    /// Takes over `LLM_PROVIDER`, `LLM_API_KEY`, `LLM_BASE_URL`, `LLM_TEMPERATURE` and, for each family,
    /// `<FAMILY>_API_KEY`, `<FAMILY>_BASE_URL`, `<FAMILY>_TEMPERATURE`. What begins with `LLM_` is meant for the family
    /// of the default model, and is sent to no other; a family that is not known is an OpenAI-compatible endpoint at
    /// `LLM_BASE_URL`.
    pub fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Self, BadModelSettings> {
        let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if let Some(provider) = get("LLM_PROVIDER") {
            self.provider = provider;
        }
        let home = ModelName::parse(&self.provider).map(|name| name.family);
        if let (Some(home), Some(url)) = (&home, get("LLM_BASE_URL"))
            && !self.families.iter().any(|family| family.name == *home)
        {
            self.families.push(FamilySettings::compatible(home, address(&url, "LLM_BASE_URL")?));
        }
        for family in &mut self.families {
            let prefix = variable_prefix(&family.name);
            family.take(&prefix, &get)?;
            if home.as_ref() == Some(&family.name) {
                family.take_missing(&get)?;
            }
        }
        Ok(self)
    }
}

impl FamilySettings {
    fn take(&mut self, prefix: &str, get: &impl Fn(&str) -> Option<String>) -> Result<(), BadModelSettings> {
        let key = get(&self.key_variable).or_else(|| get(&format!("{prefix}_API_KEY")));
        self.key = key.map(Secret::new).or(self.key.take());
        let name = format!("{prefix}_BASE_URL");
        if let Some(url) = get(&name) {
            self.move_to(address(&url, &name)?);
        }
        let temperature = get(&format!("{prefix}_TEMPERATURE")).and_then(|raw| raw.parse().ok());
        self.temperature = temperature.or(self.temperature);
        Ok(())
    }

    fn take_missing(&mut self, get: &impl Fn(&str) -> Option<String>) -> Result<(), BadModelSettings> {
        self.key = self.key.take().or_else(|| get("LLM_API_KEY").map(Secret::new));
        let own = format!("{}_BASE_URL", variable_prefix(&self.name));
        if let Some(url) = get("LLM_BASE_URL").filter(|_| get(&own).is_none()) {
            self.move_to(address(&url, "LLM_BASE_URL")?);
        }
        self.temperature = self.temperature.or_else(|| get("LLM_TEMPERATURE").and_then(|raw| raw.parse().ok()));
        Ok(())
    }

    /// What answers at an address of the operator's own may need no key.
    fn move_to(&mut self, base_url: Url) {
        self.base_url = base_url;
        self.needs_key = false;
    }
}

fn address(raw: &str, variable: &str) -> Result<Url, BadModelSettings> {
    let url = Url::parse(raw).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| BadModelSettings { variable: variable.to_owned() })
}

/// `my-vllm` → `MY_VLLM`.
pub fn variable_prefix(family: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    family.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> ModelSettings {
        let get = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        ModelSettings::default().with_environment(get).expect("good addresses")
    }

    fn family<'a>(settings: &'a ModelSettings, name: &str) -> &'a FamilySettings {
        settings.families.iter().find(|family| family.name == name).expect("it is known")
    }

    fn key(settings: &ModelSettings, name: &str) -> Option<String> {
        family(settings, name).key.as_ref().map(|key| key.expose().to_owned())
    }

    #[test]
    fn each_family_has_its_own_key() {
        let settings = with(&[("OPENAI_API_KEY", "a"), ("ANTHROPIC_API_KEY", "b")]);
        assert_eq!((key(&settings, "openai"), key(&settings, "anthropic")), (Some("a".into()), Some("b".into())));
        assert_eq!(key(&settings, "groq"), None);
    }

    #[test]
    fn the_general_key_goes_to_the_default_family_only() {
        let settings = with(&[("LLM_PROVIDER", "groq/llama"), ("LLM_API_KEY", "k"), ("LLM_TEMPERATURE", "0.2")]);
        assert_eq!((key(&settings, "groq"), key(&settings, "openai")), (Some("k".into()), None));
        assert_eq!(family(&settings, "groq").temperature, Some(0.2));
    }

    #[test]
    fn a_family_of_ones_own_is_an_address_and_needs_no_key() {
        let settings = with(&[("LLM_PROVIDER", "vllm/qwen"), ("LLM_BASE_URL", "http://10.0.0.7:8000/v1")]);
        let own = family(&settings, "vllm");
        assert_eq!((own.base_url.as_str(), own.needs_key), ("http://10.0.0.7:8000/v1", false));
        let bad = |name: &str| (name == "OPENAI_BASE_URL").then(|| "10.0.0.7".to_owned());
        let bad = ModelSettings::default().with_environment(bad).expect_err("no scheme");
        assert_eq!(bad.variable, "OPENAI_BASE_URL");
    }

    #[test]
    fn keys_are_not_shown() {
        assert!(!format!("{:?}", with(&[("OPENAI_API_KEY", "hidden")])).contains("hidden"));
    }
}
