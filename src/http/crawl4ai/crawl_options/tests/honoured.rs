//! Honoured keys.

use opilio_actors::domain::crawl_options::Cookie;
use opilio_page::{Extraction, MarkdownOptions, SelectorLanguage};

use super::*;

#[test]
fn every_honoured_key_changes_the_options() {
    for section in Section::ALL {
        for key in keys(section).iter().filter(|key| matches!(key.class, Class::Honoured(_) | Class::Nested(_))) {
            let value = match key.name {
                "cookies" => json!([{"name": "a", "value": "b", "url": "https://a.example"}]),
                "headers" => json!({"x-a": "b"}),
                "base_url" => json!("https://a.example/"),
                "markdown_generator" => {
                    json!({"type": "DefaultMarkdownGenerator", "params": {"options": {"body_width": 9}}})
                }
                "content_filter" => json!({"type": "MainContentFilter", "params": {}}),
                "options" => json!({"body_width": 9}),
                "extraction_strategy" => json!({"type": "RegexExtractionStrategy", "params": {"pattern": 1}}),
                _ => unusual(section, key.name),
            };
            assert_ne!(accepted(given(section, key.name, value)), Default::default(), "{}", key.name);
        }
    }
}

#[test]
fn header_names_are_lower_cased_in_order() {
    let options = accepted(browser(json!({"headers": {"X-B": " 1 ", "Authorization": "Bearer x", "x-none": null}})));
    let headers: Vec<_> = options.fetch.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("x-b", "1"), ("authorization", "Bearer x")]);
}

#[test]
fn invalid_headers_are_reported_without_values() {
    let parsed = browser(json!({"headers": {
        "Host": "hidden", "a b": "hidden", "x-a": "hidden\r\nx: y", "x-b": 1,
        "x-c": "x".repeat(2049), "X-D": "1", "x-d": "2",
    }}));
    let at = |name: &str, kind: &str| json!([["body", "browser_config", "headers", name], kind]);
    let value = "value_error";
    let expected = json!([
        at("Host", value),
        at("a b", value),
        at("x-a", value),
        at("x-b", "string_type"),
        at("x-c", value),
        at("x-d", value),
    ]);
    assert_eq!(errors(&parsed), expected);
    assert!(!format!("{parsed:?}").contains("hidden"));
    let many: Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect();
    assert_eq!(
        errors(&browser(json!({"headers": many}))),
        json!([[["body", "browser_config", "headers"], "too_long"]])
    );
}

#[test]
fn accept_encoding_has_no_effect() {
    let parsed = browser(json!({"headers": {"Accept-Encoding": "gzip"}}));
    assert_eq!(warned(&parsed), ["browser_config.headers.Accept-Encoding"]);
    assert!(parsed.errors.is_empty() && parsed.options.fetch.headers.is_empty());
}

#[test]
fn user_agent_has_an_order_of_precedence() {
    let agent = |browser: Value, crawler: Value| accepted(parse(Some(&browser), Some(&crawler))).fetch.user_agent;
    let both = json!({"user_agent": "b", "headers": {"User-Agent": "h"}});
    assert_eq!(agent(both.clone(), json!({"user_agent": "c"})).as_deref(), Some("c"));
    assert_eq!(agent(both, json!({})).as_deref(), Some("h"));
    assert_eq!(agent(json!({"user_agent": "b"}), json!({"user_agent": ""})).as_deref(), Some("b"));
    assert_eq!(
        errors(&crawler(json!({"user_agent": "a\nb"}))),
        json!([[["body", "crawler_config", "user_agent"], "value_error"]])
    );
}

#[test]
fn client_hint_of_crawl4ai_is_left_out() {
    let headers = |hint: &str| {
        accepted(browser(json!({"user_agent": "bot", "headers": {"sec-ch-ua": hint}}))).fetch.headers.len()
    };
    assert_eq!((headers(""), headers("\"\""), headers("\"Chromium\";v=\"120\"")), (0, 0, 1));
}

#[test]
fn locale_is_sent_unless_a_header_is_given() {
    let language = |headers: Value, locale: &str| {
        let options = accepted(parse(Some(&json!({"headers": headers})), Some(&json!({"locale": locale}))));
        options.fetch.headers.into_iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect::<Vec<_>>()
    };
    assert_eq!(language(json!({}), "de_CH"), ["accept-language: de-CH"]);
    assert_eq!(language(json!({"Accept-Language": "fr"}), "de-CH"), ["accept-language: fr"]);
    assert!(language(json!({}), "").is_empty());
    for bad in ["de CH", "de\r\nx: y", "-", "abcdefghij"] {
        assert_eq!(crawler(json!({"locale": bad})).errors.len(), 1, "{bad}");
    }
}

