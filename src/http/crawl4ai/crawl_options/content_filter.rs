//! `content_filter` of a Markdown generator: the rule by which main content is found.

use opilio_page::{Bm25, ContentFilter, MainContent, Pruning};

use super::builder::OptionsBuilder;
use super::llm_strategy;
use super::normalize::named;
use super::parameters::Parameters;
use super::value::GivenValue;
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::InvalidValue;

/// Bytes of a query.
pub const MAX_QUERY_BYTES: usize = 2000;
const PRUNING: [&str; 5] = ["user_query", "min_word_threshold", "threshold_type", "threshold", "verbose"];
const BM25: [&str; 5] = ["user_query", "bm25_threshold", "language", "use_stemming", "verbose"];
const MAIN: [&str; 2] = ["threshold", "verbose"];

/// If the value has a type, it is a known one: the parser has checked it.
pub fn set(builder: &mut OptionsBuilder, given: &GivenValue<'_>, report: &mut Report) {
    let Some((name, params)) = named(given.value) else {
        let form = r#"must be {"type": "PruningContentFilter", "params": {…}} or another filter"#;
        return report.fail(&given.path, InvalidValue::value(form));
    };
    let known = match name {
        "PruningContentFilter" | "PruningContentFilterLXML" => &PRUNING[..],
        "BM25ContentFilter" => &BM25,
        "LLMContentFilter" => {
            builder.options.model_filter = llm_strategy::parse_filter(params, &given.path, report);
            return;
        }
        _ => &MAIN,
    };
    let Some(params) = Parameters::new(params, &given.path, known, report) else { return };
    builder.options.page.content_filter = match name {
        "PruningContentFilter" | "PruningContentFilterLXML" => Some(ContentFilter::Pruning(pruning(&params, report))),
        "BM25ContentFilter" => Some(ContentFilter::Bm25(bm25(&params, report))),
        _ => Some(ContentFilter::Main(main(&params, report))),
    };
}

fn main(params: &Parameters<'_>, report: &mut Report) -> MainContent {
    let threshold = params.number("threshold", 0.0..=1.0, report);
    MainContent { threshold: threshold.unwrap_or(MainContent::default().threshold) }
}

fn pruning(params: &Parameters<'_>, report: &mut Report) -> Pruning {
    let default = Pruning::default();
    if params.get("user_query").is_some() {
        report.warn(&params.path("user_query"), "pruning does not use a query; use BM25ContentFilter");
    }
    let threshold_type = params.text("threshold_type", report);
    if threshold_type.is_some_and(|kind| !["fixed", "dynamic"].contains(&kind)) {
        report.warn(&params.path("threshold_type"), "any value other than `fixed` means `dynamic`");
    }
    let dynamic = threshold_type.map(|kind| kind != "fixed");
    let threshold = params.number("threshold", 0.0..=100.0, report);
    let min_words = params.number("min_word_threshold", 0.0..=1e6, report);
    Pruning {
        threshold: threshold.unwrap_or(default.threshold),
        dynamic: dynamic.unwrap_or(default.dynamic),
        min_words: min_words.map_or(default.min_words, |words| words as u32),
    }
}

fn bm25(params: &Parameters<'_>, report: &mut Report) -> Bm25 {
    let default = Bm25::default();
    let query = params.text("user_query", report).unwrap_or_default();
    if query.len() > MAX_QUERY_BYTES {
        let msg = format!("must have at most {MAX_QUERY_BYTES} bytes");
        report.fail(&params.path("user_query"), InvalidValue::new("string_too_long", msg));
    }
    let language = params.text("language", report).map(|language| language.trim().to_lowercase());
    let is_known = |language: &String| opilio_page::STEMMING_LANGUAGES.contains(&language.as_str());
    if language.as_ref().is_some_and(|language| !is_known(language)) {
        let msg = format!("must be one of {}", opilio_page::STEMMING_LANGUAGES.join(", "));
        report.fail(&params.path("language"), InvalidValue::value(msg));
    }
    let use_stemming = params.flag("use_stemming", report).unwrap_or(true);
    let threshold = params.number("bm25_threshold", 0.0..=1000.0, report);
    Bm25 {
        query: query.to_owned(),
        threshold: threshold.unwrap_or(default.threshold),
        stemming: language.or(default.stemming).filter(|_| use_stemming),
    }
}
