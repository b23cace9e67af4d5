//! Answers about the parts of a page, made one: lists joined without repetition, objects filled field by field.

use serde_json::{Map, Value};

/// Conflicts told at most.
const MOST_TOLD: usize = 20;

/// The whole, and where the parts contradict each other; the earlier part is kept there.
#[derive(Debug, PartialEq)]
pub struct Merged {
    pub value: Value,
    pub conflicts: Vec<String>,
}

/// In the order of the page. Of no parts: `null`.
pub fn merge(parts: impl IntoIterator<Item = Value>) -> Merged {
    let mut merged = Merged { value: Value::Null, conflicts: Vec::new() };
    for part in parts {
        let value = std::mem::take(&mut merged.value);
        merged.value = both(value, part, "", &mut merged.conflicts);
    }
    merged.conflicts.truncate(MOST_TOLD);
    merged
}

fn both(first: Value, second: Value, place: &str, conflicts: &mut Vec<String>) -> Value {
    match (first, second) {
        (Value::Null, second) => second,
        (first, second) if says_nothing(&second) => first,
        (first, second) if says_nothing(&first) => second,
        (Value::Array(first), Value::Array(second)) => joined(first, second).into(),
        (Value::Object(first), Value::Object(second)) => filled(first, second, place, conflicts).into(),
        (first, second) if same(&first, &second) => first,
        (first, _) => {
            let place = if place.is_empty() { "the answer" } else { place };
            conflicts.push(format!("{place}: a later part of the page says something else; the earlier one is kept"));
            first
        }
    }
}

fn joined(mut first: Vec<Value>, second: Vec<Value>) -> Vec<Value> {
    for item in second {
        if !first.iter().any(|known| same(known, &item)) {
            first.push(item);
        }
    }
    first
}

fn filled(
    mut first: Map<String, Value>,
    second: Map<String, Value>,
    place: &str,
    conflicts: &mut Vec<String>,
) -> Map<String, Value> {
    for (name, value) in second {
        let known = first.get_mut(&name).map(std::mem::take);
        let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        let value = known.map_or(value.clone(), |known| both(known, value, &place, conflicts));
        first.insert(name, value);
    }
    first
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Equal but for white space around texts; fields in any order.
fn same(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::String(first), Value::String(second)) => first.trim() == second.trim(),
        (Value::Array(first), Value::Array(second)) => {
            first.len() == second.len() && first.iter().zip(second).all(|(first, second)| same(first, second))
        }
        (Value::Object(first), Value::Object(second)) => {
            let found = |(name, value): (&String, &Value)| second.get(name).is_some_and(|other| same(value, other));
            first.len() == second.len() && first.iter().all(found)
        }
        _ => first == second,
    }
}

/// Texts about the parts, one below the other; equal ones once.
pub fn join_texts(parts: &[String]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    kept.join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_joined_and_what_repeats_stands_once() {
        let merged = merge([json!([{"a": 1, "b": "x"}]), json!([{"b": "x ", "a": 1}, {"a": 2}]), json!([])]);
        assert_eq!(merged, Merged { value: json!([{"a": 1, "b": "x"}, {"a": 2}]), conflicts: vec![] });
    }

    #[test]
    fn objects_are_filled_field_by_field() {
        let parts = [
            json!({"title": "", "items": [1]}),
            json!({"title": "T", "by": null}),
            json!({"items": [2, 1], "by": {"name": "J"}}),
        ];
        let merged = merge(parts);
        assert_eq!(merged.value, json!({"title": "T", "items": [1, 2], "by": {"name": "J"}}));
        assert_eq!(merged.conflicts, Vec::<String>::new());
    }

    #[test]
    fn a_contradiction_keeps_the_earlier_part_and_is_told() {
        let merged = merge([json!({"by": {"a/b": "J"}}), json!({"by": {"a/b": "K"}})]);
        assert_eq!(merged.value, json!({"by": {"a/b": "J"}}));
        assert!(merged.conflicts[0].starts_with("/by/a~1b: "), "{:?}", merged.conflicts);
    }

    #[test]
    fn an_empty_list_is_an_answer_where_there_is_no_other() {
        assert_eq!(merge([json!([]), json!([])]).value, json!([]));
        assert_eq!(merge([json!(null), json!({"a": []})]).value, json!({"a": []}));
    }

    #[test]
    fn texts_are_joined() {
        assert_eq!(join_texts(&["a ".to_owned(), String::new(), "b".to_owned(), "a".to_owned()]), "a\n\nb");
    }
}
