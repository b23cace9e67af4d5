//! The schema for a chunk of a page, without constraints that only the whole page can meet.

use serde_json::{Map, Value};

/// Keywords that a chunk's value cannot be required to meet.
const PAGE_KEYWORDS: [&str; 14] = [
    "required",
    "minItems",
    "minProperties",
    "minContains",
    "maxContains",
    "contains",
    "dependentRequired",
    "dependencies",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "not",
    "uniqueItems",
];

/// The schema without [`PAGE_KEYWORDS`]; `oneOf` becomes `anyOf`, because a chunk can match several alternatives.
pub fn relaxed(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut result = Map::new();
    for (keyword, value) in keywords.iter().filter(|(keyword, _)| !PAGE_KEYWORDS.contains(&keyword.as_str())) {
        let name = if keyword == "oneOf" && !keywords.contains_key("anyOf") { "anyOf" } else { keyword };
        result.insert(name.to_owned(), relaxed_keyword(name, value));
    }
    Value::Object(result)
}

fn relaxed_keyword(keyword: &str, value: &Value) -> Value {
    match (keyword, value) {
        ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(named)) => {
            named.iter().map(|(name, schema)| (name.clone(), relaxed(schema))).collect()
        }
        ("items" | "prefixItems" | "allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
            list.iter().map(relaxed).collect()
        }
        ("items" | "additionalItems" | "additionalProperties" | "unevaluatedProperties" | "propertyNames", one) => {
            relaxed(one)
        }
        (_, other) => other.clone(),
    }
}
