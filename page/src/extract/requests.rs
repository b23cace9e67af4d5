//! Validates and executes an [`Extraction`].

use std::borrow::Cow;

use url::Url;

use super::extracted::ExtractedJson;
use super::extractor::extract_fields;
use super::patterns::Patterns;
use super::schema::Schema;
use super::schema_parser::parse_schema;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::options::{Extraction, InputFormat, SchemaError};
use crate::output::Page;
use crate::pattern_compiler::PatternCompiler;
use crate::text;
use crate::tree::{NodeId, Tree};

/// The compiled form of an [`Extraction`].
pub(crate) enum CompiledExtraction {
    Fields(Box<Schema>),
    Patterns(Patterns, InputFormat),
}

impl Extraction {
    /// Validates the schema or the patterns.
    ///
    /// # Errors
    /// All errors at once. Paths start within the schema, or at the label of a pattern.
    pub fn check(&self, compiler: &PatternCompiler) -> Result<(), Vec<SchemaError>> {
        self.compile(compiler).map(|_| ())
    }

    pub(crate) fn compile(&self, compiler: &PatternCompiler) -> Result<CompiledExtraction, Vec<SchemaError>> {
        match self {
            Self::Fields { language, schema } => {
                let schema = parse_schema(schema, *language, compiler)?;
                Ok(CompiledExtraction::Fields(Box::new(schema)))
            }
            Self::Patterns { patterns, input } => {
                Ok(CompiledExtraction::Patterns(Patterns::compile(patterns, compiler)?, *input))
            }
        }
    }
}

impl CompiledExtraction {
    /// The fields of a schema as JSON text, at most about `max_bytes`; `None` if the extraction uses patterns.
    pub(crate) fn schema_fields(
        &self,
        tree: &Tree,
        max_bytes: usize,
        budget: &Budget,
    ) -> Result<Option<ExtractedJson>, ReadError> {
        let Self::Fields(schema) = self else { return Ok(None) };
        extract_fields(tree, schema, max_bytes, budget).map(Some)
    }

    /// The form of the page that patterns are matched on; `None` if the extraction uses a schema.
    pub(crate) fn input(&self) -> Option<InputFormat> {
        match self {
            Self::Fields(_) => None,
            Self::Patterns(_, input) => Some(*input),
        }
    }

    /// All matches of the patterns as JSON text, at most about `max_bytes`; `None` if the extraction uses a schema.
    pub(crate) fn pattern_matches(
        &self,
        text: &str,
        url: &Url,
        max_bytes: usize,
        budget: &Budget,
    ) -> Result<Option<ExtractedJson>, ReadError> {
        let Self::Patterns(patterns, _) = self else { return Ok(None) };
        patterns.find(text, url.as_str(), max_bytes, budget).map(Some)
    }
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
