//! What an answer must conform to: a JSON Schema (2020-12 where it names no draft), for the whole and for a part.

mod size;

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Map, Value};

/// Violations named to a person or a model at once.
const MOST_NAMED: usize = 8;

/// What an answer is about, and so how strictly it is held to the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// A part of the page: what only the whole can meet is not asked of it.
    Part,
}

/// A schema that was checked, in two strengths.
#[derive(Debug)]
pub struct Shape {
    schema: Arc<Value>,
    for_parts: Arc<Value>,
    whole: Validator,
    part: Validator,
}

/// The text is no JSON Schema, and where it is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{place}", if place.is_empty() { "" } else { " at " })]
pub struct BadSchema {
    /// A JSON Pointer into the schema; empty for the whole.
    pub place: String,
    pub reason: String,
}

impl Shape {
    /// Nothing is fetched: a reference out of the schema is an error.
    pub fn new(schema: &Value) -> Result<Self, BadSchema> {
        if !schema.is_object() {
            return Err(BadSchema { place: String::new(), reason: "a JSON Schema is an object".to_owned() });
        }
        size::check(schema)?;
        let for_parts = relaxed(schema);
        let (whole, part) = (validator(schema)?, validator(&for_parts)?);
        Ok(Self { schema: Arc::new(schema.clone()), for_parts: Arc::new(for_parts), whole, part })
    }

    /// The schema as the model is shown it.
    pub fn schema(&self, scope: Scope) -> &Arc<Value> {
        match scope {
            Scope::Whole => &self.schema,
            Scope::Part => &self.for_parts,
        }
    }

    /// What is wrong with an answer, each with its place; empty where it conforms.
    pub fn violations(&self, scope: Scope, answer: &Value) -> Vec<String> {
        match scope {
            Scope::Whole => violations(&self.whole, answer),
            Scope::Part => violations(&self.part, answer),
        }
    }
}

fn validator(schema: &Value) -> Result<Validator, BadSchema> {
    let bad = |error: &jsonschema::ValidationError<'_>| BadSchema {
        place: error.instance_path().to_string(),
        reason: shortened(&error.to_string()),
    };
    if jsonschema::meta::is_valid(schema) || !names_known_draft(schema) {
        // What the meta-schema cannot see: patterns that do not compile, references that lead nowhere.
        let options = jsonschema::options().offline().should_validate_formats(true);
        return options.build(schema).map_err(|error| bad(&error));
    }
    Err(jsonschema::meta::validate(schema).err().map_or_else(
        || BadSchema { place: String::new(), reason: "not a JSON Schema".to_owned() },
        |error| bad(&error),
    ))
}

fn names_known_draft(schema: &Value) -> bool {
    match schema.get("$schema").and_then(Value::as_str) {
        None => true,
        Some(named) => named.contains("json-schema.org/"),
    }
}

fn violations(validator: &Validator, answer: &Value) -> Vec<String> {
    if depth(answer, 0) > MOST_DEEP {
        return vec![format!("the answer: nested more than {MOST_DEEP} levels deep")];
    }
    let named = validator.iter_errors(answer).take(MOST_NAMED).map(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the answer".to_owned() } else { place };
        format!("{place}: {}", shortened(&error.to_string()))
    });
    named.collect()
}

/// Levels of an answer at most: a recursive schema is followed to its end.
const MOST_DEEP: usize = 64;

fn depth(value: &Value, above: usize) -> usize {
    let below = |value: &Value| depth(value, above + 1);
    match value {
        _ if above > MOST_DEEP => above,
        Value::Array(list) => list.iter().map(below).max().unwrap_or(above + 1),
        Value::Object(fields) => fields.values().map(below).max().unwrap_or(above + 1),
        _ => above,
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

/// Keywords that an answer about a part of the page cannot be held to.
const OF_THE_WHOLE: [&str; 14] = [
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

/// The schema without [`OF_THE_WHOLE`]. Of several alternatives more than one may fit a part.
fn relaxed(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut kept = Map::new();
    for (keyword, value) in keywords.iter().filter(|(keyword, _)| !OF_THE_WHOLE.contains(&keyword.as_str())) {
        let name = if keyword == "oneOf" && !keywords.contains_key("anyOf") { "anyOf" } else { keyword };
        kept.insert(name.to_owned(), relaxed_keyword(name, value));
    }
    Value::Object(kept)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_schema_is_refused_with_its_place() {
        let bad = Shape::new(&json!({"type": "object", "properties": {"title": {"type": "strng"}}})).unwrap_err();
        assert!(bad.place.starts_with("/properties/title"), "{bad}");
        assert_eq!(Shape::new(&json!([1])).unwrap_err().place, "");
        assert!(Shape::new(&json!({"type": "string", "pattern": "("})).is_err());
        assert!(Shape::new(&json!({"$ref": "https://example.com/schema.json"})).is_err());
        assert!(Shape::new(&json!({"$ref": "#/$defs/missing"})).is_err());
    }

    #[test]
    fn both_drafts_are_taken() {
        for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
            let shape = Shape::new(&json!({"$schema": draft, "type": "object"})).unwrap();
            assert!(shape.violations(Scope::Whole, &json!([])).len() == 1);
        }
    }

    #[test]
    fn violations_are_named_with_their_place() {
        let shape = Shape::new(&json!({"properties": {"n": {"type": "integer"}}, "required": ["t"]})).unwrap();
        let named = shape.violations(Scope::Whole, &json!({"n": "x"}));
        assert_eq!(named.len(), 2);
        assert!(named.iter().any(|line| line.starts_with("/n: ")), "{named:?}");
    }

    #[test]
    fn a_part_need_not_have_what_only_the_whole_has() {
        let schema = json!({"type": "object", "required": ["title", "items"], "properties": {
            "title": {"type": "string"}, "required": {"type": "string"},
            "items": {"type": "array", "minItems": 3, "items": {"$ref": "#/$defs/item"}}},
            "$defs": {"item": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}});
        let shape = Shape::new(&schema).unwrap();
        assert!(shape.violations(Scope::Part, &json!({"items": [{}]})).is_empty());
        assert!(!shape.violations(Scope::Whole, &json!({"items": [{}]})).is_empty());
        assert_eq!(shape.violations(Scope::Part, &json!({"title": 3, "required": 4, "items": [{"name": 5}]})).len(), 3);
    }
}
