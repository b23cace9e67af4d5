//! What the table and the parser promise together.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::table::{Class, Section};
use super::{Parsed, parse};

mod content;
mod defaults;
mod honoured;
mod refused;

fn crawler(config: Value) -> Parsed {
    parse(None, Some(&config))
}

fn browser(config: Value) -> Parsed {
    parse(Some(&config), None)
}

/// What is accepted without a word.
#[track_caller]
fn accepted(parsed: Parsed) -> super::CrawlOptions {
    assert!(parsed.errors.is_empty() && parsed.warnings.is_empty(), "{parsed:?}");
    parsed.options
}

/// The paths and types of all errors.
fn errors(parsed: &Parsed) -> Value {
    let error = |error: &super::FieldError| json!([error.loc, error.kind]);
    parsed.errors.iter().map(error).collect()
}

fn warned(parsed: &Parsed) -> Vec<&str> {
    parsed.warnings.iter().map(|warning| warning.key.as_str()).collect()
}

#[test]
fn nothing_asked_for_is_the_operators_choice() {
    for config in [json!(null), json!({}), json!({"page_timeout": null})] {
        assert_eq!(accepted(crawler(config.clone())), Default::default());
        assert_eq!(accepted(browser(config.as_object().map_or(json!(null), |_| json!({})))), Default::default());
    }
    assert_eq!(accepted(parse(None, None)), Default::default());
}

#[test]
fn flat_typed_and_dictionary_forms_are_the_same() {
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
fn a_configuration_of_another_type_is_an_error() {
    for config in [json!(1), json!([]), json!("x"), json!({"type": "CrawlerRunConfig", "params": []})] {
        assert_eq!(errors(&crawler(config)), json!([[["body", "crawler_config"], "dict_type"]]));
    }
    let other = crawler(json!({"type": "BrowserConfig", "params": {"headless": true}}));
    assert_eq!(errors(&other), json!([[["body", "crawler_config"], "value_error"]]));
    assert!(other.errors[0].msg.contains("CrawlerRunConfig"));
}

#[test]
fn all_errors_are_named_at_once() {
    let parsed = parse(
        Some(&json!({"user_agent": 1, "proxy": "http://p.example:1", "cookies": {}})),
        Some(&json!({"page_timeout": -1, "max_retries": 101, "js_code": "x", "markdown_generator": "x"})),
    );
    let expected = json!([
        [["body", "browser_config", "user_agent"], "string_type"],
        [["body", "browser_config", "proxy"], "not_supported"],
        [["body", "browser_config", "cookies"], "list_type"],
        [["body", "crawler_config", "page_timeout"], "greater_than_equal"],
        [["body", "crawler_config", "max_retries"], "less_than_equal"],
        [["body", "crawler_config", "js_code"], "not_supported"],
        [["body", "crawler_config", "markdown_generator"], "value_error"],
    ]);
    assert_eq!(errors(&parsed), expected);
    let first = serde_json::to_value(&parsed.errors[0]).unwrap();
    let expected =
        json!({"loc": ["body", "browser_config", "user_agent"], "msg": "must be text", "type": "string_type"});
    assert_eq!(first, expected);
}

#[test]
fn keys_without_effect_are_named_with_the_reason_and_do_nothing() {
    for (section, key, reason) in every_key(|class| match class {
        Class::WithoutEffect(reason) => Some(reason),
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
fn unknown_keys_are_named_and_do_nothing() {
    let parsed = crawler(json!({"page_time_out": 1, "headless": true, "type": "CrawlerRunConfig"}));
    assert!(parsed.errors.is_empty());
    assert_eq!(warned(&parsed), ["crawler_config.page_time_out", "crawler_config.headless", "crawler_config.type"]);
    assert!(parsed.warnings[0].reason.contains("`page_timeout`"), "{parsed:?}");
    assert!(parsed.warnings[1].reason.contains("`browser_config`"), "{parsed:?}");
    let beside = crawler(json!({"type": "CrawlerRunConfig", "params": {}, "stream": true}));
    assert_eq!(warned(&beside), ["crawler_config.stream"]);
}

#[test]
fn a_flood_of_unknown_keys_is_counted_not_repeated() {
    let flood: Map<String, Value> = (0..10_000).map(|n| (format!("{}{n}", "k".repeat(200)), json!(n))).collect();
    let parsed = crawler(Value::Object(flood));
    assert_eq!(parsed.warnings.len(), 33);
    assert!(parsed.warnings.iter().all(|warning| warning.key.len() < 100), "{parsed:?}");
    assert_eq!(parsed.warnings[32].reason, "and 9968 more unknown keys");
}

/// The keys whose class is chosen, each with what was chosen of it.
fn every_key(chosen: fn(Class) -> Option<&'static str>) -> impl Iterator<Item = (Section, &'static str, &'static str)> {
    let of = move |section: Section| {
        section.keys().iter().filter_map(move |key| Some((section, key.name, chosen(key.class)?)))
    };
    Section::ALL.into_iter().flat_map(of)
}

/// Parses a request that gives one key one value.
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

/// A value of the key's kind that is neither its default nor harmless.
fn unusual(section: Section, key: &str) -> Value {
    use super::table::Kind;
    let entry = section.entry(key).unwrap();
    let fits: Vec<Value> = match entry.key.kind {
        Kind::Bool => vec![json!(true), json!(false), json!("other")],
        Kind::Integer | Kind::Number => vec![json!(77)],
        Kind::Text | Kind::TextOrList => vec![json!("unusual")],
        Kind::List => vec![json!(["unusual"])],
        Kind::Object => vec![json!({"unusual": 1})],
        Kind::Enum(_, values) => values.iter().map(|&value| json!(value)).collect(),
        Kind::Typed(names) => names.iter().map(|name| json!({"type": name, "params": {"unusual": 1}})).collect(),
    };
    fits.into_iter().find(|value| !entry.is_harmless(value)).unwrap()
}
