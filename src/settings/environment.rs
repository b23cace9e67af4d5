//! Settings by environment: `OPILIO__SECTION__KEY`, and the names that deployments already set.

use super::layers::{Given, Layers};
use super::{BadSettings, families};

const PREFIX: &str = "OPILIO__";

/// Name and key; the value as it is.
const KNOWN: [(&str, &str); 12] = [
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
    ("SECRET_KEY", "security.secret_key"),
];

/// Two layers: the names of old, and over them ours. A variable that is empty is not there.
pub fn read(environment: &[(String, String)], layers: &mut Layers) -> Result<[Vec<Given>; 2], BadSettings> {
    let value = |wanted: &str| value(environment, wanted);
    let mut old: Vec<Given> =
        KNOWN.iter().filter_map(|(name, key)| Some(Given::text(*key, value(name)?, (*name).to_owned()))).collect();
    if value("REDIS_HOST").is_some() {
        old.push(Given::text("store.backend", "redis", "REDIS_HOST".to_owned()));
    }
    let mut ours = Vec::new();
    for (name, value) in environment.iter().filter(|(name, _)| is_ours(name)) {
        let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        let key = families::by_variable(layers, &key);
        let key = families::open(layers, &key).map_err(|message| {
            let origin = name.clone();
            BadSettings::Value { origin, key, message }
        })?;
        if layers.find(&key).is_none() {
            return Err(layers.unknown(&key, name.clone()));
        }
        ours.push(Given::text(key, value, name.clone()));
    }
    Ok([old, ours])
}

/// What is said of the families of models, once all else is laid.
pub fn families(environment: &[(String, String)], layers: &mut Layers) -> Vec<Given> {
    families::spoken_for(layers, |name| value(environment, name), is_ours)
}

fn is_ours(origin: &str) -> bool {
    origin.starts_with(PREFIX)
}

fn value<'e>(environment: &'e [(String, String)], wanted: &str) -> Option<&'e str> {
    let found = environment.iter().find(|(name, value)| name == wanted && !value.trim().is_empty());
    found.map(|(_, value)| value.trim())
}
