//! `LLMExtractionStrategy`.

use super::*;

#[test]
fn llm_strategy_is_read_without_provider_settings() {
    let schema = json!({"title": "Article", "type": "object", "properties": {"headline": {"type": "string"}}});
    let config = json!({"provider": "openai/gpt-4o", "api_token": "hidden", "base_url": "http://evil.example"});
    for llm_config in [config.clone(), json!({"type": "LLMConfig", "params": config})] {
        let params = json!({"instruction": "the headline", "schema": schema, "extraction_type": "schema",
            "llm_config": llm_config, "extra_args": {"temperature": 0.2, "api_key": "hidden"}, "chunk_token_threshold": 9});
        let parsed = crawler(json!({"extraction_strategy": {"type": "LLMExtractionStrategy", "params": params}}));
        let extraction = parsed.options.model_extraction.clone().expect("an extraction");
        assert_eq!((extraction.instruction.as_str(), &extraction.schema), ("the headline", &Some(schema.clone())));
        assert_eq!((extraction.provider.as_deref(), extraction.temperature), (Some("openai/gpt-4o"), Some(0.2)));
        let keys: Vec<_> = parsed.warnings.iter().map(|warning| warning.key.rsplit_once('.').unwrap().1).collect();
        assert_eq!(keys, ["api_token", "base_url", "extra_args", "chunk_token_threshold"]);
        let stored = serde_json::to_string(&(&parsed.options, &parsed.warnings)).unwrap();
        assert!(!stored.contains("hidden") && !stored.contains("evil"), "{stored}");
    }
    let parsed = crawler(json!({"extraction_strategy": {"type": "LLMExtractionStrategy"}}));
    assert!(parsed.options.model_extraction.is_some_and(|extraction| !extraction.instruction.is_empty()));
}

#[test]
fn llm_filter_is_read_without_provider_settings() {
    let config = json!({"type": "LLMConfig", "params": {"provider": "openai/gpt-4o", "api_token": "hidden"}});
    let params = json!({"llm_config": config, "instruction": "the recipe", "chunk_token_threshold": 500,
        "extra_args": {"temperature": 0.1}, "ignore_cache": true, "verbose": null});
    let parsed = given(Section::Generator, "content_filter", json!({"type": "LLMContentFilter", "params": params}));
    let filter = parsed.options.model_filter.clone().expect("a filter");
    assert_eq!((filter.instruction.as_str(), filter.provider.as_deref()), ("the recipe", Some("openai/gpt-4o")));
    assert_eq!((filter.temperature, &parsed.options.page.content_filter), (Some(0.1), &None));
    let keys: Vec<_> = parsed.warnings.iter().map(|warning| warning.key.rsplit_once('.').unwrap().1).collect();
    assert_eq!(keys, ["api_token", "chunk_token_threshold", "ignore_cache"]);
    assert!(!serde_json::to_string(&parsed.options).unwrap().contains("hidden"));
    let bare = accepted(given(Section::Generator, "content_filter", json!({"type": "LLMContentFilter"})));
    assert!(bare.model_filter.is_some_and(|filter| !filter.instruction.is_empty()));
}

#[test]
fn schema_may_be_a_dump_of_a_pydantic_model() {
    let offer = json!({"properties": {"price": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": null,
        "title": "Price"}, "type": {"title": "Type", "type": "string"}, "value": {"title": "Value", "type": "string"}},
        "required": ["type", "value"], "title": "Offer", "type": "object"});
    let schema = json!({"$defs": {"Offer": offer}, "properties": {"name": {"title": "Name", "type": "string"},
        "offers": {"items": {"$ref": "#/$defs/Offer"}, "title": "Offers", "type": "array"}},
        "required": ["name", "offers"], "title": "Product", "type": "object"});
    // As Crawl4AI's client writes dictionaries.
    let wrapped = json!({"type": "dict", "value": {"$defs": {"type": "dict", "value": {"Offer": offer}},
        "properties": {"type": "dict", "value": schema["properties"]}, "required": ["name", "offers"],
        "title": "Product", "type": "object"}});
    for form in [schema.clone(), wrapped, json!(schema.to_string())] {
        let params = json!({"schema": form, "extraction_type": "schema"});
        let parsed =
            accepted(crawler(json!({"extraction_strategy": {"type": "LLMExtractionStrategy", "params": params}})));
        assert_eq!(parsed.model_extraction.and_then(|extraction| extraction.schema), Some(schema.clone()));
    }
}
