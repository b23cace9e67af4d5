//! Extracts fields from a page without a language model: by selectors or by patterns.

mod extracted;
mod extractor;
mod outer_html;
mod patterns;
mod requests;
mod schema;
mod schema_parser;

pub(crate) use extracted::ExtractedJson;
pub use patterns::BUILTIN_PATTERNS;
pub(crate) use requests::{input_text, page_text, pattern_matches, schema_fields};

#[cfg(test)]
mod tests;
