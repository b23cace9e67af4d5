//! Merges the values that were extracted from the chunks of a page: lists are joined without duplicates, objects field by
//! field.

use serde_json::{Map, Value};

/// The limit on reported conflicts.
const MAX_CONFLICTS: usize = 20;

/// The merged value and the contradictions between chunks; the value of the earlier chunk is kept.
#[derive(Debug, PartialEq)]
pub struct Merged {
    pub value: Value,
    pub conflicts: Vec<String>,
}

/// Merges values in the order of the page. Without any, the value is `null`.
pub fn merge(values: impl IntoIterator<Item = Value>) -> Merged {
    let mut merged = Merged { value: Value::Null, conflicts: Vec::new() };
    for next in values {
        let value = std::mem::take(&mut merged.value);
        merged.value = both(value, next, "", &mut merged.conflicts);
    }
    merged.conflicts.truncate(MAX_CONFLICTS);
    merged
}

fn both(first: Value, second: Value, pointer: &str, conflicts: &mut Vec<String>) -> Value {
    match (first, second) {
        (Value::Null, second) => second,
        (first, second) if is_blank(&second) => first,
        (first, second) if is_blank(&first) => second,
        (Value::Array(first), Value::Array(second)) => joined(first, second).into(),
        (Value::Object(first), Value::Object(second)) => filled(first, second, pointer, conflicts).into(),
        (first, second) if same(&first, &second) => first,
        (first, _) => {
            let path = if pointer.is_empty() { "the result" } else { pointer };
            conflicts
                .push(format!("{path}: a later part of the page has a different value; the earlier value is kept"));
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
    pointer: &str,
    conflicts: &mut Vec<String>,
) -> Map<String, Value> {
    for (name, value) in second {
        let known = first.get_mut(&name).map(std::mem::take);
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        let value = known.map_or(value.clone(), |known| both(known, value, &pointer, conflicts));
        first.insert(name, value);
    }
    first
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Whether the values are equal, apart from white space around strings and the order of fields.
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

/// Joins the texts of all chunks without duplicates.
pub fn join_texts(texts: &[String]) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if !unique.contains(&text) {
            unique.push(text);
        }
    }
    unique.join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_joined_without_duplicates() {
        let merged = merge([json!([{"a": 1, "b": "x"}]), json!([{"b": "x ", "a": 1}, {"a": 2}]), json!([])]);
        assert_eq!(merged, Merged { value: json!([{"a": 1, "b": "x"}, {"a": 2}]), conflicts: vec![] });
    }

    #[test]
    fn objects_are_merged_field_by_field() {
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
    fn contradiction_keeps_the_earlier_value_and_is_reported() {
        let merged = merge([json!({"by": {"a/b": "J"}}), json!({"by": {"a/b": "K"}})]);
        assert_eq!(merged.value, json!({"by": {"a/b": "J"}}));
        assert!(merged.conflicts[0].starts_with("/by/a~1b: "), "{:?}", merged.conflicts);
    }

    #[test]
    fn empty_list_is_kept_if_there_is_no_other_value() {
        assert_eq!(merge([json!([]), json!([])]).value, json!([]));
        assert_eq!(merge([json!(null), json!({"a": []})]).value, json!({"a": []}));
    }

    #[test]
    fn texts_are_joined_without_duplicates() {
        assert_eq!(join_texts(&["a ".to_owned(), String::new(), "b".to_owned(), "a".to_owned()]), "a\n\nb");
    }
}
