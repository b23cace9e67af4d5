//! Converts the forms in which Crawl4AI's clients write values into one form.

use serde_json::{Map, Value};

use super::key::Kind;
use super::value::parse_number;
use crate::http::crawl4ai::request_fields::parse_bool;
use crate::http::field_error::InvalidValue;

/// Replaces each `{"type": "dict", "value": {…}}`, at any depth, by the inner object.
pub fn unwrap_dicts(value: &Value) -> Value {
    match value {
        Value::Object(map) => unwrap_members(inner_dict(map).unwrap_or(map)),
        Value::Array(items) => items.iter().map(unwrap_dicts).collect(),
        other => other.clone(),
    }
}

fn inner_dict(map: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let is_dict = map.get("type").is_some_and(|kind| kind == "dict");
    map.get("value").filter(|_| is_dict).and_then(Value::as_object)
}

fn unwrap_members(map: &Map<String, Value>) -> Value {
    map.iter().map(|(name, value)| (name.clone(), unwrap_dicts(value))).collect()
}

/// The name and the parameters of `{"type": name, "params": …}`.
pub fn typed(value: &Value) -> Option<(&str, &Value)> {
    Some((value.get("type")?.as_str()?, value.get("params")?))
}

/// [`typed`], also without `params`.
pub fn named(value: &Value) -> Option<(&str, Option<&Value>)> {
    Some((value.get("type")?.as_str()?, value.get("params")))
}

/// The value in the type of the key: Crawl4AI's clients also send numbers and booleans as strings, and one entry in place
/// of a list.
pub fn converted(kind: Kind, value: &Value) -> Value {
    let converted = match (kind, value) {
        (Kind::Bool, _) => parse_bool(value).map(Value::from),
        (Kind::Integer | Kind::Number, Value::String(text)) => parse_number(text),
        (Kind::List, Value::String(text)) if text.trim().is_empty() => Some(Value::Array(vec![])),
        (Kind::List, Value::String(_)) => Some(Value::Array(vec![value.clone()])),
        _ => None,
    };
    converted.unwrap_or_else(|| value.clone())
}

/// The value in the form that the table compares with: an enumeration as lower-case text.
///
/// # Errors
/// A type name or an enumeration value that does not exist.
pub fn normalized(kind: Kind, value: &Value) -> Result<Value, InvalidValue> {
    match kind {
        Kind::Enum(name, values) => enumeration(name, values, value),
        Kind::Typed(names) => match value.get("type").and_then(Value::as_str) {
            Some(name) if !names.contains(&name) => Err(wrong_type(names)),
            _ => Ok(value.clone()),
        },
        _ => Ok(converted(kind, value)),
    }
}

fn enumeration(name: &str, values: &[&str], value: &Value) -> Result<Value, InvalidValue> {
    let text = match typed(value) {
        Some((given, _)) if given != name => return Err(wrong_type(&[name])),
        Some((_, value)) => value,
        None => value,
    };
    // Also as Python prints it: `CacheMode.BYPASS`.
    let text =
        text.as_str().map(|text| text.strip_prefix(name).and_then(|text| text.strip_prefix('.')).unwrap_or(text));
    let text = text.map(str::to_lowercase).filter(|text| values.contains(&text.as_str()));
    text.map(Value::from).ok_or_else(|| InvalidValue::value(format!("must be one of {}", values.join(", "))))
}

/// The error of a type name that is not one of `names`.
pub fn wrong_type(names: &[&str]) -> InvalidValue {
    InvalidValue::value(format!("must have the type {}", names.join(" or ")))
}

/// Requests nothing: false, blank, or a collection of such values.
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
    fn dicts_are_unwrapped_at_any_depth() {
        let wrapped = json!([{"type": "dict", "value": {"a": {"type": "dict", "value": {"type": "b"}}}}]);
        assert_eq!(unwrap_dicts(&wrapped), json!([{"a": {"type": "b"}}]));
        let unrelated = json!({"type": "dict", "name": "n"});
        assert_eq!(unwrap_dicts(&unrelated), unrelated);
    }

    #[test]
    fn values_are_converted_to_the_type_of_their_key() {
        for (kind, value, expected) in [
            (Kind::Bool, json!("True"), json!(true)),
            (Kind::Bool, json!(0), json!(false)),
            (Kind::Bool, json!("maybe"), json!("maybe")),
            (Kind::Integer, json!(" 7 "), json!(7)),
            (Kind::Number, json!("0.5"), json!(0.5)),
            (Kind::Number, json!("30s"), json!("30s")),
            (Kind::Number, json!("inf"), json!("inf")),
            (Kind::List, json!("nav"), json!(["nav"])),
            (Kind::List, json!(" "), json!([])),
            (Kind::Text, json!(7), json!(7)),
        ] {
            assert_eq!(converted(kind, &value), expected, "{kind:?} {value}");
        }
    }

    #[test]
    fn enumerations_may_be_typed_and_in_any_case() {
        let kind = Kind::Enum("CacheMode", &["bypass", "enabled"]);
        let typed = json!({"type": "CacheMode", "params": "bypass"});
        for value in [json!("bypass"), json!("BYPASS"), json!("CacheMode.BYPASS"), typed] {
            assert_eq!(normalized(kind, &value), Ok(json!("bypass")));
        }
        for value in
            [json!("no"), json!(1), json!({"type": "MatchMode", "params": "bypass"}), json!({"type": "CacheMode"})]
        {
            assert!(normalized(kind, &value).is_err(), "{value}");
        }
    }
}
