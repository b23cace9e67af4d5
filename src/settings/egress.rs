//! Section `egress`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    pub allow: Vec<String>,
    pub allow_webhooks: Vec<String>,
    pub allow_llm: Vec<String>,
    #[serde(deserialize_with = "text")]
    allow_internal: Option<String>,
    pub ports: Ports,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    #[serde(deserialize_with = "texts")]
    pub allow: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub deny: Vec<String>,
}

impl Egress {
    /// `None`: decided by the other settings.
    pub fn allow_internal(&self) -> Option<bool> {
        let text = self.allow_internal.as_ref()?.to_ascii_lowercase();
        Some(matches!(text.as_str(), "true" | "1" | "yes" | "on"))
    }
}

/// A number or boolean as the text that an environment variable would contain.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(as_text)
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let list = Vec::<Value>::deserialize(deserializer)?;
    Ok(list.into_iter().filter_map(as_text).collect())
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
