//! Validates and executes an [`Extraction`].

use std::borrow::Cow;

use url::Url;

use super::extracted::ExtractedJson;
use super::extractor::extract_fields;
use super::patterns::Patterns;
use super::schema_parser::parse_schema;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::options::{Extraction, InputFormat, SchemaError};
use crate::output::Page;
use crate::text;
use crate::tree::{NodeId, Tree};

impl Extraction {
    /// Validates the schema or the patterns.
    ///
    /// # Errors
    /// All errors at once. Paths start within the schema, or at the label of a pattern.
    pub fn check(&self) -> Result<(), Vec<SchemaError>> {
        match self {
            Self::Fields { language, schema } => parse_schema(schema, *language).map(|_| ()),
            Self::Patterns { patterns, .. } => Patterns::compile(patterns).map(|_| ()),
        }
    }
}

/// The fields of a schema as JSON text, at most about `max_bytes`; `None` if the extraction uses patterns.
pub(crate) fn schema_fields(
    extraction: &Extraction,
    tree: &Tree,
    max_bytes: usize,
    budget: &Budget,
) -> Result<Option<ExtractedJson>, ReadError> {
    let Extraction::Fields { language, schema } = extraction else { return Ok(None) };
    let schema = parse_schema(schema, *language).map_err(first_error)?;
    extract_fields(tree, &schema, max_bytes, budget).map(Some)
}

/// All matches of the patterns as JSON text, at most about `max_bytes`.
pub(crate) fn pattern_matches(
    patterns: &[(String, String)],
    text: &str,
    url: &Url,
    max_bytes: usize,
    budget: &Budget,
) -> Result<ExtractedJson, ReadError> {
    Patterns::compile(patterns).map_err(first_error)?.find(text, url.as_str(), max_bytes, budget)
}

/// The text that patterns are matched on. `text` is the result of [`page_text`]. Without fit content the whole page is
/// used.
pub(crate) fn input_text<'p>(format: InputFormat, html: &'p str, page: &'p Page, text: &'p str) -> Cow<'p, str> {
    let markdown = &page.markdown;
    match format {
        InputFormat::Html => html.into(),
        InputFormat::FitHtml => page.fit_html.as_deref().unwrap_or(&page.cleaned_html).into(),
        InputFormat::CleanedHtml => page.cleaned_html.as_str().into(),
        InputFormat::FitMarkdown if !markdown.fit_markdown.is_empty() => markdown.fit_markdown.as_str().into(),
        InputFormat::Markdown | InputFormat::FitMarkdown => markdown.raw_markdown.as_str().into(),
        InputFormat::Text => text.into(),
    }
}

/// The text of a page that has `bytes` of HTML.
pub(crate) fn page_text(tree: &Tree, bytes: usize) -> String {
    text::text_content(tree, NodeId::ROOT, bytes.saturating_add(1))
}

fn first_error(errors: Vec<SchemaError>) -> ReadError {
    ReadError::InvalidSelector(errors.into_iter().next().map(|error| error.reason).unwrap_or_default())
}
