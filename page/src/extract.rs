//! Extracts fields from a page without a language model: by selectors or by patterns.

mod extracted;
mod extractor;
mod outer_html;
mod pattern;
mod patterns;
mod requests;
mod schema;
mod schema_parser;

pub(crate) use extracted::ExtractedJson;
pub(crate) use pattern::Pattern;
pub use patterns::BUILTIN_PATTERNS;
pub(crate) use requests::{CompiledExtraction, input_text, page_text};

#[cfg(test)]
mod tests;
