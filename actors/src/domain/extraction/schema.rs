//! The JSON Schema of an extraction (2020-12 unless it names a draft), for the page and for a chunk of it.

mod invalid;
mod relaxed;
mod size;

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

pub use invalid::InvalidSchema;
use relaxed::relaxed;

/// The limit on reported violations.
const MAX_VIOLATIONS: usize = 8;

/// What a value was extracted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaScope {
    Page,
    /// Constraints that only the whole page can meet do not apply.
    Chunk,
}

/// A valid schema, and its relaxed form for chunks.
#[derive(Debug)]
pub struct OutputSchema {
    page: Arc<Value>,
    chunk: Arc<Value>,
    page_validator: Validator,
    chunk_validator: Validator,
}

impl OutputSchema {
    /// # Errors
    /// The schema is invalid, too large, or refers to another document, which is never fetched.
    pub fn new(schema: &Value) -> Result<Self, InvalidSchema> {
        if !schema.is_object() {
            return Err(InvalidSchema { pointer: String::new(), reason: "a JSON Schema must be an object".to_owned() });
        }
        size::check(schema)?;
        let chunk = relaxed(schema);
        let (page_validator, chunk_validator) = (validator(schema)?, validator(&chunk)?);
        Ok(Self { page: Arc::new(schema.clone()), chunk: Arc::new(chunk), page_validator, chunk_validator })
    }

    /// The schema in the form in which it is sent to the model.
    pub fn json(&self, scope: SchemaScope) -> &Arc<Value> {
        match scope {
            SchemaScope::Page => &self.page,
            SchemaScope::Chunk => &self.chunk,
        }
    }

    /// The violations of `value`, each with a JSON Pointer; empty if it conforms.
    pub fn violations(&self, scope: SchemaScope, value: &Value) -> Vec<String> {
        match scope {
            SchemaScope::Page => violations(&self.page_validator, value),
            SchemaScope::Chunk => violations(&self.chunk_validator, value),
        }
    }
}

fn validator(schema: &Value) -> Result<Validator, InvalidSchema> {
    let invalid = |error: &jsonschema::ValidationError<'_>| InvalidSchema {
        pointer: error.instance_path().to_string(),
        reason: shortened(&error.to_string()),
    };
    if jsonschema::meta::is_valid(schema) || !names_known_draft(schema) {
        // Finds what the meta-schema cannot: invalid patterns and unresolvable references.
        let options = jsonschema::options().offline().should_validate_formats(true);
        return options.build(schema).map_err(|error| invalid(&error));
    }
    Err(jsonschema::meta::validate(schema).err().map_or_else(
        || InvalidSchema { pointer: String::new(), reason: "does not match the meta-schema".to_owned() },
        |error| invalid(&error),
    ))
}

fn names_known_draft(schema: &Value) -> bool {
    match schema.get("$schema").and_then(Value::as_str) {
        None => true,
        Some(named) => named.contains("json-schema.org/"),
    }
}

fn violations(validator: &Validator, value: &Value) -> Vec<String> {
    if depth(value, 0) > MAX_DEPTH {
        return vec![format!("the response: nested more than {MAX_DEPTH} levels deep")];
    }
    let violations = validator.iter_errors(value).take(MAX_VIOLATIONS).map(|error| {
        let pointer = error.instance_path().to_string();
        let path = if pointer.is_empty() { "the response".to_owned() } else { pointer };
        format!("{path}: {}", shortened(&error.to_string()))
    });
    violations.collect()
}

/// The limit on the nesting of a value: validation against a recursive schema follows it to the end.
const MAX_DEPTH: usize = 64;

fn depth(value: &Value, above: usize) -> usize {
    let below = |value: &Value| depth(value, above + 1);
    match value {
        _ if above > MAX_DEPTH => above,
        Value::Array(list) => list.iter().map(below).max().unwrap_or(above + 1),
        Value::Object(fields) => fields.values().map(below).max().unwrap_or(above + 1),
        _ => above,
    }
}

fn shortened(text: &str) -> String {
    const MAX: usize = 200;
    if text.chars().count() <= MAX { text.to_owned() } else { text.chars().take(MAX).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn invalid_schema_is_rejected_with_a_pointer() {
        let invalid =
            OutputSchema::new(&json!({"type": "object", "properties": {"title": {"type": "strng"}}})).unwrap_err();
        assert!(invalid.pointer.starts_with("/properties/title"), "{invalid}");
        assert_eq!(OutputSchema::new(&json!([1])).unwrap_err().pointer, "");
        assert!(OutputSchema::new(&json!({"type": "string", "pattern": "("})).is_err());
        assert!(OutputSchema::new(&json!({"$ref": "https://example.com/schema.json"})).is_err());
        assert!(OutputSchema::new(&json!({"$ref": "#/$defs/missing"})).is_err());
    }

    #[test]
    fn both_drafts_are_accepted() {
        for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
            let schema = OutputSchema::new(&json!({"$schema": draft, "type": "object"})).unwrap();
            assert!(schema.violations(SchemaScope::Page, &json!([])).len() == 1);
        }
    }

    #[test]
    fn violations_begin_with_a_pointer() {
        let schema = OutputSchema::new(&json!({"properties": {"n": {"type": "integer"}}, "required": ["t"]})).unwrap();
        let violations = schema.violations(SchemaScope::Page, &json!({"n": "x"}));
        assert_eq!(violations.len(), 2);
        assert!(violations.iter().any(|line| line.starts_with("/n: ")), "{violations:?}");
    }

    #[test]
    fn chunk_does_not_need_what_only_the_page_can_have() {
        let json_schema = json!({"type": "object", "required": ["title", "items"], "properties": {
            "title": {"type": "string"}, "required": {"type": "string"},
            "items": {"type": "array", "minItems": 3, "items": {"$ref": "#/$defs/item"}}},
            "$defs": {"item": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}});
        let schema = OutputSchema::new(&json_schema).unwrap();
        assert!(schema.violations(SchemaScope::Chunk, &json!({"items": [{}]})).is_empty());
        assert!(!schema.violations(SchemaScope::Page, &json!({"items": [{}]})).is_empty());
        assert_eq!(
            schema.violations(SchemaScope::Chunk, &json!({"title": 3, "required": 4, "items": [{"name": 5}]})).len(),
            3
        );
    }
}
