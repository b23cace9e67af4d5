//! The JSON Schema of an extraction (2020-12 unless it names a draft), for the page and for a chunk of it.

mod invalid;
mod patterns;
mod relaxed;
mod size;

use std::sync::Arc;

use jsonschema::{Draft, PatternCache, PatternOptions, Validator};
use opilio_page::PatternCompiler;
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
    /// The schema is invalid, too large, exceeds the budget of `compiler`, or refers to another document, which is never
    /// fetched.
    pub fn new(schema: &Value, compiler: &PatternCompiler) -> Result<Self, InvalidSchema> {
        if !schema.is_object() {
            return Err(InvalidSchema { pointer: String::new(), reason: "a JSON Schema must be an object".to_owned() });
        }
        check_draft(schema)?;
        size::check(schema)?;
        patterns::charge(schema, compiler)?;
        let (chunk, compiled) = (relaxed(schema), PatternCache::new());
        let (page_validator, chunk_validator) = (validator(schema, &compiled)?, validator(&chunk, &compiled)?);
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

/// `compiled` contains the regular expressions that are shared by the validators of one schema.
fn validator(schema: &Value, compiled: &PatternCache) -> Result<Validator, InvalidSchema> {
    let invalid = |error: &jsonschema::ValidationError<'_>| InvalidSchema {
        pointer: error.instance_path().to_string(),
        reason: shortened(&error.to_string()),
    };
    jsonschema::meta::validate(schema).map_err(|error| invalid(&error))?;
    // Finds what the meta-schema cannot: invalid patterns and unresolvable references.
    let patterns = PatternOptions::fancy_regex()
        .size_limit(patterns::MAX_PATTERN_BYTES)
        .dfa_size_limit(patterns::MAX_PATTERN_BYTES);
    let options = jsonschema::options().offline().should_validate_formats(true);
    let options = options.with_pattern_options(patterns).with_pattern_cache(compiled.clone());
    options.build(schema).map_err(|error| invalid(&error))
}

/// # Errors
/// `$schema` does not name a known draft.
fn check_draft(schema: &Value) -> Result<(), InvalidSchema> {
    let is_known = match schema.get("$schema") {
        None => true,
        Some(Value::String(_)) => Draft::default().detect(schema) != Draft::Unknown,
        Some(_) => false,
    };
    if is_known {
        return Ok(());
    }
    let reason = "must name draft 4, 6, 7, 2019-09 or 2020-12, such as https://json-schema.org/draft/2020-12/schema";
    Err(InvalidSchema { pointer: "/$schema".to_owned(), reason: reason.to_owned() })
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

    fn schema(schema: &Value) -> Result<OutputSchema, InvalidSchema> {
        OutputSchema::new(schema, &PatternCompiler::default())
    }

    #[test]
    fn invalid_schema_is_rejected_with_a_pointer() {
        let invalid = schema(&json!({"type": "object", "properties": {"title": {"type": "strng"}}})).unwrap_err();
        assert!(invalid.pointer.starts_with("/properties/title"), "{invalid}");
        assert_eq!(schema(&json!([1])).unwrap_err().pointer, "");
        assert!(schema(&json!({"type": "string", "pattern": "("})).is_err());
        assert!(schema(&json!({"$ref": "https://example.com/schema.json"})).is_err());
        assert!(schema(&json!({"$ref": "#/$defs/missing"})).is_err());
    }

    #[test]
    fn both_drafts_are_accepted() {
        for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
            let output = schema(&json!({"$schema": draft, "type": "object"})).unwrap();
            assert!(output.violations(SchemaScope::Page, &json!([])).len() == 1);
        }
    }

    #[test]
    fn unknown_draft_is_an_error_at_its_key() {
        for draft in [
            json!(""),
            json!("urn:x"),
            json!("https://example.com/schema"),
            json!("http://json-schema.org/draft-03/schema#"),
            json!("https://json-schema.org/draft/2077-01/schema"),
            json!(7),
            json!(null),
        ] {
            let invalid = schema(&json!({"$schema": draft, "type": "object"})).expect_err("it is unknown");
            assert_eq!(invalid.pointer, "/$schema", "{draft}");
        }
        for nested in [json!({"properties": {"$schema": {"type": "string"}}}), json!({"not": {"$schema": "urn:x"}})] {
            let _ = schema(&nested);
        }
    }

    #[test]
    fn patterns_of_a_schema_share_one_budget() {
        let field = |n: usize| (format!("f{n}"), json!({"type": "string", "pattern": format!(r"\w{{20}}{n}")}));
        let properties = |count: usize| json!({"properties": Value::Object((0..count).map(field).collect())});
        assert!(schema(&properties(2)).is_ok());
        let invalid = schema(&properties(200)).expect_err("it exceeds the budget");
        assert!(invalid.pointer.ends_with("/pattern") && invalid.reason.contains("8 MiB"), "{invalid}");
        let look_ahead = |n: usize| (format!("(?=x{n})"), json!({}));
        let look_ahead =
            |count: usize| json!({"patternProperties": Value::Object((0..count).map(look_ahead).collect())});
        assert!(schema(&look_ahead(2)).is_ok() && schema(&look_ahead(20)).is_err());
    }

    #[test]
    fn violations_begin_with_a_pointer() {
        let output = schema(&json!({"properties": {"n": {"type": "integer"}}, "required": ["t"]})).unwrap();
        let violations = output.violations(SchemaScope::Page, &json!({"n": "x"}));
        assert_eq!(violations.len(), 2);
        assert!(violations.iter().any(|line| line.starts_with("/n: ")), "{violations:?}");
    }

    #[test]
    fn chunk_does_not_need_what_only_the_page_can_have() {
        let json_schema = json!({"type": "object", "required": ["title", "items"], "properties": {
            "title": {"type": "string"}, "required": {"type": "string"},
            "items": {"type": "array", "minItems": 3, "items": {"$ref": "#/$defs/item"}}},
            "$defs": {"item": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}});
        let output = schema(&json_schema).unwrap();
        assert!(output.violations(SchemaScope::Chunk, &json!({"items": [{}]})).is_empty());
        assert!(!output.violations(SchemaScope::Page, &json!({"items": [{}]})).is_empty());
        assert_eq!(
            output.violations(SchemaScope::Chunk, &json!({"title": 3, "required": 4, "items": [{"name": 5}]})).len(),
            3
        );
    }
}
