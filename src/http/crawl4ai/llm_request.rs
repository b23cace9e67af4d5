//! An LLM job's request: read whole, with everything that is wrong in it named at once.

use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::domain::extraction::schema::OutputSchema;
use opilio_actors::domain::job::JobSpec;
use opilio_actors::domain::task::Task;
use opilio_actors::ports::ModelName;
use serde_json::{Map, Value};

use super::crawl_request::{Fields, beyond, field_error, truth};
use super::webhook_config::{self, WebhookDefaults, web_address};
use crate::http::field_error::{FieldError, Loc};

const KEYS: [&str; 7] = ["url", "q", "schema", "cache", "provider", "temperature", "webhook_config"];
/// What clients of providers send beside them.
const PROVIDERS: [&str; 4] = ["base_url", "api_base", "api_key", "api_token"];

/// The job that `body` asks for.
///
/// # Errors
/// All wrong fields.
pub fn llm_job(body: &Value, defaults: &WebhookDefaults) -> Result<JobSpec, Vec<FieldError>> {
    let Value::Object(body) = body else {
        return Err(vec![field_error(&[], "model_attributes_type", "an object is needed")]);
    };
    let mut fields = Fields::default();
    let errors = &mut fields.errors;
    let spec = ExtractionSpec {
        url: url(body, errors),
        instruction: instruction(body, errors),
        schema: schema(body, errors),
        provider: provider(body, errors),
        temperature: temperature(body, errors),
        cache: cache(body, errors),
    };
    let webhook = webhook_config::target(body.get("webhook_config"), defaults, &mut fields);
    let (addressing, unknown): (Vec<_>, Vec<_>) =
        beyond(body, &KEYS).partition(|key| PROVIDERS.contains(&key.as_str()));
    let reason = "addresses and keys of providers come from the server's configuration only";
    fields.without_effect("", addressing.into_iter(), reason);
    fields.without_effect("", unknown.into_iter(), "not a key of this request");
    if !fields.errors.is_empty() {
        return Err(fields.errors);
    }
    Ok(JobSpec { task: Task::new(spec), webhook, warnings: fields.warnings, interactive: false })
}

/// The field, unless it is absent.
fn given<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    body.get(key).filter(|value| !value.is_null())
}

