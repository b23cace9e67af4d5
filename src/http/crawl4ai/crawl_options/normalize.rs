//! The forms in which Crawl4AI's clients write values, brought into one.

use serde_json::{Map, Value};

use super::table::Kind;
use crate::http::field_error::InvalidValue;

/// Replaces each `{"type": "dict", "value": {…}}`, at any depth, by the dictionary itself.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => match dictionary(map) {
            Some(inner) => plain_map(inner),
            None => plain_map(map),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn dictionary(map: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let is_dictionary = map.get("type").is_some_and(|kind| kind == "dict");
    map.get("value").filter(|_| is_dictionary).and_then(Value::as_object)
}

fn plain_map(map: &Map<String, Value>) -> Value {
    map.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// The name and the parameters of a plain value of the form `{"type": name, "params": …}`.
pub fn typed(value: &Value) -> Option<(&str, &Value)> {
    Some((value.get("type")?.as_str()?, value.get("params")?))
}

/// A plain value in the one form that the table compares with: an enumeration's value as lower-case text. Type names
/// and enumeration values that do not exist are faults.
pub fn settled(kind: Kind, value: Value) -> Result<Value, InvalidValue> {
    match kind {
        Kind::Enum(name, values) => enumeration(name, values, &value),
        Kind::Typed(names) => match value.get("type").and_then(Value::as_str) {
            Some(name) if !names.contains(&name) => Err(wrong_type(names)),
            _ => Ok(value),
        },
        _ => Ok(value),
    }
}

fn enumeration(name: &str, values: &[&str], value: &Value) -> Result<Value, InvalidValue> {
    let text = match typed(value) {
        Some((given, _)) if given != name => return Err(wrong_type(&[name])),
        Some((_, value)) => value,
        None => value,
    };
    let text = text.as_str().map(str::to_lowercase).filter(|text| values.contains(&text.as_str()));
    text.map(Value::from).ok_or_else(|| InvalidValue::value(format!("must be one of {}", values.join(", "))))
}

/// The fault of a type name that is none of `names`.
pub fn wrong_type(names: &[&str]) -> InvalidValue {
    InvalidValue::value(format!("its type must be {}", names.join(" or ")))
}

/// Asks for nothing: false, blank, or a collection of nothing.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dictionaries_are_unwrapped_at_any_depth() {
        let wrapped = json!([{"type": "dict", "value": {"a": {"type": "dict", "value": {"type": "b"}}}}]);
        assert_eq!(plain(&wrapped), json!([{"a": {"type": "b"}}]));
        let business = json!({"type": "dict", "name": "n"});
        assert_eq!(plain(&business), business);
    }

    #[test]
    fn enumerations_may_be_wrapped_and_in_any_case() {
        let kind = Kind::Enum("CacheMode", &["bypass", "enabled"]);
        for value in [json!("bypass"), json!("BYPASS"), json!({"type": "CacheMode", "params": "bypass"})] {
            assert_eq!(settled(kind, value), Ok(json!("bypass")));
        }
        for value in
            [json!("no"), json!(1), json!({"type": "MatchMode", "params": "bypass"}), json!({"type": "CacheMode"})]
        {
            assert!(settled(kind, value.clone()).is_err(), "{value}");
        }
    }
}
