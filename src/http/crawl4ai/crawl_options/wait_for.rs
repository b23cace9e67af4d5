//! `wait_for`: the condition that a page must meet before it is read.

use super::builder::OptionsBuilder;
use super::value::GivenValue;
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::InvalidValue;

const SCRIPT: &str = "wait_for with a condition in JavaScript is not available yet; use css:SELECTOR";

/// `css:…` or a bare selector. A blank condition is ignored.
pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some(condition) = report.check(&given.path, given.text()).map(str::trim) else { return };
    if is_script(condition) {
        return report.reject(&given.path, InvalidValue::unsupported(SCRIPT));
    }
    let selector = condition.strip_prefix("css:").unwrap_or(condition).trim();
    if condition.is_empty() {
        return;
    }
    let compiled = report.compiler().check_css_selector(selector).map_err(InvalidValue::value);
    if report.check(&given.path, compiled).is_some() {
        builder.options.page.required_selector = Some(selector.to_owned());
    }
}

/// `js:…`, or a function without the prefix, as Crawl4AI detects it.
fn is_script(condition: &str) -> bool {
    let function = condition.strip_prefix("async ").unwrap_or(condition).trim_start();
    let rest = function.strip_prefix("function").unwrap_or_default();
    condition.starts_with("js:") || function.starts_with('(') || rest.starts_with(['(', ' '])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::field_error::FieldPath;

    fn set_to(value: &Value) -> Result<Option<String>, &'static str> {
        let (mut builder, mut report) = (OptionsBuilder::default(), Report::default());
        set(&mut builder, &GivenValue { value, path: FieldPath::body(), is_default: false }, &mut report);
        match report.into_parts().0 {
            Some(rejection) => Err(rejection.errors()[0].kind),
            None => Ok(builder.options.page.required_selector),
        }
    }

    #[test]
    fn selector_is_read_with_and_without_prefix() {
        for condition in ["css:.x > a", ".x > a", " css: .x > a "] {
            assert_eq!(set_to(&json!(condition)), Ok(Some(".x > a".to_owned())), "{condition}");
        }
        assert_eq!(set_to(&json!(" ")), Ok(None));
        assert_eq!(set_to(&json!("functional-x:not(.a)")), Ok(Some("functional-x:not(.a)".to_owned())));
    }

    #[test]
    fn scripts_are_not_supported_and_other_texts_are_errors() {
        for script in ["js:() => true", "() => document.title", "function () { return 1 }", "async () => 1", "js:1"] {
            assert_eq!(set_to(&json!(script)), Err("not_supported"), "{script}");
        }
        for invalid in ["css:", "css:..", "p[", "css:a{"] {
            assert_eq!(set_to(&json!(invalid)), Err("value_error"), "{invalid}");
        }
        assert_eq!(set_to(&json!(["css:.x"])), Err("string_type"));
    }
}
