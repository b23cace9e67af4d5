//! The effective settings for `opilio config`.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::layers::{Key, Layers};
use super::providers;

/// Keys whose values are masked, besides those of the providers.
const SECRETS: [&str; 6] = [
    "redis.password",
    "webhooks.headers",
    "webhooks.secrets",
    "llm.api_key",
    "security.api_token",
    "security.secret_key",
];

pub fn write(layers: &Layers) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for key in listed(layers) {
        let mut sections: Vec<&str> = key.path.split('.').collect();
        let name = sections.pop().unwrap_or_default();
        let common = sections.iter().zip(&open).take_while(|(new, old)| new == old).count();
        for (depth, section) in sections.iter().enumerate().skip(common) {
            let _ = writeln!(text, "{:1$}{section}:", "", depth * 2);
        }
        let line = format!("{:1$}{name}: {2}", "", sections.len() * 2, value(key));
        let _ = writeln!(text, "{line:<60} # {}", origin(key));
        open = sections;
    }
    text
}

/// `{"app.port": {"value": 11235, "from": "default"}, …}`
pub fn document(layers: &Layers) -> Map<String, Value> {
    listed(layers).map(|key| (key.path.clone(), json!({"value": value(key), "from": origin(key)}))).collect()
}

fn listed(layers: &Layers) -> impl Iterator<Item = &Key> {
    layers.keys.iter().filter(|key| !key.is_implicit || key.origin.is_some())
}

fn value(key: &Key) -> Value {
    let is_secret = SECRETS.contains(&key.path.as_str()) || providers::is_secret(&key.path);
    if is_secret { masked(&key.value) } else { key.value.clone() }
}

fn origin(key: &Key) -> &str {
    key.origin.as_deref().unwrap_or("default")
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
        _ => Value::from("***"),
    }
}
