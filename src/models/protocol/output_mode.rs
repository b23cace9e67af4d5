//! How a structured response is requested.

use serde_json::Value;

/// From the strictest to the weakest. The prompt contains the schema in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// With the schema, which the provider guarantees; possible only for some schemas.
    Strict,
    /// With the schema.
    Schema,
    /// Any JSON object.
    JsonObject,
    /// Any text.
    Text,
}

impl OutputMode {
    /// The mode to use if the provider does not support this one.
    pub fn weaker(self) -> Option<Self> {
        match self {
            Self::Strict => Some(Self::Schema),
            Self::Schema => Some(Self::JsonObject),
            Self::JsonObject => Some(Self::Text),
            Self::Text => None,
        }
    }

    pub fn has_schema(self) -> bool {
        matches!(self, Self::Strict | Self::Schema)
    }
}

/// Whether OpenAI's strict mode supports the schema: every object is closed and every property required.
pub fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(keywords) => {
            let closed = match keywords.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = keywords.get("required").and_then(Value::as_array);
                    keywords.get("additionalProperties") == Some(&Value::Bool(false))
                        && required.is_some_and(|required| required.len() == properties.len())
                }
                _ => keywords.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed && keywords.values().all(is_strict)
        }
        Value::Array(list) => list.iter().all(is_strict),
        _ => true,
    }
}
