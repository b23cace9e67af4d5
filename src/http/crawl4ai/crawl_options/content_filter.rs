//! `content_filter` of a Markdown generator: what counts as the main content, in the peer's form
//! `{"type": …, "params": {…}}`.

use opilio_page::{Bm25, ContentFilter, Pruning};
use serde_json::{Map, Value};

use super::normalize::typed;
use super::parser::{GivenValue, Parser};
use crate::http::field_error::{FieldPath, InvalidValue};

/// A longer query is refused.
pub const LONGEST_QUERY: usize = 2000;
const PRUNING: [&str; 5] = ["user_query", "min_word_threshold", "threshold_type", "threshold", "verbose"];
const BM25: [&str; 5] = ["user_query", "bm25_threshold", "language", "use_stemming", "verbose"];

/// Its type has been checked, if there is one.
pub fn set(parser: &mut Parser, given: &GivenValue<'_>) {
    let nothing = Value::Object(Map::new());
    let (name, params) = match (typed(given.value), given.value.get("type").and_then(Value::as_str)) {
        (Some(both), _) => both,
        (None, Some(name)) => (name, &nothing),
        (None, None) => {
            let form = r#"must be {"type": "PruningContentFilter", "params": {…}} or another filter"#;
            return parser.fail(&given.place, InvalidValue::value(form));
        }
    };
    let filter = match name {
        "PruningContentFilter" => pruning(parser, &given.place, params),
        "BM25ContentFilter" => bm25(parser, &given.place, params),
        "LLMContentFilter" => {
            let by_model = "content is not filtered by a model in crawl jobs; that is `POST /llm/job`";
            return parser.fail(&given.place, InvalidValue::unsupported(by_model));
        }
        _ => Parameters::of(parser, &given.place, params, &["verbose"]).map(|_| ContentFilter::Main),
    };
    parser.builder.options.page.content_filter = filter;
}

fn pruning(parser: &mut Parser, place: &FieldPath, params: &Value) -> Option<ContentFilter> {
    let params = Parameters::of(parser, place, params, &PRUNING)?;
    let default = Pruning::default();
    if params.get("user_query").is_some() {
        parser.warn(&place.child("user_query"), "pruning asks for nothing in particular; BM25ContentFilter does");
    }
    let dynamic = params.text(parser, "threshold_type").map(|kind| match kind.as_str() {
        "fixed" => Ok(false),
        "dynamic" => Ok(true),
        _ => Err(InvalidValue::value("must be fixed or dynamic")),
    });
    let dynamic = dynamic.and_then(|kind| parser.checked(&place.child("threshold_type"), kind));
    let threshold = params.number(parser, "threshold", 0.0..=100.0);
    let min_words = params.number(parser, "min_word_threshold", 0.0..=1e6);
    Some(ContentFilter::Pruning(Pruning {
        threshold: threshold.unwrap_or(default.threshold),
        dynamic: dynamic.unwrap_or(default.dynamic),
        min_words: min_words.map_or(default.min_words, |words| words as u32),
    }))
}

fn bm25(parser: &mut Parser, place: &FieldPath, params: &Value) -> Option<ContentFilter> {
    let params = Parameters::of(parser, place, params, &BM25)?;
    let default = Bm25::default();
    let query = params.text(parser, "user_query").unwrap_or_default();
    if query.len() > LONGEST_QUERY {
        let long = InvalidValue::new("string_too_long", format!("must have at most {LONGEST_QUERY} bytes"));
        parser.fail(&place.child("user_query"), long);
    }
    let language = params.text(parser, "language").map(|language| language.trim().to_lowercase());
    let known = |language: &String| opilio_page::STEMMING_LANGUAGES.contains(&language.as_str());
    if language.as_ref().is_some_and(|language| !known(language)) {
        let known = format!("must be one of {}", opilio_page::STEMMING_LANGUAGES.join(", "));
        parser.fail(&place.child("language"), InvalidValue::value(known));
    }
    let stems = params.get("use_stemming").map(|given| given.as_bool().ok_or(())).unwrap_or(Ok(true));
    let stems = stems.map_err(|()| InvalidValue::new("bool_type", "must be true or false"));
    let stems = parser.checked(&place.child("use_stemming"), stems)?;
    let threshold = params.number(parser, "bm25_threshold", 0.0..=1000.0);
    Some(ContentFilter::Bm25(Bm25 {
        query,
        threshold: threshold.unwrap_or(default.threshold),
        stemming: language.or(default.stemming).filter(|_| stems),
    }))
}

/// The parameters of a filter that are not null.
struct Parameters<'v> {
    map: &'v Map<String, Value>,
    place: FieldPath,
}

impl<'v> Parameters<'v> {
    fn of(parser: &mut Parser, place: &FieldPath, params: &'v Value, known: &[&str]) -> Option<Self> {
        let map = params.as_object().ok_or_else(|| InvalidValue::new("dict_type", "must be an object"));
        let map = parser.checked(&place.child("params"), map)?;
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            parser.unknown(place.child(name.as_str()), || "unknown key".to_owned());
        }
        Some(Self { map, place: place.clone() })
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, parser: &mut Parser, name: &str) -> Option<String> {
        let text = self.get(name)?.as_str().ok_or_else(|| InvalidValue::new("string_type", "must be text"));
        parser.checked(&self.place.child(name), text).map(str::to_owned)
    }

    fn number(&self, parser: &mut Parser, name: &str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let number = self.get(name)?.as_f64().ok_or_else(|| InvalidValue::new("float_type", "must be a number"));
        let within = number.and_then(|number| super::value::within(number, *range.start(), *range.end()));
        parser.checked(&self.place.child(name), within)
    }
}
