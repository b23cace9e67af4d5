//! What the tools of MCP take: schemas that stand for themselves, from the types that requests are described by.

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::schemas::{
    CrawlJobRequest, CrawlRequest, HtmlRequest, JobReference, LlmJobRequest, MarkdownRequest, PartOfResult,
};

type Object = Map<String, Value>;

/// Where the OpenAPI document keeps schemas, and where one that stands for itself does.
const THERE: &str = "#/components/schemas/";
const HERE: &str = "#/$defs/";

pub fn crawl() -> Object {
    joined(whole::<CrawlRequest>(), whole::<PartOfResult>())
}

pub fn markdown() -> Object {
    whole::<MarkdownRequest>()
}

pub fn html() -> Object {
    whole::<HtmlRequest>()
}

/// Its caller waits, so there is nobody to tell.
pub fn extraction() -> Object {
    let mut schema = whole::<LlmJobRequest>();
    schema.get_mut("properties").and_then(Value::as_object_mut).map(|properties| properties.remove("webhook_config"));
    schema.get_mut("$defs").and_then(Value::as_object_mut).map(|defs| defs.remove("WebhookConfig"));
    schema
}

pub fn crawl_job() -> Object {
    whole::<CrawlJobRequest>()
}

pub fn job_status() -> Object {
    joined(whole::<JobReference>(), whole::<PartOfResult>())
}

pub fn job() -> Object {
    whole::<JobReference>()
}

/// The schema with all that it refers to.
fn whole<T: ToSchema>() -> Object {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut parts);
    let written = |schema: &RefOr<Schema>| {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        point_here(&mut schema);
        schema
    };
    let Value::Object(mut schema) = written(&T::schema()) else { return Object::new() };
    if !parts.is_empty() {
        let parts: Object = parts.iter().map(|(name, schema)| (name.clone(), written(schema))).collect();
        schema.insert("$defs".to_owned(), parts.into());
    }
    schema
}

/// One object with the properties of both.
fn joined(mut first: Object, second: Object) -> Object {
    for (key, value) in second {
        match (first.get_mut(&key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
            (None, value) => drop(first.insert(key, value)),
            _ => {}
        }
    }
    first
}

fn point_here(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(THERE)
            {
                *reference = format!("{HERE}{name}");
            }
            members.values_mut().for_each(point_here);
        }
        Value::Array(items) => items.iter_mut().for_each(point_here),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference within, by name.
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
    fn each_is_an_object_whose_references_lead_somewhere_within_it() {
        for schema in [crawl(), markdown(), html(), extraction(), crawl_job(), job_status(), job()] {
            assert_eq!(schema["type"], "object");
            let schema = Value::Object(schema);
            let mut found = Vec::new();
            references(&schema, &mut found);
            for reference in found {
                let place = reference.strip_prefix('#').expect("it is within");
                assert!(schema.pointer(place).is_some_and(Value::is_object), "{reference} in {schema}");
            }
        }
    }

    #[test]
    fn what_is_joined_has_the_properties_of_both_and_needs_what_the_first_needs() {
        let schema = Value::Object(crawl());
        for key in ["urls", "crawler_config", "offset", "limit", "fields"] {
            assert!(schema["properties"][key].is_object(), "{key}");
        }
        assert_eq!(schema["required"], serde_json::json!(["urls"]));
        assert_eq!(extraction()["properties"].get("webhook_config"), None);
    }
}
