//! The actions of hooks: their names, parameters and effects.

use serde_json::{Map, Value, json};

use super::effect::Hooks;
use crate::http::crawl4ai::crawl_options::parse_cookies;
use crate::http::crawl4ai::report::Report;
use crate::http::crawl4ai::request_fields::RequestFields;
use crate::http::field_error::{FieldPath, InvalidValue};
use crate::http::header_rules;

const MAX_COOKIES: usize = 20;
const RESOURCES: [&str; 4] = ["font", "image", "media", "stylesheet"];
const NEEDS_BROWSER: &str = "needs a browser, which this server does not have; leave it out to fetch pages over HTTP";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    AddCookies,
    BlockResources,
    ScrollToBottom,
    SetHeaders,
    WaitForTimeout,
}

impl Action {
    pub const ALL: [Self; 5] =
        [Self::AddCookies, Self::BlockResources, Self::ScrollToBottom, Self::SetHeaders, Self::WaitForTimeout];

    pub fn name(self) -> &'static str {
        match self {
            Self::AddCookies => "add_cookies",
            Self::BlockResources => "block_resources",
            Self::ScrollToBottom => "scroll_to_bottom",
            Self::SetHeaders => "set_headers",
            Self::WaitForTimeout => "wait_for_timeout",
        }
    }

    /// Crawl4AI's name of the point at which the action runs.
    pub fn hook_point(self) -> &'static str {
        match self {
            Self::AddCookies | Self::BlockResources => "on_page_context_created",
            Self::SetHeaders => "before_goto",
            Self::ScrollToBottom | Self::WaitForTimeout => "before_retrieve_html",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::AddCookies => "Send cookies to the domains that they name.",
            Self::BlockResources => "Do not load these kinds of subresources.",
            Self::ScrollToBottom => "Scroll to the end of the page in steps.",
            Self::SetHeaders => "Send these headers with the request for each page.",
            Self::WaitForTimeout => "Wait before the page is read.",
        }
    }

    /// `None`: the action is available.
    pub fn unavailable(self) -> Option<&'static str> {
        matches!(self, Self::ScrollToBottom | Self::WaitForTimeout).then_some(NEEDS_BROWSER)
    }

    /// The JSON Schema of the parameters.
    pub fn params_schema(self) -> Value {
        let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required});
        match self {
            Self::AddCookies => {
                let cookie = object(
                    json!({
                        "name": {"type": "string"}, "value": {"type": "string"}, "domain": {"type": "string"},
                        "path": {"type": "string", "default": "/"}, "secure": {"type": "boolean", "default": true},
                        "httpOnly": {"type": "boolean", "default": false},
                    }),
                    &["name", "value", "domain"],
                );
                let list = json!({"type": "array", "items": cookie, "minItems": 1, "maxItems": MAX_COOKIES});
                object(json!({"cookies": list}), &["cookies"])
            }
            Self::BlockResources => {
                let kind = json!({"type": "string", "enum": RESOURCES});
                object(json!({"resource_types": {"type": "array", "items": kind, "minItems": 1}}), &["resource_types"])
            }
            Self::ScrollToBottom => {
                let steps = json!({"type": "integer", "minimum": 1, "maximum": 50, "default": 10});
                let delay = json!({"type": "integer", "minimum": 0, "maximum": 5000, "default": 500});
                object(json!({"max_steps": steps, "delay_ms": delay}), &[])
            }
            Self::SetHeaders => {
                let headers = json!({"type": "object", "additionalProperties": {"type": "string"}});
                object(json!({"headers": headers}), &["headers"])
            }
            Self::WaitForTimeout => {
                let timeout = json!({"type": "integer", "minimum": 0, "maximum": 60000});
                object(json!({"timeout_ms": timeout}), &["timeout_ms"])
            }
        }
    }

    /// The action that a hook names. An unknown or unavailable one is an error.
    pub fn parse(hook: &RequestFields<'_>, report: &mut Report) -> Option<Self> {
        let path = hook.path("action");
        let action = match hook.get("action") {
            None => Err(InvalidValue::new("missing", "is required")),
            Some(name) => Self::ALL.into_iter().find(|action| name == action.name()).ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                InvalidValue::value(format!("must be one of {names}"))
            }),
        };
        let action = report.check(&path, action)?;
        match action.unavailable() {
            Some(reason) => {
                let sentence = format!("the hook {} {reason}", action.name());
                report.reject(&path, InvalidValue::unsupported(sentence));
                None
            }
            None => Some(action),
        }
    }

    /// Reads the parameters of `hook` and adds their effect to `hooks`.
    pub fn apply(self, hook: &RequestFields<'_>, hooks: &mut Hooks, report: &mut Report) {
        hook.warn_unknown(&["action", "params"], "not a key of a hook", report);
        let path = hook.path("params");
        let none = Map::new();
        let params = hook.get("params").map_or(Some(&none), Value::as_object);
        let params = params.ok_or_else(|| InvalidValue::new("dict_type", "must be an object"));
        let Some(params) = report.check(&path, params) else { return };
        let params = RequestFields::new(params, path);
        match self {
            Self::AddCookies => {
                params.warn_unknown(&["cookies"], "not a parameter of this action", report);
                let Some((list, path)) = required_list(&params, "cookies", report) else { return };
                let cookies = parse_cookies(list, &path, (MAX_COOKIES, true), report);
                cookies.into_iter().for_each(|cookie| hooks.add_cookie(cookie));
            }
            Self::BlockResources => {
                params.warn_unknown(&["resource_types"], "not a parameter of this action", report);
                let Some((list, path)) = required_list(&params, "resource_types", report) else { return };
                // Only the page itself is loaded, so nothing remains to be blocked.
                for (index, kind) in list.iter().enumerate() {
                    if !RESOURCES.iter().any(|known| kind == known) {
                        let msg = format!("must be one of {}", RESOURCES.join(", "));
                        report.fail(&path.child(index), InvalidValue::value(msg));
                    }
                }
            }
            Self::SetHeaders => set_headers(&params, hooks, report),
            Self::ScrollToBottom | Self::WaitForTimeout => {}
        }
    }
}

