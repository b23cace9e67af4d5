//! Finds the fields of a response that its schema does not describe.

use serde_json::{Map, Value};

/// The paths of the undescribed fields. A schema without properties allows any field.
pub fn undescribed(document: &Value, schema: &str, response: &Value) -> Vec<String> {
    let schemas = &document["components"]["schemas"];
    assert!(schemas[schema].is_object(), "no schema {schema}");
    let mut missing = Vec::new();
    Walk { schemas, missing: &mut missing }.compare(&schemas[schema], response, schema.to_owned());
    missing
}

struct Walk<'a> {
    schemas: &'a Value,
    missing: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn compare(&mut self, schema: &Value, response: &Value, path: String) {
        match response {
            Value::Array(items) => {
                let schemas: Vec<_> = self.plain(schema).iter().map(|schema| schema["items"].clone()).collect();
                for item in items {
                    self.first_with(&schemas, item, format!("{path}[]"));
                }
            }
            Value::Object(fields) => {
                let shapes = self.plain(schema);
                let named: Map<String, Value> =
                    shapes.iter().filter_map(|shape| shape["properties"].as_object().cloned()).flatten().collect();
                if named.is_empty() {
                    return;
                }
                for (name, value) in fields {
                    let at = format!("{path}.{name}");
                    match named.get(name) {
                        Some(schema) => self.compare(schema, value, at),
                        None => self.missing.push(at),
                    }
                }
            }
            _ => {}
        }
    }

    fn first_with(&mut self, schemas: &[Value], item: &Value, path: String) {
        if let Some(schema) = schemas.iter().find(|schema| !schema.is_null()) {
            self.compare(schema, item, path);
        }
    }

    /// The schemas that this one consists of, without references and combinations.
    fn plain(&self, schema: &Value) -> Vec<Value> {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.plain(&self.schemas[name]);
        }
        let parts = ["allOf", "anyOf", "oneOf"].iter().filter_map(|kind| schema[*kind].as_array());
        let parts: Vec<_> = parts.flatten().flat_map(|part| self.plain(part)).collect();
        if parts.is_empty() { vec![schema.clone()] } else { parts }
    }
}
