//! The body of `POST /llm/job`. All invalid fields are reported at once.

use opilio_actors::domain::extraction::ExtractionSpec;
use opilio_actors::domain::extraction::schema::OutputSchema;
use opilio_actors::domain::job::JobSpec;
use opilio_actors::domain::task::Task;
use opilio_actors::ports::ModelName;
use serde_json::Value;

use super::report::Report;
use super::request_fields::RequestFields;
use super::url_policy::{PageUrl, UrlPolicy};
use super::webhook_config::{self, WebhookDefaults};
use crate::egress::Guard;
use crate::http::field_error::{FieldPath, InvalidValue, Loc, Rejection};

const FIELDS: [&str; 8] = ["url", "q", "schema", "cache", "engine", "provider", "temperature", "webhook_config"];
/// Settings of a provider that some clients send. They have no effect.
const PROVIDER_SETTINGS: [&str; 4] = ["base_url", "api_base", "api_key", "api_token"];

/// The job that the body of `POST /llm/job` describes.
///
/// # Errors
/// All invalid fields.
pub fn parse_job(body: &Value, defaults: &WebhookDefaults, guard: &Guard) -> Result<JobSpec, Rejection> {
    let body = RequestFields::of_body(body)?;
    let (mut report, policy) = (Report::default(), UrlPolicy::new(guard));
    let url = url(&body, policy, &mut report);
    let instruction = instruction(&body, &mut report);
    let schema = body.get("schema").and_then(|value| schema(value, &body.path("schema"), &mut report));
    let model = ModelChoice::parse(&body, &mut report);
    let cache = body.flag("cache", &mut report).unwrap_or(false);
    let engine = body.engine(&mut report);
    let webhook = webhook_config::parse(body.get("webhook_config"), defaults, policy, &mut report);
    for name in PROVIDER_SETTINGS.into_iter().filter(|name| body.get(name).is_some()) {
        let reason = "URLs and keys of providers are set in the server's configuration only";
        report.warn(&body.path(name), reason);
    }
    body.warn_unknown(&[&FIELDS[..], &PROVIDER_SETTINGS].concat(), "not a key of this request", &mut report);
    let ModelChoice { provider, temperature } = model;
    let spec = url.zip(instruction).map(|(url, instruction)| ExtractionSpec {
        url: url.into_string(),
        instruction,
        schema,
        provider,
        temperature,
        cache,
        engine,
    });
    let (spec, warnings) = report.finish(spec)?;
    Ok(JobSpec { task: Task::new(spec), webhook, warnings, interactive: false })
}

/// The model that a request chooses. `None`: the server's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelChoice {
    /// `family/model`.
    pub provider: Option<String>,
    pub temperature: Option<f64>,
}

impl ModelChoice {
    pub const FIELDS: [&'static str; 2] = ["provider", "temperature"];

    /// The fields `provider` and `temperature`.
    pub fn parse(body: &RequestFields<'_>, report: &mut Report) -> Self {
        let [provider_field, temperature_field] = Self::FIELDS;
        let provider = body.text(provider_field, report).map(provider);
        let provider = provider.and_then(|provider| report.check(&body.path(provider_field), provider));
        let temperature = body.get(temperature_field).map(temperature);
        let temperature = temperature.and_then(|number| report.check(&body.path(temperature_field), number));
        Self { provider, temperature }
    }
}

pub fn provider(text: &str) -> Result<String, InvalidValue> {
    let error = || InvalidValue::value("must be family/model, such as openai/gpt-4o-mini");
    ModelName::parse(text).map(|_| text.to_owned()).ok_or_else(error)
}

pub fn temperature(value: &Value) -> Result<f64, InvalidValue> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    let number = number.filter(|number| (0.0..=2.0).contains(number));
    number.ok_or_else(|| InvalidValue::value("must be a number from 0.0 to 2.0"))
}

fn url(body: &RequestFields<'_>, policy: UrlPolicy<'_>, report: &mut Report) -> Option<PageUrl> {
    let url = match body.get("url") {
        None => Err(InvalidValue::new("missing", "the URL of the page is required")),
        Some(Value::String(text)) => policy.web_page(text),
        Some(_) => Err(InvalidValue::new("url_type", "must be a string that contains a URL")),
    };
    report.check(&body.path("url"), url)
}

fn instruction(body: &RequestFields<'_>, report: &mut Report) -> Option<String> {
    let instruction = match body.get("q") {
        None => Err(InvalidValue::new("missing", "the instruction is required")),
        Some(Value::String(text)) if text.trim().is_empty() => {
            Err(InvalidValue::new("string_too_short", "must not be empty"))
        }
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(InvalidValue::new("string_type", "must be a string")),
    };
    report.check(&body.path("q"), instruction)
}

