//! The table and the parser together.

use std::time::Duration;

use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::Warning;
use serde_json::{Map, Value, json};

use super::key::{Class, Section, Usage};
use super::table::{OWN_KEYS, find, keys};
use super::{OptionsBuilder, parse_browser, parse_crawler};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldError, FieldPath, Rejection};

mod content;
mod cookies;
mod defaults;
mod extraction;
mod headers;
mod honoured;
mod llm_strategy;
mod rejected;

#[derive(Debug)]
struct Parsed {
    options: CrawlOptions,
    /// Those of the check that decides.
    errors: Vec<FieldError>,
    /// The errors are a `400`.
    unsupported: bool,
    warnings: Vec<Warning>,
}

/// Parses the configurations of a job.
fn parse(browser: Option<&Value>, crawler: Option<&Value>) -> Parsed {
    let (mut builder, mut report) = (OptionsBuilder::default(), Report::default());
    let path = |name: &str| FieldPath::body().child(name);
    let given = |config: Option<&Value>| config.filter(|config| !config.is_null()).cloned();
    if let Some(config) = given(browser) {
        parse_browser(&config, &path("browser_config"), &mut builder, &mut report);
    }
    if let Some(config) = given(crawler) {
        parse_crawler(&config, &path("crawler_config"), Usage::Job, &mut builder, &mut report);
    }
    let (rejection, warnings) = report.into_parts();
    let unsupported = matches!(rejection, Some(Rejection::Unsupported(_)));
    let errors = rejection.map_or(vec![], |rejection| rejection.errors().to_vec());
    Parsed { options: builder.finish(), errors, unsupported, warnings }
}

fn crawler(config: Value) -> Parsed {
    parse(None, Some(&config))
}

fn browser(config: Value) -> Parsed {
    parse(Some(&config), None)
}

/// The options, if there are no errors and no warnings.
#[track_caller]
fn accepted(parsed: Parsed) -> CrawlOptions {
    assert!(parsed.errors.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
    parsed.options
}

/// The paths and types of all errors.
fn errors(parsed: &Parsed) -> Value {
    let error = |error: &FieldError| json!([error.loc, error.kind]);
    parsed.errors.iter().map(error).collect()
}

fn warned(parsed: &Parsed) -> Vec<&str> {
    parsed.warnings.iter().map(|warning| warning.key.as_str()).collect()
}

#[test]
fn empty_configuration_gives_default_options() {
    for config in [json!(null), json!({}), json!({"page_timeout": null})] {
        assert_eq!(accepted(crawler(config.clone())), Default::default());
        assert_eq!(accepted(browser(config.as_object().map_or(json!(null), |_| json!({})))), Default::default());
    }
    assert_eq!(accepted(parse(None, None)), Default::default());
}

#[test]
fn flat_typed_and_dict_forms_are_equal() {
    let expected = accepted(crawler(json!({"page_timeout": 1500})));
    assert_eq!(expected.fetch.page_timeout, Some(Duration::from_millis(1500)));
    for config in [
        json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 1500}}),
        json!({"type": "dict", "value": {"page_timeout": 1500}}),
        json!({"type": "CrawlerRunConfig", "params": {"type": "dict", "value": {"page_timeout": 1500}}}),
    ] {
        assert_eq!(accepted(crawler(config)), expected);
    }
    assert_eq!(accepted(crawler(json!({"type": "CrawlerRunConfig", "params": null}))), Default::default());
}

#[test]
fn configuration_of_another_type_is_an_error() {
    for config in [json!(1), json!([]), json!("x"), json!({"type": "CrawlerRunConfig", "params": []})] {
        assert_eq!(errors(&crawler(config)), json!([[["body", "crawler_config"], "dict_type"]]));
    }
    let other = crawler(json!({"type": "BrowserConfig", "params": {"headless": true}}));
    assert_eq!(errors(&other), json!([[["body", "crawler_config"], "value_error"]]));
    assert!(other.errors[0].msg.contains("CrawlerRunConfig"));
}

#[test]
fn all_invalid_fields_precede_unsupported_keys() {
    let parsed = parse(
        Some(&json!({"user_agent": 1, "proxy": "http://p.example:1", "cookies": {}})),
        Some(&json!({"page_timeout": -1, "max_retries": -1, "js_code": "x", "markdown_generator": "x"})),
    );
    let expected = json!([
        [["body", "browser_config", "user_agent"], "string_type"],
        [["body", "browser_config", "cookies"], "list_type"],
        [["body", "crawler_config", "page_timeout"], "greater_than_equal"],
        [["body", "crawler_config", "max_retries"], "greater_than_equal"],
        [["body", "crawler_config", "markdown_generator"], "value_error"],
    ]);
    assert_eq!(errors(&parsed), expected);
    assert!(!parsed.unsupported);
    let first = serde_json::to_value(&parsed.errors[0]).unwrap();
    let expected =
        json!({"loc": ["body", "browser_config", "user_agent"], "msg": "must be a string", "type": "string_type"});
    assert_eq!(first, expected);
    let parsed = parse(Some(&json!({"proxy": "http://p.example:1"})), Some(&json!({"js_code": "x", "pdf": "yes"})));
    let expected = json!([
        [["body", "browser_config", "proxy"], "not_supported"],
        [["body", "crawler_config", "js_code"], "not_supported"],
        [["body", "crawler_config", "pdf"], "not_supported"],
    ]);
    assert_eq!((errors(&parsed), parsed.unsupported), (expected, true));
}