fn url(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> String {
    let wrong = match given(body, "url") {
        None => ("missing", "the page to read is needed".to_owned()),
        Some(Value::String(text)) => match web_address(text) {
            Ok(_) => return text.clone(),
            Err(why) => ("url_parsing", why),
        },
        Some(_) => ("url_type", "a URL is a text".to_owned()),
    };
    errors.push(field_error(&["url"], wrong.0, wrong.1));
    String::new()
}

fn instruction(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> String {
    let wrong = match given(body, "q") {
        None => ("missing", "the instruction is needed"),
        Some(Value::String(text)) if !text.trim().is_empty() => return text.clone(),
        Some(Value::String(_)) => ("string_too_short", "the instruction is empty"),
        Some(_) => ("string_type", "a text is needed"),
    };
    errors.push(field_error(&["q"], wrong.0, wrong.1));
    String::new()
}

/// Text that holds a schema, or the schema. An empty text is what existing clients send for none.
fn schema(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<Value> {
    let schema = match given(body, "schema")? {
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => match serde_json::from_str(text) {
            Ok(schema) => schema,
            Err(error) => {
                errors.push(field_error(&["schema"], "json_invalid", format!("not JSON: {error}")));
                return None;
            }
        },
        other => other.clone(),
    };
    match OutputSchema::new(&schema) {
        Ok(_) => Some(schema),
        Err(bad) => {
            let mut loc = vec![Loc::from("body"), Loc::from("schema")];
            loc.extend(bad.pointer.split('/').skip(1).map(step));
            errors.push(FieldError { loc, msg: format!("not a JSON Schema: {}", bad.reason), kind: "schema_invalid" });
            None
        }
    }
}

/// One step of a JSON Pointer (RFC 6901).
fn step(raw: &str) -> Loc {
    let name = raw.replace("~1", "/").replace("~0", "~");
    name.parse::<usize>().map_or_else(|_| Loc::from(name.as_str()), Loc::from)
}

fn provider(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<String> {
    let wrong = match given(body, "provider")? {
        Value::String(text) if ModelName::parse(text).is_some() => return Some(text.clone()),
        Value::String(_) => ("value_error", "family/model is needed, such as openai/gpt-4o-mini"),
        _ => ("string_type", "a text is needed"),
    };
    errors.push(field_error(&["provider"], wrong.0, wrong.1));
    None
}

fn temperature(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Option<f64> {
    let number = match given(body, "temperature")? {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    let good = number.filter(|number| (0.0..=2.0).contains(number));
    if good.is_none() {
        errors.push(field_error(&["temperature"], "value_error", "a number from 0.0 to 2.0 is needed"));
    }
    good
}

fn cache(body: &Map<String, Value>, errors: &mut Vec<FieldError>) -> bool {
    let Some(value) = given(body, "cache") else { return false };
    truth(value).unwrap_or_else(|| {
        errors.push(field_error(&["cache"], "bool_type", "true or false is needed"));
        false
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn defaults() -> WebhookDefaults {
        WebhookDefaults { enabled: true, default_url: None, data_in_payload: false }
    }

    fn wrong(body: Value) -> Vec<(String, &'static str)> {
        let errors = llm_job(&body, &defaults()).expect_err("something is wrong with it");
        let path = |error: &FieldError| serde_json::to_string(&error.loc).expect("a path is JSON");
        errors.iter().map(|error| (path(error), error.kind)).collect()
    }

    fn spec(body: Value) -> ExtractionSpec {
        let job = llm_job(&body, &defaults()).expect("the request is valid");
        job.task.get::<ExtractionSpec>().expect("an extraction").clone()
    }

    #[test]
    fn example_6_is_taken_with_its_schema_as_a_text() {
        let spec = spec(json!({
            "url": "https://example.com/article",
            "q": "Extract the article title, author, and publication date",
            "schema": "{\"type\": \"object\", \"properties\": {\"title\": {\"type\": \"string\"}}}",
            "cache": false, "provider": "openai/gpt-4o-mini",
        }));
        assert_eq!(spec.schema, Some(json!({"type": "object", "properties": {"title": {"type": "string"}}})));
        assert_eq!((spec.provider.as_deref(), spec.cache), (Some("openai/gpt-4o-mini"), false));
    }

    #[test]
    fn numbers_and_truths_may_be_texts_and_a_null_is_absent() {
        let body = json!({"url": "https://example.com", "q": "x", "temperature": "0.5", "webhook_config":
            {"webhook_url": "https://example.com/hook", "webhook_data_in_payload": "true"}});
        let found = llm_job(&body, &WebhookDefaults { enabled: true, ..WebhookDefaults::default() });
        let found = found.expect("nothing is wrong with it");
        assert!(found.webhook.expect("it is named").data_in_payload);
        assert_eq!(spec(body).temperature, Some(0.5));
        for (cache, meant) in [(json!("1"), true), (json!("0"), false), (json!(1), true), (json!(null), false)] {
            let body =
                json!({"url": "https://example.com", "q": "x", "cache": cache, "schema": null, "provider": null});
            assert_eq!(spec(body).cache, meant, "{cache}");
        }
    }

    #[test]
    fn the_default_receiver_is_told_when_the_request_names_none() {
        let url = "http://receiver.example/hook".parse().ok();
        let defaults = WebhookDefaults { enabled: true, default_url: url, data_in_payload: true };
        let body = json!({"url": "https://example.com", "q": "x"});
        let target = llm_job(&body, &defaults).expect("nothing is wrong with it").webhook.expect("the default");
        assert!(target.trusted && target.data_in_payload);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let found = wrong(json!({"url": "raw:<p>", "q": " ", "schema": "{", "cache": "yes", "provider": "gpt-4o",
            "temperature": 3, "webhook_config": {}}));
        let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                r#"["body","url"]"#,
                r#"["body","q"]"#,
                r#"["body","schema"]"#,
                r#"["body","provider"]"#,
                r#"["body","temperature"]"#,
                r#"["body","cache"]"#,
                r#"["body","webhook_config","webhook_url"]"#,
            ]
        );
        assert_eq!(found[2].1, "json_invalid");
    }

    #[test]
    fn what_is_no_schema_is_named_with_its_place_within() {
        let schema = json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "strng"}]}}});
        let found = wrong(json!({"url": "https://example.com", "q": "x", "schema": schema}));
        assert_eq!(found, [(r#"["body","schema","properties","a","anyOf",0,"type"]"#.to_owned(), "schema_invalid")]);
    }

    #[test]
    fn an_address_or_a_key_in_the_request_has_no_effect_and_is_named() {
        let body = json!({"url": "https://example.com", "q": "x", "base_url": "http://evil.example", "api_key": "k"});
        let job = llm_job(&body, &defaults()).expect("nothing is wrong with it");
        let named: Vec<_> = job.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(named, ["base_url", "api_key"]);
        assert!(!serde_json::to_string(&job.task).expect("it is stored so").contains("evil"));
    }
}
