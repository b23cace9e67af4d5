//! The response of a model.

use opilio_actors::domain::extraction::response::{parse_free_form, parse_json};
use serde_json::Value;

use super::json::is_equivalent;

/// The depth limit of the JSON parser.
const MAX_DEPTH: usize = 128;

/// Parsing never fails, valid JSON is returned unchanged, and a repaired value is valid JSON.
///
/// # Panics
/// If the property does not hold for the response `text`.
pub fn model_response(text: &str) {
    let parsed = parse_json(text);
    if let Ok(value) = serde_json::from_str::<Value>(text.trim()) {
        assert_eq!(parsed, Some(value), "valid JSON is unchanged");
    }
    for value in parsed.into_iter().chain([parse_free_form(text)]) {
        assert!(depth(&value) <= MAX_DEPTH);
        let printed = value.to_string();
        let reparsed = parse_json(&printed).unwrap_or_else(|| panic!("invalid JSON: {printed}"));
        assert!(is_equivalent(&value, &reparsed), "{value} became {reparsed}");
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
