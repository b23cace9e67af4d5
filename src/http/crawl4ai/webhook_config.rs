//! `webhook_config` of a request, and the defaults for a request without it.

use opilio_actors::domain::secret::Secret;
use opilio_actors::domain::webhook::Target;
use serde_json::{Map, Value};
use url::Url;

use super::report::Report;
use super::request_fields::RequestFields;
use super::url_policy::UrlPolicy;
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

/// Set when a webhook is signed.
const SIGNATURE_HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

const FIELDS: [&str; 3] = ["webhook_url", "webhook_data_in_payload", "webhook_headers"];

/// The `webhooks` section of the configuration, as far as it applies to a submission.
#[derive(Clone, Debug, Default)]
pub struct WebhookDefaults {
    pub enabled: bool,
    pub default_url: Option<Url>,
    pub data_in_payload: bool,
}

/// The receiver of the job's webhook. `None`: no webhook is sent.
pub fn parse(
    config: Option<&Value>,
    defaults: &WebhookDefaults,
    policy: UrlPolicy<'_>,
    report: &mut Report,
) -> Option<Target> {
    let path = FieldPath::body().child("webhook_config");
    let target = match config.filter(|config| !config.is_null()) {
        Some(Value::Object(config)) => target(config, path, defaults, policy, report),
        Some(_) => {
            report.fail(&path, InvalidValue::new("dict_type", "must be an object with a webhook_url"));
            None
        }
        None => defaults.default_url.clone().map(|url| Target {
            url,
            headers: vec![],
            data_in_payload: defaults.data_in_payload,
            trusted: true,
        }),
    };
    target.filter(|_| defaults.enabled)
}

fn target(
    config: &Map<String, Value>,
    path: FieldPath,
    defaults: &WebhookDefaults,
    policy: UrlPolicy<'_>,
    report: &mut Report,
) -> Option<Target> {
    let config = RequestFields::new(config, path);
    config.warn_unknown(&FIELDS, "not a key of webhook_config", report);
    let url = match config.get("webhook_url") {
        Some(url) => policy.webhook(url),
        None => Err(InvalidValue::new("missing", "the URL of the receiver is required")),
    };
    let url = report.check(&config.path("webhook_url"), url);
    let data_in_payload = config.flag("webhook_data_in_payload", report).unwrap_or(defaults.data_in_payload);
    let headers = headers(&config, report);
    Some(Target { url: url?, headers, data_in_payload, trusted: false })
}

fn headers(config: &RequestFields<'_>, report: &mut Report) -> Vec<(String, Secret)> {
    let Some(given) = config.get("webhook_headers") else { return vec![] };
    let path = config.path("webhook_headers");
    let map = match given {
        Value::Object(map) if map.len() <= header_rules::MAX_HEADERS => Ok(map),
        Value::Object(_) => {
            Err(InvalidValue::new("too_long", format!("must have at most {} headers", header_rules::MAX_HEADERS)))
        }
        _ => Err(InvalidValue::new("dict_type", "must be an object of names and strings")),
    };
    let checked = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(value) => header_rules::check(name, value, &SIGNATURE_HEADERS).map(|()| value),
            _ => Err("must be a string".to_owned()),
        };
        let value = report.check(&path.child(name.as_str()), value.map_err(InvalidValue::value))?;
        Some((name.clone(), Secret::new(value)))
    };
    match map {
        Ok(map) => map.iter().filter_map(checked).collect(),
        Err(error) => {
            report.fail(&path, error);
            vec![]
        }
    }
}
