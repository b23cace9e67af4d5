//! `extraction_strategy`: the fields that are extracted from each page into `extracted_content`.

use opilio_page::{BUILTIN_PATTERNS, Extraction, InputFormat, PathSegment, SchemaError, SelectorLanguage};
use serde_json::Value;

use super::builder::OptionsBuilder;
use super::llm_strategy;
use super::normalize::{named, typed};
use super::parameters::Parameters;
use super::value::GivenValue;
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};

/// Of the strategies with a schema. Crawl4AI uses only `schema`, too.
const SCHEMA_PARAMETERS: [&str; 3] = ["schema", "verbose", "input_format"];
const PATTERN_PARAMETERS: [&str; 4] = ["pattern", "custom", "input_format", "verbose"];

/// Label and regular expression.
type LabelledPattern = (String, String);

/// If the value has a type, it is a known one: the parser has checked it.
pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some((name, params)) = named(given.value) else {
        let form = r#"must be {"type": "JsonCssExtractionStrategy", "params": {"schema": {…}}} or another strategy"#;
        return report.fail(&given.path, InvalidValue::value(form));
    };
    let extraction = match name {
        "NoExtractionStrategy" => return,
        "LLMExtractionStrategy" => {
            builder.options.model_extraction = llm_strategy::parse(params, &given.path, report);
            return;
        }
        "CosineStrategy" => {
            let reason = "CosineStrategy is not supported; use LLMExtractionStrategy or BM25ContentFilter";
            return report.reject(&given.path, InvalidValue::unsupported(reason));
        }
        "RegexExtractionStrategy" => patterns(params, &given.path, report),
        "JsonXPathExtractionStrategy" => fields(params, &given.path, SelectorLanguage::XPath, report),
        _ => fields(params, &given.path, SelectorLanguage::Css, report),
    };
    let Some((extraction, path)) = extraction else { return };
    match extraction.check(report.compiler()) {
        Ok(()) => builder.options.page.extraction = Some(extraction),
        Err(errors) => errors.into_iter().for_each(|SchemaError { path: segments, reason }| {
            let path = segments.iter().fold(path.clone(), |path, segment| match segment {
                PathSegment::Key(key) => path.child(key.as_str()),
                PathSegment::Index(index) => path.child(*index),
            });
            report.fail(&path, InvalidValue::value(reason));
        }),
    }
}

/// The extraction by a schema, and the schema's path.
fn fields(
    params: Option<&Value>,
    path: &FieldPath,
    language: SelectorLanguage,
    report: &mut Report,
) -> Option<(Extraction, FieldPath)> {
    let params = Parameters::new(params, path, &SCHEMA_PARAMETERS, report)?;
    let schema = match params.get("schema") {
        Some(Value::Object(schema)) => Ok(Value::Object(schema.clone())),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| InvalidValue::value("must be an object, or the JSON text of one"))
        }
        _ => Err(InvalidValue::new("dict_type", "must be an object")),
    };
    let path = params.path("schema");
    let schema = report.check(&path, schema)?;
    Some((Extraction::Fields { language, schema }, path))
}

/// The extraction by regular expressions, and the path of those of the request.
fn patterns(params: Option<&Value>, path: &FieldPath, report: &mut Report) -> Option<(Extraction, FieldPath)> {
    let params = Parameters::new(params, path, &PATTERN_PARAMETERS, report)?;
    let builtin = params.parse("pattern", builtin_patterns, report);
    let custom = params.parse("custom", custom_patterns, report);
    let input = params.parse("input_format", input_format, report);
    let (mut patterns, custom, input) = (builtin?, custom?, input?);
    for (label, pattern) in custom {
        match patterns.iter_mut().find(|(known, _)| *known == label) {
            Some((_, known)) => *known = pattern,
            None => patterns.push((label, pattern)),
        }
    }
    Some((Extraction::Patterns { patterns, input }, params.path("custom")))
}

fn input_format(value: &Value) -> Result<InputFormat, InvalidValue> {
    let error = |_| InvalidValue::value("must be html, cleaned_html, fit_html, markdown, fit_markdown or text");
    serde_json::from_value(value.clone()).map_err(error)
}

/// Built-in patterns: a number whose bits select them (as Crawl4AI writes its flags, also typed), a name, or a list of
/// names.
fn builtin_patterns(value: &Value) -> Result<Vec<LabelledPattern>, InvalidValue> {
    let error = || InvalidValue::value("must be bits, or names such as email or url");
    match typed(value).map_or(value, |(_, bits)| bits) {
        Value::Number(bits) => {
            let bits = bits.as_u64().ok_or_else(|| InvalidValue::value("must not be negative"))?;
            Ok(select_patterns(|index, _| bits >> index & 1 == 1))
        }
        Value::String(name) => patterns_by_name(name).ok_or_else(error),
        Value::Array(names) => {
            let patterns = names.iter().map(|name| patterns_by_name(name.as_str()?));
            Ok(patterns.collect::<Option<Vec<_>>>().ok_or_else(error)?.concat())
        }
        _ => Err(error()),
    }
}

/// `None`: there is no such pattern.
fn patterns_by_name(name: &str) -> Option<Vec<LabelledPattern>> {
    let name = name.to_lowercase().replace('_', "");
    match name.as_str() {
        "all" => Some(select_patterns(|_, _| true)),
        "nothing" => Some(vec![]),
        _ => Some(select_patterns(|_, known| known.replace('_', "") == name)).filter(|found| !found.is_empty()),
    }
}

fn select_patterns(select: impl Fn(usize, &str) -> bool) -> Vec<LabelledPattern> {
    let selected = BUILTIN_PATTERNS.iter().enumerate().filter(|(index, (name, _))| select(*index, name));
    selected.map(|(_, &(name, pattern))| (name.to_owned(), pattern.to_owned())).collect()
}

/// `{label: pattern}`, or a list of pairs.
fn custom_patterns(value: &Value) -> Result<Vec<LabelledPattern>, InvalidValue> {
    let patterns: Option<Vec<_>> = match value {
        Value::Object(map) => {
            map.iter().map(|(label, pattern)| Some((label.clone(), pattern.as_str()?.to_owned()))).collect()
        }
        Value::Array(pairs) => pairs
            .iter()
            .map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([label, pattern]) => Some((label.as_str()?.to_owned(), pattern.as_str()?.to_owned())),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    patterns.ok_or_else(|| InvalidValue::value("must be an object of labels and patterns, or a list of such pairs"))
}