#[test]
fn keys_without_effect_give_a_warning_with_the_reason() {
    for (section, key, reason) in every_key(|class| match class {
        Class::WithoutEffect(reason) | Class::WithoutEffectUnless(reason, _) => Some(reason),
        _ => None,
    }) {
        let parsed = given(section, key, unusual(section, key));
        assert!(parsed.errors.is_empty(), "{key}: {parsed:?}");
        assert_eq!(parsed.options, Default::default(), "{key}");
        assert_eq!(warned(&parsed), [format!("{}.{key}", section.path())], "{key}");
        assert_eq!(parsed.warnings[0].reason, reason, "{key}");
    }
}

#[test]
fn unknown_keys_give_warnings() {
    let parsed = crawler(json!({"page_time_out": 1, "headless": true, "type": "CrawlerRunConfig"}));
    assert!(parsed.errors.is_empty());
    assert_eq!(warned(&parsed), ["crawler_config.page_time_out", "crawler_config.headless", "crawler_config.type"]);
    assert!(parsed.warnings[0].reason.contains("`page_timeout`"), "{parsed:?}");
    assert!(parsed.warnings[1].reason.contains("`browser_config`"), "{parsed:?}");
    let beside = crawler(json!({"type": "CrawlerRunConfig", "params": {}, "stream": true}));
    assert_eq!(warned(&beside), ["crawler_config.stream"]);
}

#[test]
fn unknown_keys_beyond_the_limit_are_counted() {
    let flood: Map<String, Value> = (0..10_000).map(|n| (format!("{}{n}", "k".repeat(200)), json!(n))).collect();
    let parsed = crawler(Value::Object(flood));
    assert_eq!(parsed.warnings.len(), 101);
    assert!(parsed.warnings.iter().all(|warning| warning.key.len() < 100), "{parsed:?}");
    assert_eq!(parsed.warnings[100].reason, "and 9900 more keys without effect");
}

#[test]
fn keys_of_one_usage_are_honoured_only_there() {
    let config = json!({"stream": true});
    for (usage, stream, warnings) in
        [(Usage::Job, false, 1), (Usage::Sync, true, 0), (Usage::PerUrl, false, 1), (Usage::Dump, true, 0)]
    {
        let (mut builder, mut report) = (OptionsBuilder::default(), Report::default());
        parse_crawler(&config, &FieldPath::body(), usage, &mut builder, &mut report);
        let (rejection, found) = report.into_parts();
        assert_eq!((builder.stream, found.len(), rejection), (stream, warnings, None), "{usage:?}");
    }
}

/// The keys for whose class `reason` returns a reason, with that reason.
fn every_key(reason: fn(Class) -> Option<&'static str>) -> impl Iterator<Item = (Section, &'static str, &'static str)> {
    let select = move |section: Section| {
        keys(section).iter().filter_map(move |key| Some((section, key.name, reason(key.class)?)))
    };
    Section::ALL.into_iter().flat_map(select)
}

/// Parses a request with one key.
fn given(section: Section, key: &str, value: Value) -> Parsed {
    let config = json!({key: value});
    let generator =
        |params: Value| crawler(json!({"markdown_generator": {"type": "DefaultMarkdownGenerator", "params": params}}));
    match section {
        Section::Browser => browser(config),
        Section::Crawler => crawler(config),
        Section::Generator => generator(config),
        Section::GeneratorOptions => generator(json!({"options": config})),
    }
}

/// A value of the key's type that is not harmless.
fn unusual(section: Section, key: &str) -> Value {
    use super::key::Kind;
    let entry = find(section, key).unwrap();
    let candidates: Vec<Value> = match entry.key.kind {
        Kind::Bool => vec![json!(true), json!(false), json!("other")],
        Kind::Integer | Kind::Number => vec![json!(77)],
        Kind::Text | Kind::TextOrList => vec![json!("unusual")],
        Kind::List => vec![json!(["--no-sandbox"])],
        Kind::Object => vec![json!({"unusual": 1})],
        Kind::Enum(_, values) => values.iter().map(|&value| json!(value)).collect(),
        Kind::Typed(names) => names.iter().map(|name| json!({"type": name, "params": {"unusual": 1}})).collect(),
    };
    candidates.into_iter().find(|value| !entry.is_harmless(value)).unwrap()
}
