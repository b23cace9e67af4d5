//! What a model says is JSON, or no JSON, and never harms who reads it.

use opilio_actors::domain::extraction::response::{parse_free_form, parse_json};
use serde_json::Value;

use super::alike::alike;

/// As deep as any reader of JSON here goes.
const DEEPEST: usize = 128;

/// `text` as the answer of a model.
///
/// # Panics
/// Where JSON is not taken for what it says, and where what was found or mended is not the same when it is read again.
pub fn answer(text: &str) {
    let plain = serde_json::from_str::<Value>(text.trim()).ok();
    let found = parse_json(text);
    if let Some(plain) = &plain {
        assert_eq!(found.as_ref(), Some(plain), "JSON is what it says");
    }
    for value in found.into_iter().chain([parse_free_form(text)]) {
        assert!(depth(&value) <= DEEPEST);
        let printed = value.to_string();
        let again = parse_json(&printed).unwrap_or_else(|| panic!("no JSON any more: {printed}"));
        assert!(alike(&value, &again), "{value} became {again}");
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