#[test]
fn cookies_are_parsed_in_each_form() {
    let cookies =
        |cookie: Value| accepted(browser(json!({"cookies": [{"type": "dict", "value": cookie}]}))).fetch.cookies;
    let expected = |domain: &str, host_only: bool, path: &str, secure: bool| {
        let (name, value) = ("sid".to_owned(), opilio_actors::domain::secret::Secret::new("v"));
        vec![Cookie { name, value, domain: domain.to_owned(), host_only, path: path.to_owned(), secure }]
    };
    for (cookie, read) in [
        (
            json!({"name": "sid", "value": "v", "url": "https://A.example/x/y?z"}),
            expected("a.example", true, "/x/", true),
        ),
        (json!({"name": "sid", "value": "v", "url": "http://127.0.0.1:80"}), expected("127.0.0.1", true, "/", false)),
        (
            json!({"name": "sid", "value": "v", "domain": "a.example", "path": "/"}),
            expected("a.example", true, "/", false),
        ),
        (
            json!({"name": "sid", "value": "v", "domain": ".A.example", "path": "/x", "secure": true, "httpOnly": true,
                "sameSite": "Lax", "expires": -1}),
            expected("a.example", false, "/x", true),
        ),
    ] {
        assert_eq!(cookies(cookie), read);
    }
}

#[test]
fn invalid_cookies_are_reported_without_values() {
    let at = |index: usize, field: &str, kind: &str| json!([["body", "browser_config", "cookies", index, field], kind]);
    let url = "https://a.example";
    let parsed = browser(json!({"cookies": [
        {"value": "hidden", "url": url},
        {"name": "a b", "value": 1, "url": url},
        {"name": "a", "value": "hidden;", "url": "file:///x"},
        {"name": "a", "value": "hidden\n", "domain": "a.example:80"},
        {"name": "a", "value": "hidden", "domain": "a.example", "path": "x", "secure": 1},
        {"name": "a", "value": "hidden"},
        "a=b",
    ]}));
    let expected = json!([
        at(0, "name", "missing"),
        at(1, "name", "value_error"),
        at(1, "value", "string_type"),
        at(2, "value", "value_error"),
        at(2, "url", "value_error"),
        at(3, "value", "value_error"),
        at(3, "domain", "value_error"),
        at(4, "path", "value_error"),
        [["body", "browser_config", "cookies", 5], "value_error"],
        [["body", "browser_config", "cookies", 6], "dict_type"],
    ]);
    assert_eq!(errors(&parsed), expected);
    assert!(!format!("{parsed:?}").contains("hidden"));
    let odd = browser(json!({"cookies": [{"name": "a", "value": "b", "url": url, "colour": 1}]}));
    assert_eq!(warned(&odd), ["browser_config.cookies.0.colour"]);
    let many = json!({"cookies": vec![json!({}); 301]});
    assert_eq!(errors(&browser(many)), json!([[["body", "browser_config", "cookies"], "too_long"]]));
}

#[test]
fn numbers_must_be_within_their_range() {
    for (key, value, kind) in [
        ("page_timeout", json!(-1), "greater_than_equal"),
        ("page_timeout", json!(86_400_001), "less_than_equal"),
        ("page_timeout", json!(1e300), "less_than_equal"),
        ("page_timeout", json!("60000"), "float_type"),
        ("page_timeout", json!(true), "float_type"),
        ("max_retries", json!(-1), "greater_than_equal"),
        ("max_retries", json!(1.5), "int_type"),
        ("max_retries", json!([]), "int_type"),
        ("semaphore_count", json!(0), "greater_than_equal"),
        ("image_score_threshold", json!("3"), "int_type"),
        ("base_url", json!("/relative"), "value_error"),
        ("base_url", json!("file:///etc"), "value_error"),
        ("markdown_generator", json!({"options": {}}), "value_error"),
    ] {
        assert_eq!(errors(&crawler(json!({key: value}))), json!([[["body", "crawler_config", key], kind]]), "{value}");
    }
    assert_eq!(accepted(crawler(json!({"page_timeout": 0}))).fetch.page_timeout, None);
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
        json!({"options": {"ignore_links": "yes", "body_width": -1, "ul_item_mark": "-", "colour": 1}, "colour": 2});
    let parsed = crawler(json!({"markdown_generator": {"type": "DefaultMarkdownGenerator", "params": params}}));
    let place = |key: &str| json!(["body", "crawler_config", "markdown_generator", "options", key]);
    assert_eq!(
        errors(&parsed),
        json!([[place("ignore_links"), "bool_type"], [place("body_width"), "greater_than_equal"]])
    );
    let path = "crawler_config.markdown_generator";
    assert_eq!(
        warned(&parsed),
        [format!("{path}.options.ul_item_mark"), format!("{path}.options.colour"), format!("{path}.colour")]
    );
}

