//! Settings from environment variables: `OPILIO__SECTION__KEY`, and the names that Crawl4AI's deployments use.

use super::error::SettingsError;
use super::layers::{Entry, Layers};
use super::providers;

const PREFIX: &str = "OPILIO__";

/// Other variables, and the key that each sets.
const ALIASES: [(&str, &str); 13] = [
    ("REDIS_HOST", "redis.host"),
    ("REDIS_PORT", "redis.port"),
    ("REDIS_USERNAME", "redis.username"),
    ("REDIS_PASSWORD", "redis.password"),
    ("REDIS_TASK_TTL", "redis.task_ttl_seconds"),
    ("LLM_PROVIDER", "llm.provider"),
    ("LLM_API_KEY", "llm.api_key"),
    ("LLM_BASE_URL", "llm.base_url"),
    ("LLM_TEMPERATURE", "llm.temperature"),
    ("CRAWL4AI_API_TOKEN", "security.api_token"),
    ("CRAWL4AI_ALLOW_INTERNAL_URLS", "egress.allow_internal"),
    ("CRAWL4AI_MAX_TIMEOUT_MS", "limits.max_page_timeout_ms"),
    ("SECRET_KEY", "security.secret_key"),
];

/// Two layers: the aliases, and the `OPILIO__` variables, which take precedence. An empty alias is ignored.
pub fn read(environment: &[(String, String)], layers: &mut Layers) -> Result<[Vec<Entry>; 2], SettingsError> {
    let value = |wanted: &str| value(environment, wanted);
    let aliases = ALIASES.iter().filter_map(|(name, key)| Some(Entry::text(*key, value(name)?, (*name).to_owned())));
    let mut aliases: Vec<Entry> = aliases.collect();
    if value("REDIS_HOST").is_some() {
        aliases.push(Entry::text("store.backend", "redis", "REDIS_HOST".to_owned()));
    }
    let mut prefixed = Vec::new();
    for (name, value) in environment.iter().filter(|(name, _)| is_prefixed(name)) {
        let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        let key = providers::key_of_variable(layers, &key);
        let key = providers::declare(layers, &key).map_err(|message| {
            let origin = name.clone();
            SettingsError::Value { origin, key, message }
        })?;
        if layers.find(&key).is_none() {
            return Err(layers.unknown(&key, name.clone()));
        }
        prefixed.push(Entry::text(key, value, name.clone()));
    }
    Ok([aliases, prefixed])
}

/// The layer of the provider families, which depends on all others.
pub fn providers(environment: &[(String, String)], layers: &mut Layers) -> Vec<Entry> {
    providers::overrides(layers, |name| value(environment, name), is_prefixed)
}

fn is_prefixed(origin: &str) -> bool {
    origin.starts_with(PREFIX)
}

fn value<'e>(environment: &'e [(String, String)], wanted: &str) -> Option<&'e str> {
    let found = environment.iter().find(|(name, value)| name == wanted && !value.trim().is_empty());
    found.map(|(_, value)| value.trim())
}
