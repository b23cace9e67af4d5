//! The effective settings, for a person or a program to read.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::families;
use super::layers::{Key, Layers};

const SECRET: [&str; 6] = [
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
    for key in shown(layers) {
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
    shown(layers).map(|key| (key.path.clone(), json!({"value": value(key), "from": origin(key)}))).collect()
}

fn shown(layers: &Layers) -> impl Iterator<Item = &Key> {
    layers.keys.iter().filter(|key| !key.is_quiet || key.origin.is_some())
}

fn value(key: &Key) -> Value {
    let is_secret = SECRET.contains(&key.path.as_str()) || families::is_secret(&key.path);
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
