//! `extraction_strategy`: what fields are picked from a page, in the peer's form `{"type": …, "params": {…}}`.

use opilio_page::{BUILTIN_PATTERNS, Extraction, InputFormat, PathSegment, SchemaError, SelectorLanguage};
use serde_json::{Map, Value};

use super::normalize::typed;
use super::parser::{GivenValue, Parser};
use crate::http::field_error::{FieldPath, InvalidValue};

/// Parameters that a schema's strategy may have beside `schema`; the peer's own programs read nothing from them either.
const SCHEMA_PARAMETERS: [&str; 3] = ["schema", "verbose", "input_format"];
const PATTERN_PARAMETERS: [&str; 4] = ["pattern", "custom", "input_format", "verbose"];

pub fn set(parser: &mut Parser, given: &GivenValue<'_>) {
    let nothing = Value::Object(Map::new());
    let (name, params) = match (typed(given.value), given.value.get("type").and_then(Value::as_str)) {
        (Some(both), _) => both,
        (None, Some(name)) => (name, &nothing),
        (None, None) => {
            let form =
                r#"must be {"type": "JsonCssExtractionStrategy", "params": {"schema": {…}}} or another strategy"#;
            return parser.fail(&given.place, InvalidValue::value(form));
        }
    };
    let by_model = "fields are not picked by a model in crawl jobs; that is `POST /llm/job`";
    match name {
        "NoExtractionStrategy" => {}
        "LLMExtractionStrategy" | "CosineStrategy" => parser.fail(&given.place, InvalidValue::unsupported(by_model)),
        "RegexExtractionStrategy" => patterns(parser, &given.place, params),
        "JsonXPathExtractionStrategy" => fields(parser, &given.place, params, SelectorLanguage::XPath),
        _ => fields(parser, &given.place, params, SelectorLanguage::Css),
    }
}

fn parameters<'v>(
    parser: &mut Parser,
    place: &FieldPath,
    params: &'v Value,
    known: &[&str],
) -> Option<&'v Map<String, Value>> {
    let map = params.as_object().ok_or_else(|| InvalidValue::new("dict_type", "must be an object"));
    let map = parser.checked(&place.child("params"), map)?;
    for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
        parser.unknown(place.child(name.as_str()), || "unknown key".to_owned());
    }
    Some(map)
}

fn fields(parser: &mut Parser, place: &FieldPath, params: &Value, language: SelectorLanguage) {
    let Some(params) = parameters(parser, place, params, &SCHEMA_PARAMETERS) else { return };
    let place = place.child("schema");
    let schema = match params.get("schema") {
        Some(Value::Object(schema)) => Ok(Value::Object(schema.clone())),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| InvalidValue::value("must be an object, or the JSON text of one"))
        }
        _ => Err(InvalidValue::new("dict_type", "must be an object")),
    };
    let Some(schema) = parser.checked(&place, schema) else { return };
    accept(parser, &place, Extraction::Fields { language, schema });
}

fn patterns(parser: &mut Parser, place: &FieldPath, params: &Value) {
    let Some(params) = parameters(parser, place, params, &PATTERN_PARAMETERS) else { return };
    let given = |key: &str| params.get(key).filter(|value| !value.is_null());
    let named = given("pattern").map_or(Ok(Vec::new()), named);
    let custom = given("custom").map_or(Ok(Vec::new()), custom);
    let input = given("input_format").map_or(Ok(InputFormat::default()), |value| {
        serde_json::from_value(value.clone())
            .map_err(|_| InvalidValue::value("must be html, cleaned_html, fit_html, markdown, fit_markdown or text"))
    });
    let named = parser.checked(&place.child("pattern"), named);
    let custom = parser.checked(&place.child("custom"), custom);
    let input = parser.checked(&place.child("input_format"), input);
    let (Some(mut patterns), Some(custom), Some(input)) = (named, custom, input) else { return };
    for (label, pattern) in custom {
        match patterns.iter_mut().find(|(known, _)| *known == label) {
            Some((_, known)) => *known = pattern,
            None => patterns.push((label, pattern)),
        }
    }
    accept(parser, &place.child("custom"), Extraction::Patterns { patterns, input });
}

fn accept(parser: &mut Parser, place: &FieldPath, extraction: Extraction) {
    match extraction.check() {
        Ok(()) => parser.builder.options.page.extraction = Some(extraction),
        Err(errors) => errors.into_iter().for_each(|SchemaError { path, reason }| {
            let place = path.iter().fold(place.clone(), |place, step| match step {
                PathSegment::Key(key) => place.child(key.as_str()),
                PathSegment::Index(index) => place.child(*index),
            });
            parser.fail(&place, InvalidValue::value(reason));
        }),
    }
}

/// By bits, as the peer's flags are written, also typed; by name; or by a list of names.
fn named(value: &Value) -> Result<Vec<(String, String)>, InvalidValue> {
    let value = typed(value).map_or(value, |(_, bits)| bits);
    let chosen = |chosen: &dyn Fn(usize, &str) -> bool| {
        let known = BUILTIN_PATTERNS.iter().enumerate().filter(|(index, (name, _))| chosen(*index, name));
        known.map(|(_, &(name, pattern))| (name.to_owned(), pattern.to_owned())).collect()
    };
    let one_by_name = |name: &str| match name.to_lowercase().as_str() {
        "all" => Ok(chosen(&|_, _| true)),
        "nothing" => Ok(Vec::new()),
        wanted => match chosen(&|_, known| known.replace('_', "") == wanted.replace('_', "")) {
            found if found.is_empty() => Err(InvalidValue::value("must be bits, or names such as email or url")),
            found => Ok(found),
        },
    };
    match value {
        Value::Number(bits) => {
            let bits = bits.as_u64().ok_or_else(|| InvalidValue::value("must not be negative"))?;
            Ok(chosen(&|index, _| bits >> index & 1 == 1))
        }
        Value::String(name) => one_by_name(name),
        Value::Array(names) => {
            let each = names.iter().map(|name| one_by_name(name.as_str().unwrap_or_default()));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        _ => Err(InvalidValue::value("must be bits, or names such as email or url")),
    }
}

/// `{label: pattern}`, or a list of pairs.
fn custom(value: &Value) -> Result<Vec<(String, String)>, InvalidValue> {
    let wrong = || InvalidValue::value("must be an object of labels and patterns, or a list of such pairs");
    let pair = |label: &Value, pattern: &Value| Some((label.as_str()?.to_owned(), pattern.as_str()?.to_owned()));
    match value {
        Value::Object(map) => {
            map.iter().map(|(label, pattern)| Some((label.clone(), pattern.as_str()?.to_owned()))).collect()
        }
        Value::Array(pairs) => pairs
            .iter()
            .map(|each| match each.as_array().map(Vec::as_slice) {
                Some([label, pattern]) => pair(label, pattern),
                _ => None,
            })
            .collect(),
        _ => None,
    }
    .ok_or_else(wrong)
}
