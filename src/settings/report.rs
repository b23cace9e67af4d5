//! The effective settings, for a person to read.

use std::fmt::Write;

use serde_json::Value;

use super::families;
use super::layers::Layers;

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
    for key in layers.keys.iter().filter(|key| !key.is_quiet || key.origin.is_some()) {
        let mut sections: Vec<&str> = key.path.split('.').collect();
        let name = sections.pop().unwrap_or_default();
        let common = sections.iter().zip(&open).take_while(|(new, old)| new == old).count();
        for (depth, section) in sections.iter().enumerate().skip(common) {
            let _ = writeln!(text, "{:1$}{section}:", "", depth * 2);
        }
        let is_secret = SECRET.contains(&key.path.as_str()) || families::is_secret(&key.path);
        let value = if is_secret { masked(&key.value) } else { key.value.clone() };
        let line = format!("{:1$}{name}: {value}", "", sections.len() * 2);
        let _ = writeln!(text, "{line:<60} # {}", key.origin.as_deref().unwrap_or("default"));
        open = sections;
    }
    text
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
        _ => Value::from("***"),
    }
}
