//! An extraction: what a language model is asked about a page, what it cost, and how it ended.

pub mod answer;
pub mod chunk;
pub mod merge;
pub mod prompt;
pub mod shape;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::crawl::PageRecord;

/// Which page, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtractionSpec {
    /// Absolute `http(s)`, exactly as submitted.
    pub url: String,
    pub instruction: String,
    /// A JSON Schema that the answer must conform to; it was checked at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// `family/model`; `None`: the operator's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// A page that was fetched earlier will do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cache: bool,
}

/// What an extraction has used up, over all its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// Answers of the model.
    pub requests: u32,
    /// Those of them that were asked for because an earlier one did not do.
    pub repairs: u32,
    /// The family that answered last.
    pub provider: Option<String>,
    /// The model, as its provider reported it.
    pub model: Option<String>,
    /// The content was found in memory; no model was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// From the first look at the page to the end, in the attempt that settled the job.
    pub duration_s: f64,
}

impl Usage {
    /// One more answer.
    pub fn count(&mut self, prompt_tokens: u64, completion_tokens: u64) {
        self.prompt_tokens += prompt_tokens;
        self.completion_tokens += completion_tokens;
        self.total_tokens = self.prompt_tokens + self.completion_tokens;
        self.requests += 1;
    }
}

/// Why there is no extracted content. A variant for each of the points at which a receiver is told of a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractionError {
    /// No model can be asked: unknown family, not allowed, no key. Nothing was fetched.
    #[error("{reason}")]
    ProviderNotUsable { kind: &'static str, reason: String },
    /// The page was not fetched, the model refused, or its answer does not conform.
    #[error("{reason}")]
    Failed { kind: &'static str, reason: String },
}

impl ExtractionError {
    pub fn failed(kind: &'static str, reason: impl Into<String>) -> Self {
        Self::Failed { kind, reason: reason.into() }
    }

    /// One word for a program: `rate_limited`, `not_conforming`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProviderNotUsable { kind, .. } | Self::Failed { kind, .. } => kind,
        }
    }
}

/// How an extraction ended, as it is stored in place of its page.
#[derive(Debug, Serialize, Deserialize)]
pub struct Extracted<'a> {
    /// `null` where it failed.
    #[serde(borrow)]
    pub extracted_content: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<&'a RawValue>,
    /// Said about the content, e.g. that parts of the page contradict each other.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<&'a RawValue>,
}

impl<'a> Extracted<'a> {
    pub fn parse(stored: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(stored).ok()
    }
}

/// The record of an extraction: index 0 of the one page that such a job has.
pub fn record(outcome: Result<&Value, &ExtractionError>, usage: &Usage, notes: &[String]) -> PageRecord {
    let mut stored = serde_json::Map::new();
    stored.insert("extracted_content".to_owned(), outcome.cloned().unwrap_or_default());
    stored.insert("usage".to_owned(), serde_json::to_value(usage).unwrap_or_default());
    if let Err(error) = outcome {
        stored.insert("error_type".to_owned(), error.kind().into());
    }
    if !notes.is_empty() {
        stored.insert("notes".to_owned(), notes.into());
    }
    let error = outcome.err().map(ToString::to_string).unwrap_or_default();
    PageRecord { index: 0, success: outcome.is_ok(), error, json: Value::Object(stored).to_string().into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spec_comes_back_from_the_store_as_it_went_in() {
        let spec = ExtractionSpec {
            url: "https://example.com/article".to_owned(),
            instruction: "the title".to_owned(),
            schema: Some(json!({"type": "object"})),
            provider: Some("openai/gpt-4o-mini".to_owned()),
            temperature: Some(0.5),
            cache: true,
        };
        let stored = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ExtractionSpec>(&stored).unwrap(), spec);
    }

    #[test]
    fn a_record_says_what_came_out_and_what_it_cost() {
        let usage = Usage { total_tokens: 7, ..Usage::default() };
        let good = record(Ok(&json!({"title": "x"})), &usage, &[]);
        let read = Extracted::parse(&good.json).unwrap();
        assert_eq!((good.success, read.extracted_content.get()), (true, r#"{"title":"x"}"#));
        let refused = ExtractionError::failed("refused", "The model refused");
        let bad = record(Err(&refused), &usage, &[]);
        let read = Extracted::parse(&bad.json).unwrap();
        assert_eq!((bad.success, bad.error.as_str()), (false, "The model refused"));
        assert_eq!((read.extracted_content.get(), read.error_type.map(RawValue::get)), ("null", Some(r#""refused""#)));
    }
}
