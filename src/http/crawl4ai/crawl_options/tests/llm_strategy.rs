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
