//! Keys and types that are rejected.

use super::*;

#[test]
fn rejected_keys_are_errors_with_the_reason() {
    for (section, key, reason) in every_key(|class| match class {
        Class::Rejected(reason) => Some(reason),
        _ => None,
    }) {
        let parsed = given(section, key, unusual(section, key));
        assert_eq!(parsed.errors.len(), 1, "{key}: {parsed:?}");
        let error = &parsed.errors[0];
        assert!(parsed.unsupported, "{key}");
        assert_eq!((error.kind, &error.msg), ("not_supported", &format!("{key} {reason}")), "{key}");
        assert_eq!(serde_json::to_value(error.loc.last()).unwrap(), json!(key));
    }
}

#[test]
fn rejected_keys_may_be_empty() {
    for (section, key, _) in every_key(|class| match class {
        Class::Rejected(reason) => Some(reason),
        _ => None,
    }) {
        for nothing in [json!(null), json!(""), json!(" "), json!([]), json!([""]), json!({}), json!(false)] {
            accepted(given(section, key, nothing));
        }
    }
}

#[test]
fn keys_that_change_the_result_or_are_unsafe_are_rejected() {
    for key in [
        "js_code",
        "screenshot",
        "pdf",
        "deep_crawl_strategy",
        "session_id",
        "proxy_config",
        "c4a_script",
        "fallback_fetch_function",
        "virtual_scroll_config",
        "capture_network_requests",
        "scan_full_page",
        "actions",
    ] {
        assert_eq!(
            errors(&given(Section::Crawler, key, unusual(Section::Crawler, key))).as_array().unwrap().len(),
            1,
            "{key}"
        );
    }
    for key in ["cdp_url", "user_data_dir", "storage_state", "init_scripts", "proxy"] {
        assert_eq!(
            errors(&given(Section::Browser, key, unusual(Section::Browser, key))).as_array().unwrap().len(),
            1,
            "{key}"
        );
    }
}

#[test]
fn types_of_another_key_are_errors() {
    for (key, value) in [
        ("markdown_generator", json!({"type": "BM25ContentFilter", "params": {}})),
        ("extraction_strategy", json!({"type": "DefaultMarkdownGenerator", "params": {}})),
        ("cache_mode", json!({"type": "MatchMode", "params": "bypass"})),
        ("cache_mode", json!("sometimes")),
        ("cache_mode", json!(3)),
        ("match_mode", json!("xor")),
    ] {
        let parsed = crawler(json!({key: value}));
        assert_eq!(errors(&parsed), json!([[["body", "crawler_config", key], "value_error"]]));
    }
    for (key, value) in [
        ("chunking_strategy", json!({"type": "SlidingWindowChunking", "params": {}})),
        ("scraping_strategy", json!({"type": "RegexChunking", "params": {}})),
        ("geolocation", json!({"type": "ProxyConfig", "params": {}})),
    ] {
        let parsed = crawler(json!({key: value}));
        assert_eq!((errors(&parsed), warned(&parsed)), (json!([]), vec![&*format!("crawler_config.{key}")]), "{key}");
    }
    let filter = given(Section::Generator, "content_filter", json!({"type": "X", "params": {}}));
    let path = json!(["body", "crawler_config", "markdown_generator", "content_filter"]);
    assert_eq!(errors(&filter), json!([[path, "value_error"]]));
}

#[test]
fn some_types_are_rejected_under_keys_without_effect() {
    for (key, name) in [("scraping_strategy", "PDFContentScrapingStrategy"), ("table_extraction", "LLMTableExtraction")]
    {
        let parsed = crawler(json!({key: {"type": name, "params": {}}}));
        assert_eq!(errors(&parsed), json!([[["body", "crawler_config", key], "not_supported"]]));
        assert!(parsed.unsupported && parsed.errors[0].msg.contains(name), "{parsed:?}");
    }
    let flags = browser(json!({"extra_args": ["--no-sandbox", "--proxy-server=x"]}));
    assert_eq!(errors(&flags), json!([[["body", "browser_config", "extra_args"], "not_supported"]]));
    let without = crawler(json!({"table_extraction": {"type": "NoTableExtraction", "params": {}}}));
    assert_eq!((errors(&without), warned(&without)), (json!([]), vec!["crawler_config.table_extraction"]));
}
