//! The input schemas of the tools: those of the corresponding requests, made self-contained.

use std::collections::HashMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::http::crawl4ai::schemas::{CrawlJobRequest, CrawlRequest, HtmlRequest, LlmJobRequest, MarkdownRequest};

type Object = Map<String, Value>;
/// The type of each definition.
type Types = HashMap<String, Value>;

/// The path of referenced schemas in the OpenAPI document, and in a self-contained schema.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

/// A job.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct JobReference {
    /// The job's id.
    task_id: String,
}

/// Selects a part of a crawl's result. A result that is too large for a tool is an error.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct ResultSelection {
    /// Index in `urls` of the first page, from 0.
    #[schema(nullable = false)]
    offset: Option<u32>,
    /// Maximum number of pages.
    #[schema(nullable = false)]
    limit: Option<u32>,
    /// Keys of each page, such as `url`, `success`, `error_message`, `markdown`, `links` and `metadata`.
    #[schema(nullable = false)]
    fields: Option<Vec<String>>,
}

pub fn crawl() -> Object {
    merged(self_contained::<CrawlRequest>(), self_contained::<ResultSelection>())
}

pub fn markdown() -> Object {
    let mut schema = self_contained::<MarkdownRequest>();
    // Other values of these are accepted if they have no effect.
    for (name, kind) in [("provider", "string"), ("temperature", "number")] {
        if let Some(property) = schema.get_mut("properties").and_then(|properties| properties.get_mut(name)) {
            property["type"] = kind.into();
        }
    }
    schema
}

pub fn html() -> Object {
    self_contained::<HtmlRequest>()
}

/// Without a webhook: the call waits for the result.
pub fn extraction() -> Object {
    let mut schema = self_contained::<LlmJobRequest>();
    schema.get_mut("properties").and_then(Value::as_object_mut).map(|properties| properties.remove("webhook_config"));
    schema.get_mut("$defs").and_then(Value::as_object_mut).map(|defs| defs.remove("WebhookConfig"));
    schema
}

pub fn crawl_job() -> Object {
    self_contained::<CrawlJobRequest>()
}

pub fn job_status() -> Object {
    merged(self_contained::<JobReference>(), self_contained::<ResultSelection>())
}

pub fn job() -> Object {
    self_contained::<JobReference>()
}

/// The schema with the schemas that it refers to in `$defs`. Each parameter has one type.
fn self_contained<T: ToSchema>() -> Object {
    let mut referenced: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut referenced);
    let to_json = |schema: &RefOr<Schema>| {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        replace_references(&mut schema);
        schema
    };
    let Value::Object(mut schema) = to_json(&T::schema()) else { return Object::new() };
    let mut definitions: Object = referenced.iter().map(|(name, schema)| (name.clone(), to_json(schema))).collect();
    definitions.values_mut().for_each(|schema| simplify(schema, &Types::new()));
    let types: Types = definitions.iter().map(|(name, schema)| (name.clone(), schema["type"].clone())).collect();
    definitions.values_mut().for_each(|schema| simplify(schema, &types));
    simplify_members(&mut schema, &types);
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), definitions.into());
    }
    schema
}

/// Reduces the properties and the items of a schema to one type each.
fn simplify_members(schema: &mut Object, types: &Types) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(|properties| properties.values_mut()).for_each(|part| simplify(part, types));
    schema.get_mut("items").into_iter().for_each(|items| simplify(items, types));
}

/// Reduces a schema to its first type. Some clients reject alternatives, lists of types and parameters without a type. `null`
/// is left out, because a parameter may be absent. The server accepts all forms.
fn simplify(schema: &mut Value, types: &Types) {
    let Value::Object(schema) = schema else { return };
    for key in ["oneOf", "anyOf"] {
        let Some(Value::Array(alternatives)) = schema.remove(key) else { continue };
        let first = alternatives.into_iter().find(|alternative| alternative["type"] != "null");
        for (key, value) in first.as_ref().and_then(Value::as_object).into_iter().flatten() {
            schema.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let first = kinds.iter().find(|kind| *kind != "null").cloned();
        schema.insert("type".to_owned(), first.unwrap_or_default());
    }
    let referenced = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(DEFINITIONS));
    if let Some(kind) = referenced.and_then(|name| types.get(name)).filter(|kind| kind.is_string()).cloned() {
        schema.entry("type").or_insert(kind);
    }
    simplify_members(schema, types);
}

/// An object with the properties of both.
fn merged(mut first: Object, second: Object) -> Object {
    for (key, value) in second {
        match (first.get_mut(&key), value) {
            (Some(Value::Object(object)), Value::Object(more)) => object.extend(more),
            (None, value) => drop(first.insert(key, value)),
            _ => {}
        }
    }
    first
}

fn replace_references(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(COMPONENTS)
            {
                *reference = format!("{DEFINITIONS}{name}");
            }
            members.values_mut().for_each(replace_references);
        }
        Value::Array(items) => items.iter_mut().for_each(replace_references),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All references in `schema`.
    fn references<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
        match schema {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn references_resolve_within_the_schema() {
        for schema in [crawl(), markdown(), html(), extraction(), crawl_job(), job_status(), job()] {
            assert_eq!(schema["type"], "object");
            let schema = Value::Object(schema);
            let mut found = Vec::new();
            references(&schema, &mut found);
            for reference in found {
                let pointer = reference.strip_prefix('#').expect("a local reference");
                assert!(schema.pointer(pointer).is_some_and(Value::is_object), "{reference} in {schema}");
            }
        }
    }

    /// The paths of the properties that do not have one type, at any depth.
    fn without_type(schema: &Value, path: &str, found: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if !property["type"].is_string() || property["type"] == "array" && !property["items"].is_object() {
                found.push(path.clone());
            }
            without_type(property, &path, found);
        }
    }

    #[test]
    fn every_parameter_of_every_tool_has_one_type() {
        let schemas = [crawl(), markdown(), html(), extraction(), crawl_job(), job_status(), job()];
        let mut found = Vec::new();
        for schema in schemas.map(Value::Object) {
            without_type(&schema, "", &mut found);
            assert!(!schema.to_string().contains("oneOf") && !schema.to_string().contains("anyOf"), "{schema}");
        }
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(crawl()["properties"]["crawler_config"]["type"], "object");
        assert_eq!(extraction()["properties"]["schema"]["type"], "object");
    }

    #[test]
    fn merged_schema_has_all_properties_and_the_first_ones_required() {
        let schema = Value::Object(crawl());
        for key in ["urls", "crawler_config", "offset", "limit", "fields"] {
            assert!(schema["properties"][key].is_object(), "{key}");
        }
        assert_eq!(schema["required"], serde_json::json!(["urls"]));
        assert_eq!(extraction()["properties"].get("webhook_config"), None);
    }
}
