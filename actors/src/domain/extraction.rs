//! Extraction jobs: the request and the result.

pub mod chunk;
pub mod input;
pub mod merge;
pub mod prompt;
pub mod response;
pub mod schema;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::crawl::PageRecord;
use super::engine::Engine;
use super::page_extraction::PageExtraction;
use super::usage::Usage;

/// The page of an extraction job and what to extract from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtractionSpec {
    /// Absolute `http(s)`, exactly as submitted.
    pub url: String,
    pub instruction: String,
    /// A JSON Schema that the result conforms to; validated at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// `family/model`; `None`: the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Use a cached page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cache: bool,
    /// Set when the job is admitted; `None`: [`Engine::Http`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

impl ExtractionSpec {
    /// The extraction from the page of a crawl at `url`.
    pub fn of_page(url: &str, extraction: &PageExtraction) -> Self {
        let PageExtraction { instruction, schema, provider, temperature } = extraction.clone();
        Self { url: url.to_owned(), instruction, schema, provider, temperature, cache: false, engine: None }
    }
}

/// Why an extraction job fails; each variant is a point at which a webhook is sent. The texts are sentences for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractionError {
    /// The model is unknown, not allowed, or has no API key. Nothing was fetched.
    #[error("{reason}")]
    ProviderUnusable { kind: &'static str, reason: String },
    /// The page was not fetched, the model failed, or its response does not conform.
    #[error("{reason}")]
    Failed { kind: &'static str, reason: String },
}

impl ExtractionError {
    pub fn failed(kind: &'static str, reason: impl Into<String>) -> Self {
        Self::Failed { kind, reason: reason.into() }
    }

    /// The job's `error_type`: `rate_limited`, `not_conforming`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProviderUnusable { kind, .. } | Self::Failed { kind, .. } => kind,
        }
    }
}

/// The result of an extraction job as stored, in place of a page's result.
#[derive(Debug, Deserialize)]
pub struct Extracted<'a> {
    /// `null` if the extraction failed.
    #[serde(borrow)]
    pub extracted_content: &'a RawValue,
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error_type: Option<&'a RawValue>,
    /// Notes on the content, e.g. that parts of the page contradict each other.
    #[serde(borrow, default)]
    pub notes: Option<&'a RawValue>,
}

impl<'a> Extracted<'a> {
    pub fn parse(stored: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(stored).ok()
    }
}

/// The record of an extraction job, which has index 0 and is the job's only one.
pub fn record(result: Result<&Value, &ExtractionError>, usage: &Usage, notes: &[String]) -> PageRecord {
    #[derive(Serialize)]
    struct Stored<'a> {
        extracted_content: Option<&'a Value>,
        usage: &'a Usage,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_type: Option<&'static str>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        notes: &'a [String],
    }
    let (extracted_content, error) = (result.ok(), result.err());
    let stored = Stored { extracted_content, usage, error_type: error.map(ExtractionError::kind), notes };
    let json = serde_json::to_vec(&stored).unwrap_or_default().into();
    PageRecord { index: 0, success: result.is_ok(), error: error.map(ToString::to_string).unwrap_or_default(), json }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spec_survives_serialization() {
        let spec = ExtractionSpec {
            url: "https://example.com/article".to_owned(),
            instruction: "the title".to_owned(),
            schema: Some(json!({"type": "object"})),
            provider: Some("openai/gpt-4o-mini".to_owned()),
            temperature: Some(0.5),
            cache: true,
            engine: Some(Engine::Browser),
        };
        let stored = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ExtractionSpec>(&stored).unwrap(), spec);
    }

    #[test]
    fn record_contains_content_usage_and_error_type() {
        let usage = Usage { total_tokens: 7, ..Usage::default() };
        let completed = record(Ok(&json!({"title": "x"})), &usage, &[]);
        let stored: Value = serde_json::from_slice(&completed.json).unwrap();
        assert_eq!((completed.success, &stored["usage"]["total_tokens"], stored.get("notes")), (true, &json!(7), None));
        let parsed = Extracted::parse(&completed.json).unwrap();
        assert_eq!(parsed.extracted_content.get(), r#"{"title":"x"}"#);
        let refused = ExtractionError::failed("refused", "The model refused");
        let failed = record(Err(&refused), &usage, &[]);
        let parsed = Extracted::parse(&failed.json).unwrap();
        assert_eq!((failed.success, failed.error.as_str()), (false, "The model refused"));
        assert_eq!(
            (parsed.extracted_content.get(), parsed.error_type.map(RawValue::get)),
            ("null", Some(r#""refused""#))
        );
    }
}
