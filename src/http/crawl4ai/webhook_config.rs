//! `webhook_config` of a request, and what applies without it.

use opilio_actors::domain::secret::Secret;
use opilio_actors::domain::webhook::Target;
use serde_json::{Map, Value};
use url::Url;

use super::crawl_request::{Fields, beyond, field_error, truth};
use crate::http::field_error::FieldError;
use crate::http::header_rules;

/// Set by the signing of each webhook.
const SIGNED: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

const KEYS: [&str; 3] = ["webhook_url", "webhook_data_in_payload", "webhook_headers"];

/// The operator's choices.
#[derive(Clone, Debug, Default)]
pub struct WebhookDefaults {
    pub enabled: bool,
    pub default_url: Option<Url>,
    pub data_in_payload: bool,
}

/// Whom to tell; `None`: nobody.
pub fn target(config: Option<&Value>, defaults: &WebhookDefaults, fields: &mut Fields) -> Option<Target> {
    let target = match config.filter(|config| !config.is_null()) {
        Some(Value::Object(config)) => named(config, defaults, fields),
        Some(_) => {
            fields.errors.push(field_error(&["webhook_config"], "dict_type", "an object with a webhook_url is needed"));
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

fn named(config: &Map<String, Value>, defaults: &WebhookDefaults, fields: &mut Fields) -> Option<Target> {
    fields.without_effect("webhook_config.", beyond(config, &KEYS), "not a key of webhook_config");
    let url = match config.get("webhook_url").filter(|url| !url.is_null()) {
        None => Err(("missing", "the address to tell is needed".to_owned())),
        Some(Value::String(text)) => web_address(text).map_err(|why| ("url_parsing", why)),
        Some(_) => Err(("url_type", "an address is a text".to_owned())),
    };
    let url = url.map_err(|(kind, msg)| fields.errors.push(field_error(&["webhook_config", "webhook_url"], kind, msg)));
    let data_in_payload = match config.get("webhook_data_in_payload") {
        None | Some(Value::Null) => defaults.data_in_payload,
        Some(value) => truth(value).unwrap_or_else(|| {
            let loc = ["webhook_config", "webhook_data_in_payload"];
            fields.errors.push(field_error(&loc, "bool_type", "true or false is needed"));
            false
        }),
    };
    let headers = headers(config.get("webhook_headers"), &mut fields.errors);
    Some(Target { url: url.ok()?, headers, data_in_payload, trusted: false })
}

fn headers(given: Option<&Value>, errors: &mut Vec<FieldError>) -> Vec<(String, Secret)> {
    let loc = ["webhook_config", "webhook_headers"];
    let headers = match given {
        None | Some(Value::Null) => return vec![],
        Some(Value::Object(headers)) if headers.len() <= header_rules::MAX_HEADERS => headers,
        Some(Value::Object(_)) => {
            let msg = format!("at most {} headers", header_rules::MAX_HEADERS);
            errors.push(field_error(&loc, "too_long", msg));
            return vec![];
        }
        Some(_) => {
            errors.push(field_error(&loc, "dict_type", "an object of names and texts is needed"));
            return vec![];
        }
    };
    let mut good = Vec::new();
    for (name, value) in headers {
        let checked = match value {
            Value::String(value) => header_rules::check(name, value, &SIGNED).map(|()| value),
            _ => Err("a header's value is a text".to_owned()),
        };
        match checked {
            Ok(value) => good.push((name.clone(), Secret::new(value))),
            Err(msg) => errors.push(field_error(&[loc[0], loc[1], name], "value_error", msg)),
        }
    }
    good
}

/// An absolute `http(s)` address with a host.
pub fn web_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("Input should be a valid URL, {error}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(format!("URL scheme should be http or https, not {other}")),
    }
}
