//! Extraction strategies and selectors.

use opilio_page::{Extraction, SelectorLanguage};

use super::*;

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
    for (config, paths) in [
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
        (strategy("CosineStrategy", json!({})), vec!["extraction_strategy"]),
        (
            strategy(
                "LLMExtractionStrategy",
                json!({"schema": {"type": "object", "properties": {"a": {"type": "strng"}}}, "extraction_type": "x",
                    "instruction": 7, "llm_config": {"provider": "gpt", "temperature": 9}}),
            ),
            vec![
                "extraction_strategy.instruction",
                "extraction_strategy.schema.properties.a.type",
                "extraction_strategy.extraction_type",
                "extraction_strategy.llm_config.provider",
                "extraction_strategy.llm_config.temperature",
            ],
        ),
        (json!({"extraction_strategy": "css"}), vec!["extraction_strategy"]),
    ] {
        let parsed = crawler(config.clone());
        let path = |error: &FieldError| {
            let steps = serde_json::to_value(&error.loc).unwrap();
            let steps = steps.as_array().unwrap().iter().skip(2).map(|step| step.to_string().replace('"', ""));
            steps.collect::<Vec<_>>().join(".")
        };
        assert_eq!(parsed.errors.iter().map(path).collect::<Vec<_>>(), paths, "{config}: {parsed:?}");
    }
}