/// A JSON Schema, or its JSON text. Crawl4AI's clients send an empty string for no schema.
pub fn schema(value: &Value, path: &FieldPath, report: &mut Report) -> Option<Value> {
    let schema = match value {
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => serde_json::from_str(text)
            .map_err(|error| InvalidValue::new("json_invalid", format!("is not JSON: {error}"))),
        other => Ok(other.clone()),
    };
    let schema = report.check(path, schema)?;
    match OutputSchema::new(&schema, report.compiler()) {
        Ok(_) => Some(schema),
        Err(bad) => {
            let path =
                bad.pointer.split('/').skip(1).map(pointer_segment).fold(path.clone(), |path, step| path.child(step));
            report.fail(&path, InvalidValue::new("schema_invalid", format!("is not a JSON Schema: {}", bad.reason)));
            None
        }
    }
}

/// One segment of a JSON Pointer (RFC 6901).
fn pointer_segment(raw: &str) -> Loc {
    let name = raw.replace("~1", "/").replace("~0", "~");
    name.parse::<usize>().map_or_else(|_| Loc::from(name.as_str()), Loc::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::egress::Allowlist;

    fn job(body: &Value) -> Result<JobSpec, Rejection> {
        let defaults = WebhookDefaults { enabled: true, default_url: None, data_in_payload: false };
        parse_job(body, &defaults, &Guard::open(Allowlist::default()))
    }

    fn errors(body: Value) -> Vec<(String, &'static str)> {
        let rejection = job(&body).expect_err("the request is invalid");
        rejection.errors().iter().map(|error| (json!(error.loc).to_string(), error.kind)).collect()
    }

    fn spec(body: Value) -> ExtractionSpec {
        let job = job(&body).expect("the request is valid");
        job.task.get::<ExtractionSpec>().expect("an extraction").clone()
    }

    #[test]
    fn schema_may_be_json_text() {
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
    fn numbers_and_booleans_may_be_strings_and_null_is_absent() {
        let body = json!({"url": "https://example.com", "q": "x", "temperature": "0.5", "webhook_config":
            {"webhook_url": "https://example.com/hook", "webhook_data_in_payload": "true"}});
        let webhook = job(&body).expect("the request is valid").webhook.expect("a receiver");
        assert!(webhook.data_in_payload);
        assert_eq!(spec(body).temperature, Some(0.5));
        for (cache, expected) in [(json!("1"), true), (json!("0"), false), (json!(1), true), (json!(null), false)] {
            let body =
                json!({"url": "https://example.com", "q": "x", "cache": cache, "schema": null, "provider": null});
            assert_eq!(spec(body).cache, expected, "{cache}");
        }
    }

    #[test]
    fn default_receiver_applies_without_webhook_config() {
        let url = "http://receiver.example/hook".parse().ok();
        let defaults = WebhookDefaults { enabled: true, default_url: url, data_in_payload: true };
        let body = json!({"url": "https://example.com", "q": "x"});
        let job = parse_job(&body, &defaults, &Guard::open(Allowlist::default())).expect("the request is valid");
        let target = job.webhook.expect("the default");
        assert!(target.trusted && target.data_in_payload);
    }

    #[test]
    fn all_invalid_fields_are_reported_at_once() {
        let errors = errors(json!({"url": "raw:<p>", "q": " ", "schema": "{", "cache": "maybe", "provider": "gpt-4o",
            "temperature": 3, "webhook_config": {}}));
        let paths: Vec<_> = errors.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
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
        assert_eq!(errors[2].1, "json_invalid");
    }

    #[test]
    fn invalid_schema_is_reported_at_its_keyword() {
        let schema = json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "strng"}]}}});
        let errors = errors(json!({"url": "https://example.com", "q": "x", "schema": schema}));
        assert_eq!(errors, [(r#"["body","schema","properties","a","anyOf",0,"type"]"#.to_owned(), "schema_invalid")]);
    }

    #[test]
    fn provider_settings_have_no_effect_and_give_warnings() {
        let body = json!({"url": "https://example.com", "q": "x", "base_url": "http://evil.example", "api_key": "k"});
        let job = job(&body).expect("the request is valid");
        let keys: Vec<_> = job.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(keys, ["base_url", "api_key"]);
        assert!(!serde_json::to_string(&job.task).expect("a task is JSON").contains("evil"));
    }
}