/// A list, or a single value in its place; not empty.
fn required_list<'v>(params: &RequestFields<'v>, name: &str, report: &mut Report) -> Option<(&'v [Value], FieldPath)> {
    let path = params.path(name);
    let list = match params.get(name) {
        None => Err(InvalidValue::new("missing", "is required")),
        Some(Value::Array(list)) if list.is_empty() => Err(InvalidValue::new("too_short", "must not be empty")),
        Some(Value::Array(list)) => Ok(list.as_slice()),
        Some(one) => Ok(std::slice::from_ref(one)),
    };
    Some((report.check(&path, list)?, path))
}

fn set_headers(params: &RequestFields<'_>, hooks: &mut Hooks, report: &mut Report) {
    params.warn_unknown(&["headers"], "not a parameter of this action", report);
    let path = params.path("headers");
    let headers = match params.get("headers") {
        None => Err(InvalidValue::new("missing", "is required")),
        Some(Value::Object(headers)) if headers.len() > header_rules::MAX_HEADERS => {
            let msg = format!("must have at most {} headers", header_rules::MAX_HEADERS);
            Err(InvalidValue::new("too_long", msg))
        }
        Some(Value::Object(headers)) => Ok(headers),
        Some(_) => Err(InvalidValue::new("dict_type", "must be an object")),
    };
    let Some(headers) = report.check(&path, headers) else { return };
    for (name, value) in headers {
        let path = path.child(name.as_str());
        let value = value.as_str().map(str::trim).ok_or_else(|| InvalidValue::new("string_type", "must be a string"));
        let value = value.and_then(|value| {
            header_rules::check(name, value, &[]).map_err(InvalidValue::value)?;
            Ok(value)
        });
        let Some(value) = report.check(&path, value) else { continue };
        match name.to_ascii_lowercase() {
            name if name == "accept-encoding" => {
                report.warn(&path, "the server negotiates and decodes content encodings itself");
            }
            name => hooks.set_header(name, value),
        }
    }
}
