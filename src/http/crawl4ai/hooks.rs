//! `hooks` of a crawl: declarative actions in Crawl4AI's form. Without a browser those that concern the request for a page
//! are honoured.

mod action;
mod effect;
mod info;

use serde_json::Value;

use super::report::Report;
use super::request_fields::RequestFields;
use crate::http::field_error::{FieldPath, InvalidValue};
use action::Action;

pub use effect::Hooks;
pub use info::routes;

pub const MAX_HOOKS: usize = 10;
const MAX_TIMEOUT: f64 = 120.0;
const DEFAULT_TIMEOUT: f64 = 30.0;
const CODE: &str = "hooks as Python code are not executed; use the actions that GET /hooks/info lists, such as \
                    {\"hooks\": [{\"action\": \"set_headers\", \"params\": {\"headers\": {}}}]}";

/// `{"hooks": [{"action", "params"}], "timeout"}`, or only the list.
pub fn parse(value: &Value, path: &FieldPath, report: &mut Report) -> Hooks {
    let mut hooks = Hooks::default();
    match value {
        Value::Array(list) => add_all(list, path, &mut hooks, report),
        Value::Object(fields) => read(&RequestFields::new(fields, path.clone()), &mut hooks, report),
        _ => {
            let form = r#"must be an object such as {"hooks": [{"action": "block_resources", "params": {…}}]}"#;
            report.fail(path, InvalidValue::new("dict_type", form));
        }
    }
    hooks
}

fn read(fields: &RequestFields<'_>, hooks: &mut Hooks, report: &mut Report) {
    if fields.get("code").is_some_and(|code| !is_empty(code)) {
        report.reject(&fields.path("code"), InvalidValue::unsupported(CODE));
    }
    if let Some(list) = fields.get("hooks") {
        let path = fields.path("hooks");
        let list = list.as_array().ok_or_else(|| InvalidValue::new("list_type", "must be a list of hooks"));
        if let Some(list) = report.check(&path, list) {
            add_all(list, &path, hooks, report);
        }
    }
    if let Some(given) = fields.get("timeout") {
        let path = fields.path("timeout");
        if report.check(&path, timeout(given)).is_some_and(|seconds| seconds != DEFAULT_TIMEOUT) {
            report.warn(&path, "applies only to hooks that run in a browser");
        }
    }
    fields.warn_unknown(&["hooks", "code", "timeout"], "not a key of `hooks`", report);
}

fn timeout(value: &Value) -> Result<f64, InvalidValue> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let seconds = seconds.filter(|seconds| (1.0..=MAX_TIMEOUT).contains(seconds));
    seconds.ok_or_else(|| InvalidValue::value(format!("must be a number of seconds from 1 to {MAX_TIMEOUT}")))
}

fn add_all(list: &[Value], path: &FieldPath, hooks: &mut Hooks, report: &mut Report) {
    if list.len() > MAX_HOOKS {
        let msg = format!("must have at most {MAX_HOOKS} hooks");
        return report.fail(path, InvalidValue::new("too_long", msg));
    }
    for (index, hook) in list.iter().enumerate() {
        let path = path.child(index);
        let fields = hook.as_object().ok_or_else(|| InvalidValue::new("dict_type", "must be an object"));
        let Some(fields) = report.check(&path, fields) else { continue };
        let fields = RequestFields::new(fields, path);
        if let Some(action) = Action::parse(&fields, report) {
            action.apply(&fields, hooks, report);
            hooks.attach(action.hook_point());
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
