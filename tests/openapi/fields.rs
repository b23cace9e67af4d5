//! Compares responses with their schemas in both directions: every field of a response is described, and every described
//! field occurs in a response.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The differences between the responses that were compared and their schemas. Fields are paths such as
/// `JobStatus.progress.done`.
pub struct Comparison<'a> {
    schemas: &'a Value,
    undescribed: BTreeSet<String>,
    /// Required fields that a response does not have.
    absent: BTreeSet<String>,
    /// Whether a described field occurred in a response.
    described: BTreeMap<String, bool>,
}

impl<'a> Comparison<'a> {
    pub fn new(document: &'a Value) -> Self {
        let schemas = &document["components"]["schemas"];
        Self { schemas, undescribed: BTreeSet::new(), absent: BTreeSet::new(), described: BTreeMap::new() }
    }

    pub fn compare(&mut self, schema: &str, response: &Value) {
        assert!(self.schemas[schema].is_object(), "no schema {schema}");
        let schemas = self.schemas;
        self.visit(&schemas[schema], response, schema.to_owned());
    }

    /// Fields of responses that their schemas do not describe. A schema without properties allows any field.
    pub fn undescribed(&self) -> &BTreeSet<String> {
        &self.undescribed
    }

    /// Required fields that a response did not have, and described fields that no response had.
    pub fn missing(&self) -> BTreeSet<String> {
        let unseen = self.described.iter().filter(|(_, seen)| !**seen).map(|(path, _)| path.clone());
        self.absent.iter().cloned().chain(unseen).collect()
    }

    fn visit(&mut self, schema: &Value, response: &Value, path: String) {
        match response {
            Value::Array(items) => {
                let parts = self.parts(schema, response);
                let Some(schema) = parts.iter().map(|part| &part["items"]).find(|items| !items.is_null()) else {
                    return;
                };
                for item in items {
                    self.visit(schema, item, format!("{path}[]"));
                }
            }
            Value::Object(fields) => self.visit_object(&self.parts(schema, response), fields, &path),
            _ => {}
        }
    }

    fn visit_object(&mut self, parts: &[Value], fields: &Map<String, Value>, path: &str) {
        let properties: Map<String, Value> =
            parts.iter().filter_map(|part| part["properties"].as_object().cloned()).flatten().collect();
        if properties.is_empty() {
            return;
        }
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match properties.get(name) {
                Some(schema) => self.visit(schema, value, path),
                None => drop(self.undescribed.insert(path)),
            }
        }
        for name in properties.keys() {
            *self.described.entry(format!("{path}.{name}")).or_default() |= fields.contains_key(name);
        }
        for name in required(parts) {
            if !fields.contains_key(name) {
                self.absent.insert(format!("{path}.{name}"));
            }
        }
    }

    /// The schemas that `response` must satisfy, without references and combinations.
    fn parts(&self, schema: &Value, response: &Value) -> Vec<Value> {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.parts(&self.schemas[name], response);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return parts.iter().flat_map(|part| self.parts(part, response)).collect();
        }
        let Some(alternatives) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) else {
            return vec![schema.clone()];
        };
        let alternatives: Vec<_> = alternatives.iter().map(|schema| self.parts(schema, response)).collect();
        let is_object = |parts: &Vec<Value>| parts.iter().any(|part| part["properties"].is_object());
        let matching = |parts: &Vec<Value>| is_object(parts) && required(parts).all(|name| !response[name].is_null());
        let accepts_anything = |parts: &Vec<Value>| parts.iter().all(|part| part["type"].is_null());
        let chosen = alternatives.iter().find(|parts| matching(parts));
        let chosen = chosen.or_else(|| alternatives.iter().find(|parts| accepts_anything(parts)));
        chosen.or_else(|| alternatives.iter().find(|parts| is_object(parts))).cloned().unwrap_or_default()
    }
}

fn required(parts: &[Value]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| part["required"].as_array()).flatten().filter_map(Value::as_str)
}
