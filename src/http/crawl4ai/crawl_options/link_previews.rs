//! `link_preview_config`: which of a page's links are previewed.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::link_preview::LinkPreviews;
use serde_json::Value;

use super::builder::OptionsBuilder;
use super::normalize::typed;
use super::parameters::Parameters;
use super::url_matcher::parse_pattern;
use super::value::{GivenValue, map};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::InvalidValue;

const MAX_LINKS: f64 = 100.0;
const MAX_CONCURRENCY: f64 = 10.0;
const MAX_TIMEOUT: f64 = 60.0;
const MAX_PATTERNS: usize = 20;
const NAMES: [&str; 10] = [
    "include_internal",
    "include_external",
    "include_patterns",
    "exclude_patterns",
    "concurrency",
    "timeout",
    "max_links",
    "verbose",
    "query",
    "score_threshold",
];

pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let params = typed(given.value).map_or(given.value, |(_, params)| params);
    if report.check(&given.path, map(params)).is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let errors = report.error_count();
    let Some(params) = Parameters::new(Some(params), &given.path, &NAMES, report) else { return };
    for name in ["query", "score_threshold"] {
        if params.get(name).is_some() {
            report.warn(&params.path(name), "links are not ranked by a query");
        }
    }
    let internal = params.flag("include_internal", report).unwrap_or(true);
    let external = params.flag("include_external", report).unwrap_or(false);
    if !internal && !external {
        let msg = "at least one of include_internal and include_external must be true";
        report.fail(&given.path, InvalidValue::value(msg));
    }
    let include = params.parse("include_patterns", patterns, report);
    let exclude = params.parse("exclude_patterns", patterns, report);
    let max_links = clamped(&params, "max_links", 100.0, MAX_LINKS, report);
    let concurrency = clamped(&params, "concurrency", 10.0, MAX_CONCURRENCY, report);
    let timeout = clamped(&params, "timeout", 5.0, MAX_TIMEOUT, report);
    if report.error_count() > errors {
        return;
    }
    builder.options.link_previews = Some(LinkPreviews {
        internal,
        external,
        include: include.unwrap_or_default(),
        exclude: exclude.unwrap_or_default(),
        max_links: max_links as usize,
        concurrency: NonZeroUsize::new(concurrency as usize).unwrap_or(NonZeroUsize::MIN),
        timeout: Duration::from_secs_f64(timeout),
    });
}

/// A positive number. A larger one than `max` is clamped, with a warning.
fn clamped(params: &Parameters<'_>, name: &str, default: f64, max: f64, report: &mut Report) -> f64 {
    let min = if name == "timeout" { 0.001 } else { 1.0 };
    let number = params.number(name, min..=f64::MAX, report).unwrap_or(default);
    if number > max {
        report.warn(&params.path(name), format!("reduced to {max}, the server's maximum"));
    }
    number.min(max)
}

/// A pattern, or a list of them.
fn patterns(value: &Value) -> Result<Vec<String>, InvalidValue> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let parse = |value: &Value| parse_pattern(value.as_str()?).map(|pattern| pattern.as_str().to_owned());
    let patterns: Option<Vec<_>> = list.iter().map(parse).collect();
    let msg = format!("must be at most {MAX_PATTERNS} patterns such as *.example.com/*");
    patterns.filter(|patterns| patterns.len() <= MAX_PATTERNS).ok_or_else(|| InvalidValue::value(msg))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::field_error::FieldPath;

    fn parse(value: &Value) -> (Option<LinkPreviews>, usize, usize) {
        let (mut builder, mut report) = (OptionsBuilder::default(), Report::default());
        set(&mut builder, &GivenValue { value, path: FieldPath::body(), is_default: false }, &mut report);
        let (rejection, warnings) = report.into_parts();
        let errors = rejection.map_or(0, |rejection| rejection.errors().len());
        (builder.options.link_previews, errors, warnings.len())
    }

    #[test]
    fn parameters_have_crawl4ai_defaults_and_are_clamped() {
        let params = json!({"include_external": true, "max_links": 5000, "concurrency": 50, "timeout": 2,
            "include_patterns": ["*/docs/*"], "query": "x", "verbose": false});
        for value in [params.clone(), json!({"type": "LinkPreviewConfig", "params": params})] {
            let (previews, errors, warnings) = parse(&value);
            let previews = previews.expect("valid");
            assert_eq!((errors, warnings, previews.max_links, previews.concurrency.get()), (0, 3, 100, 10));
            assert!(previews.internal && previews.external && previews.timeout == Duration::from_secs(2));
            assert_eq!(previews.include, ["*/docs/*"]);
        }
        let (previews, ..) = parse(&json!({"type": "LinkPreviewConfig", "params": {"verbose": true}}));
        assert!(previews.is_some_and(|previews| previews.internal && !previews.external));
        assert_eq!(parse(&json!({})), (None, 0, 0));
    }

    #[test]
    fn invalid_parameters_are_errors() {
        for value in [
            json!("x"),
            json!({"include_internal": false}),
            json!({"max_links": 0}),
            json!({"concurrency": "many"}),
            json!({"include_patterns": [3]}),
            json!({"exclude_patterns": vec!["*"; 21]}),
        ] {
            let (previews, errors, _) = parse(&value);
            assert_eq!((previews, errors), (None, 1), "{value}");
        }
    }
}