#[test]
fn extraction_strategies_are_parsed_as_crawl4ai_client_writes_them() {
    let strategy = |name: &str, params: Value| {
        let params = json!({"type": "dict", "value": params});
        crawler(json!({"extraction_strategy": {"type": name, "params": params["value"]}})).options.page.extraction
    };
    let fields = json!([{"name": "t", "selector": "h2", "type": "text"}]);
    let schema = json!({"type": "dict", "value": {"baseSelector": "div", "fields": fields}});
    let plain = json!({"baseSelector": "div", "fields": fields});
    for (name, language) in [
        ("JsonCssExtractionStrategy", SelectorLanguage::Css),
        ("JsonLxmlExtractionStrategy", SelectorLanguage::Css),
        ("JsonXPathExtractionStrategy", SelectorLanguage::XPath),
    ] {
        let expected = Some(Extraction::Fields { language, schema: plain.clone() });
        assert_eq!(strategy(name, json!({"schema": schema, "verbose": true})), expected);
        assert_eq!(strategy(name, json!({"schema": plain.to_string()})), expected);
    }
    let labels = |params: Value| match strategy("RegexExtractionStrategy", params) {
        Some(Extraction::Patterns { patterns, .. }) => patterns.into_iter().map(|(label, _)| label).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(labels(json!({"pattern": 9})), ["email", "url"]);
    assert_eq!(labels(json!({"pattern": {"type": "_B", "params": 2_097_151}})).len(), 21);
    assert_eq!(labels(json!({"pattern": ["PhoneUS", "IPV4"]})), ["phone_us", "ipv4"]);
    assert_eq!(labels(json!({"custom": [["a", "b"]], "pattern": "email", "input_format": "text"})), ["email", "a"]);
    assert_eq!(labels(json!({"custom": {"email": "x"}, "pattern": 1})), ["email"]);
}

#[test]
fn invalid_selectors_and_schemas_have_paths() {
    let strategy = |name: &str, params: Value| json!({"extraction_strategy": {"type": name, "params": params}});
    let css = |field: Value| {
        strategy("JsonCssExtractionStrategy", json!({"schema": {"baseSelector": "a", "fields": [field]}}))
    };
    for (config, places) in [
        (json!({"css_selector": "div["}), vec!["css_selector"]),
        (json!({"css_selector": 5, "excluded_selector": ">>"}), vec!["css_selector", "excluded_selector"]),
        (json!({"target_elements": ["a", "b[", 7]}), vec!["target_elements.1", "target_elements.2"]),
        (json!({"excluded_tags": {"a": 1}}), vec!["excluded_tags"]),
        (
            json!({"word_count_threshold": -1, "table_score_threshold": "x"}),
            vec!["word_count_threshold", "table_score_threshold"],
        ),
        (
            css(json!({"name": "x", "selector": "p:", "type": "text"})),
            vec!["extraction_strategy.schema.fields.0.selector"],
        ),
        (
            css(json!({"name": "x", "type": "computed", "expression": "1"})),
            vec!["extraction_strategy.schema.fields.0.type"],
        ),
        (
            css(json!({"name": "x", "type": "regex", "pattern": "(a"})),
            vec!["extraction_strategy.schema.fields.0.pattern"],
        ),
        (
            strategy("JsonXPathExtractionStrategy", json!({"schema": {"baseSelector": "//a[", "fields": []}})),
            vec!["extraction_strategy.schema.baseSelector"],
        ),
        (strategy("JsonCssExtractionStrategy", json!({})), vec!["extraction_strategy.schema"]),
        (strategy("JsonCssExtractionStrategy", json!([])), vec!["extraction_strategy.params"]),
        (
            strategy("RegexExtractionStrategy", json!({"pattern": "no", "custom": 1, "input_format": "pdf"})),
            vec!["extraction_strategy.pattern", "extraction_strategy.custom", "extraction_strategy.input_format"],
        ),
        (
            strategy("RegexExtractionStrategy", json!({"custom": {"bad": "(?<!x)y"}})),
            vec!["extraction_strategy.custom.bad"],
        ),
        (strategy("LLMExtractionStrategy", json!({})), vec!["extraction_strategy"]),
        (json!({"extraction_strategy": "css"}), vec!["extraction_strategy"]),
    ] {
        let parsed = crawler(config.clone());
        let path = |error: &FieldError| {
            let steps = serde_json::to_value(&error.loc).unwrap();
            let steps = steps.as_array().unwrap().iter().skip(2).map(|step| step.to_string().replace('"', ""));
            steps.collect::<Vec<_>>().join(".")
        };
        assert_eq!(parsed.errors.iter().map(path).collect::<Vec<_>>(), places, "{config}: {parsed:?}");
    }
}
