//! Finds the matches of labelled regular expressions in a text.

use std::sync::Arc;

use serde_json::{Value, json};

use super::extracted::ExtractedJson;
use super::pattern::{Pattern, SearchCaches};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::options::{PathSegment, SchemaError};
use crate::pattern_compiler::PatternCompiler;

/// The built-in patterns, in the order of their bits: the first is 1, the second 2, the third 4, …
pub const BUILTIN_PATTERNS: [(&str, &str); 21] = [
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("phone_intl", r"\+?\d[\d .()-]{7,}\d"),
    ("phone_us", r"\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}"),
    // Up to the punctuation of the sentence around it; parentheses are part of it in pairs.
    ("url", r#"https?://(?:\([^\s"'<>()]*\)|[^\s"'<>()])*(?:\([^\s"'<>()]*\)|[^\s"'<>().,;:!?])"#),
    ("ipv4", r"(?:\d{1,3}\.){3}\d{1,3}"),
    ("ipv6", r"[A-F0-9]{1,4}(?::[A-F0-9]{1,4}){7}"),
    ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ("currency", r"(?:USD|EUR|RM|\$|€|£)\s?(?:\d{1,3}(?:[.,]\d{3})+|\d+)(?:[.,]\d{1,2})?"),
    ("percentage", r"\d+(?:\.\d+)?%"),
    ("number", r"\b\d{1,3}(?:[,.\s]\d{3})*(?:\.\d+)?\b"),
    ("date_iso", r"\d{4}-\d{2}-\d{2}"),
    ("date_us", r"\d{1,2}/\d{1,2}/\d{2,4}"),
    ("time_24h", r"\b(?:[01]?\d|2[0-3]):[0-5]\d(?:[:.][0-5]\d)?\b"),
    ("postal_us", r"\b\d{5}(?:-\d{4})?\b"),
    ("postal_uk", r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"),
    ("html_color_hex", r"#[0-9A-F]{6}\b"),
    ("twitter_handle", r"@\w{1,15}"),
    ("hashtag", r"#[\w-]+"),
    ("mac_addr", r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}"),
    ("iban", r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}"),
    ("credit_card", r"\b(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|3[47]\d{13}|6(?:011|5\d{2})\d{12})\b"),
];

/// Bytes of a match in addition to its value and the URL.
const ENTRY_BYTES: usize = 200;
/// Patterns of one extraction.
const MAX_PATTERNS: usize = 100;

/// Compiled patterns with their labels.
pub(crate) struct Patterns(Vec<(String, Arc<Pattern>)>);

impl Patterns {
    pub(super) fn compile(patterns: &[(String, String)], compiler: &PatternCompiler) -> Result<Self, Vec<SchemaError>> {
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        if patterns.len() > MAX_PATTERNS {
            let reason = format!("has more than {MAX_PATTERNS} patterns");
            return Err(vec![SchemaError { path: Vec::new(), reason }]);
        }
        for (label, pattern) in patterns {
            match compiler.pattern(pattern, true) {
                Ok(pattern) => compiled.push((label.clone(), pattern)),
                Err(reason) => errors.push(SchemaError { path: vec![PathSegment::Key(label.clone())], reason }),
            }
        }
        if errors.is_empty() { Ok(Self(compiled)) } else { Err(errors) }
    }

    /// The matches as `[{"url", "label", "value", "span"}]`; spans count characters.
    pub(super) fn find(
        &self,
        text: &str,
        url: &str,
        max_bytes: usize,
        budget: &Budget,
    ) -> Result<ExtractedJson, ReadError> {
        let (mut found, mut left, mut truncated) = (Vec::new(), max_bytes, false);
        let mut caches = SearchCaches::default();
        for (label, pattern) in &self.0 {
            // Bytes and characters before the last match.
            let mut counted = (0, 0);
            pattern.each_match(text, &mut caches, budget, |at| {
                let value = &text[at.clone()];
                let start = counted.1 + text[counted.0..at.start].chars().count();
                let end = start + value.chars().count();
                counted = (at.end, end);
                match left.checked_sub(value.len() + url.len() + ENTRY_BYTES) {
                    Some(remaining) => left = remaining,
                    None => truncated = true,
                }
                if !truncated {
                    found.push(json!({"url": url, "label": label, "value": value, "span": [start, end]}));
                }
                !truncated
            })?;
        }
        Ok(ExtractedJson { json: Value::Array(found).to_string(), truncated })
    }
}
