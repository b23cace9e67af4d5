//! Labelled regular expressions over a page's text.

use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::{PathSegment, Picked, SchemaError};
use crate::ReadError;
use crate::budget::Watch;

/// The patterns that are there by name, in the order of their bits: the first is 1, the second 2, the third 4…
pub const BUILTIN_PATTERNS: [(&str, &str); 21] = [
    ("email", r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    ("phone_intl", r"\+?\d[\d .()-]{7,}\d"),
    ("phone_us", r"\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}"),
    ("url", r#"https?://[^\s"'<>]+"#),
    ("ipv4", r"(?:\d{1,3}\.){3}\d{1,3}"),
    ("ipv6", r"[A-F0-9]{1,4}(?::[A-F0-9]{1,4}){7}"),
    ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ("currency", r"(?:USD|EUR|RM|\$|€|£)\s?\d+(?:[.,]\d{2})?"),
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

const MAX_PATTERN: usize = 2000;
const MAX_PATTERNS: usize = 100;

pub(crate) struct Patterns(Vec<(String, Regex)>);

impl Patterns {
    pub(crate) fn read(patterns: &[(String, String)]) -> Result<Self, Vec<SchemaError>> {
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        if patterns.len() > MAX_PATTERNS {
            let reason = format!("holds more than {MAX_PATTERNS} patterns");
            return Err(vec![SchemaError { path: Vec::new(), reason }]);
        }
        for (label, pattern) in patterns {
            match compile(pattern, true) {
                Ok(regex) => compiled.push((label.clone(), regex)),
                Err(reason) => errors.push(SchemaError { path: vec![PathSegment::Key(label.clone())], reason }),
            }
        }
        if errors.is_empty() { Ok(Self(compiled)) } else { Err(errors) }
    }

    /// `[{"url", "label", "value", "span"}]`; spans count characters.
    pub(crate) fn find(&self, text: &str, url: &str, budget: usize, watch: &Watch) -> Result<Picked, ReadError> {
        let (mut found, mut left, mut cut) = (Vec::new(), budget, false);
        for (label, regex) in &self.0 {
            watch.work.spend_bytes(text.len());
            let mut counted = (0, 0);
            for each in regex.find_iter(text).filter(|each| !each.is_empty()) {
                watch.step()?;
                let start = counted.1 + text[counted.0..each.start()].chars().count();
                let end = start + each.as_str().chars().count();
                counted = (each.end(), end);
                match left.checked_sub(each.len() + url.len() + 64) {
                    Some(rest) => left = rest,
                    None => {
                        cut = true;
                        break;
                    }
                }
                found.push(json!({"url": url, "label": label, "value": each.as_str(), "span": [start, end]}));
            }
            watch.step()?;
        }
        Ok(Picked { json: Value::Array(found).to_string(), cut })
    }
}

/// Its time is linear in the text, so look-around and back references are not there.
pub(super) fn compile(pattern: &str, any_case: bool) -> Result<Regex, String> {
    const MAX_BYTES: usize = 4 << 20;
    if pattern.len() > MAX_PATTERN {
        return Err(format!("is longer than {MAX_PATTERN} bytes"));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(any_case).multi_line(any_case).size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES);
    builder.build().map_err(|error| {
        let error = error.to_string();
        let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("is no regular expression that can be used: {why}")
    })
}
