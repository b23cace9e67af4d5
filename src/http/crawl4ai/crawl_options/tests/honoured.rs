//! Honoured keys in general, numbers and the Markdown generator.

use opilio_page::MarkdownOptions;

use super::*;

#[test]
fn every_honoured_key_changes_the_options() {
    for section in Section::ALL {
        for key in keys(section).iter().filter(|key| matches!(key.class, Class::Honoured(_) | Class::Nested(_))) {
            if ["url_matcher", "match_mode"].contains(&key.name) {
                // They select the URLs that the options apply to.
                continue;
            }
            let value = match key.name {
                "cookies" => json!([{"name": "a", "value": "b", "url": "https://a.example"}]),
                "headers" => json!({"x-a": "b"}),
                "base_url" => json!("https://a.example/"),
                "markdown_generator" => {
                    json!({"type": "DefaultMarkdownGenerator", "params": {"options": {"body_width": 9}}})
                }
                "content_filter" => json!({"type": "MainContentFilter", "params": {}}),
                "link_preview_config" => json!({"type": "LinkPreviewConfig", "params": {"max_links": 3}}),
                "options" => json!({"body_width": 9}),
                "extraction_strategy" => json!({"type": "RegexExtractionStrategy", "params": {"pattern": 1}}),
                _ => unusual(section, key.name),
            };
            assert_ne!(accepted(given(section, key.name, value)), Default::default(), "{}", key.name);
        }
    }
}

#[test]
fn numbers_must_be_within_their_range() {
    for (key, value, kind) in [
        ("page_timeout", json!(-1), "greater_than_equal"),
        ("page_timeout", json!("30s"), "float_type"),
        ("page_timeout", json!(-0.0), "greater_than_equal"),
        ("page_timeout", json!(1e-7), "greater_than_equal"),
        ("page_timeout", json!(true), "float_type"),
        ("max_retries", json!(-1), "greater_than_equal"),
        ("max_retries", json!(1.5), "int_type"),
        ("max_retries", json!([]), "int_type"),
        ("semaphore_count", json!(0), "greater_than_equal"),
        ("image_score_threshold", json!("x"), "float_type"),
        ("base_url", json!("/relative"), "value_error"),
        ("base_url", json!("file:///etc"), "value_error"),
        ("markdown_generator", json!({"options": {}}), "value_error"),
    ] {
        assert_eq!(errors(&crawler(json!({key: value}))), json!([[["body", "crawler_config", key], kind]]), "{value}");
    }
    for (value, score) in [(json!("3"), 3), (json!(0.5), 0)] {
        assert_eq!(accepted(crawler(json!({"image_score_threshold": value}))).page.image_score_threshold, score);
    }
    assert_eq!(
        accepted(crawler(json!({"page_timeout": "1500"}))).fetch.page_timeout,
        Some(Duration::from_millis(1500))
    );
    assert_eq!(accepted(crawler(json!({"page_timeout": 0}))).fetch.page_timeout, Some(Duration::ZERO));
    assert!(accepted(crawler(json!({"page_timeout": 1e300}))).fetch.page_timeout.is_some());
    assert_eq!(accepted(crawler(json!({"page_timeout": 0.5}))).fetch.page_timeout, Some(Duration::from_micros(500)));
}

#[test]
fn markdown_generator_is_parsed_as_crawl4ai_client_writes_it() {
    let options = json!({"type": "dict", "value": {
        "ignore_links": true, "ignore_images": true, "ignore_emphasis": true, "body_width": 80, "citations": false,
        "escape_html": false, "skip_internal_links": true,
    }});
    let generator = json!({"type": "DefaultMarkdownGenerator", "params": {"content_filter": null, "options": options}});
    let expected = MarkdownOptions {
        ignore_links: true,
        ignore_images: true,
        ignore_emphasis: true,
        body_width: 80,
        citations: false,
        escape_html: false,
        skip_internal_links: true,
    };
    assert_eq!(accepted(crawler(json!({"markdown_generator": generator}))).page.markdown, expected);
}

#[test]
fn invalid_markdown_options_have_paths() {
    let params =
        json!({"options": {"ignore_links": "maybe", "body_width": -1, "ul_item_mark": "-", "colour": 1}, "colour": 2});
    let parsed = crawler(json!({"markdown_generator": {"type": "DefaultMarkdownGenerator", "params": params}}));
    let path_of = |key: &str| json!(["body", "crawler_config", "markdown_generator", "options", key]);
    assert_eq!(
        errors(&parsed),
        json!([[path_of("ignore_links"), "bool_type"], [path_of("body_width"), "greater_than_equal"]])
    );
    let path = "crawler_config.markdown_generator";
    assert_eq!(
        warned(&parsed),
        [format!("{path}.options.ul_item_mark"), format!("{path}.options.colour"), format!("{path}.colour")]
    );
}
