use opilio_page::{Bm25, ContentFilter, MainContent, Pruning};
use serde_json::{Value, json};

use super::*;

fn filter(value: Value) -> Parsed {
    given(Section::Generator, "content_filter", value)
}

#[test]
fn content_filters_are_parsed() {
    let pruning = |threshold, dynamic, min_words| ContentFilter::Pruning(Pruning { threshold, dynamic, min_words });
    for (value, expected) in [
        (json!({"type": "MainContentFilter", "params": {}}), ContentFilter::default()),
        (
            json!({"type": "MainContentFilter", "params": {"threshold": 0.7}}),
            ContentFilter::Main(MainContent { threshold: 0.7 }),
        ),
        (json!({"type": "PruningContentFilter", "params": {}}), pruning(0.48, false, 0)),
        (
            json!({"type": "PruningContentFilter", "params": {
                "threshold": 0.6, "threshold_type": "dynamic", "min_word_threshold": 5, "user_query": null,
            }}),
            pruning(0.6, true, 5),
        ),
        (
            json!({"type": "BM25ContentFilter", "params": {
                "user_query": "a b", "bm25_threshold": 1.2, "language": "German", "use_stemming": true,
            }}),
            ContentFilter::Bm25(Bm25 { query: "a b".into(), threshold: 1.2, stemming: Some("german".into()) }),
        ),
        (
            json!({"type": "BM25ContentFilter", "params": {"use_stemming": false}}),
            ContentFilter::Bm25(Bm25 { stemming: None, ..Bm25::default() }),
        ),
    ] {
        let parsed = filter(value);
        assert_eq!((errors(&parsed), warned(&parsed)), (json!([]), vec![]));
        assert_eq!(parsed.options.page.content_filter, Some(expected));
    }
    assert_eq!(filter(Value::Null).options.page.content_filter, None);
}

#[test]
fn errors_of_content_filters_have_paths() {
    for (name, params, key, kind) in [
        ("PruningContentFilter", json!({"threshold_type": 1}), Some("threshold_type"), "string_type"),
        ("MainContentFilter", json!({"threshold": 1.5}), Some("threshold"), "less_than_equal"),
        ("PruningContentFilter", json!({"threshold": "high"}), Some("threshold"), "float_type"),
        ("PruningContentFilter", json!({"min_word_threshold": -1}), Some("min_word_threshold"), "greater_than_equal"),
        ("BM25ContentFilter", json!({"user_query": 7}), Some("user_query"), "string_type"),
        ("BM25ContentFilter", json!({"user_query": "q".repeat(2001)}), Some("user_query"), "string_too_long"),
        ("BM25ContentFilter", json!({"language": "klingon"}), Some("language"), "value_error"),
        ("BM25ContentFilter", json!({"use_stemming": 2}), Some("use_stemming"), "bool_type"),
    ] {
        let mut path = vec!["body", "crawler_config", "markdown_generator", "content_filter"];
        path.extend(key);
        assert_eq!(errors(&filter(json!({"type": name, "params": params}))), json!([[path, kind]]), "{name} {params}");
    }
    let relative = filter(json!({"type": "PruningContentFilterLXML", "params": {"threshold_type": "relative"}}));
    assert_eq!(
        relative.options.page.content_filter,
        Some(ContentFilter::Pruning(Pruning { dynamic: true, ..Pruning::default() }))
    );
    assert_eq!(warned(&relative), ["crawler_config.markdown_generator.content_filter.threshold_type"]);
    let unknown = filter(json!({"type": "PruningContentFilter", "params": {"treshold": 1}}));
    assert_eq!(warned(&unknown), ["crawler_config.markdown_generator.content_filter.treshold"]);
}
