//! Fields picked from a page without a model: by selectors, or by patterns.

mod fields;
mod html;
mod patterns;
mod schema;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::budget::Watch;
use crate::tree::{Id, Tree};
use crate::{Page, ReadError, text};

pub use patterns::BUILTIN_PATTERNS;

use patterns::Patterns;
use schema::Schema;

/// What to pick from a page. Kept as it was asked for; [`Extraction::check`] says whether it can be carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extraction {
    /// One object for each element that the schema's `baseSelector` finds.
    Fields { language: SelectorLanguage, schema: Value },
    /// Each match of each pattern, by its label; in the order of the list, letter case ignored.
    Patterns { patterns: Vec<(String, String)>, input: InputFormat },
}

/// What the selectors of a schema are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectorLanguage {
    Css,
    XPath,
}

/// What patterns are matched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFormat {
    Html,
    CleanedHtml,
    #[default]
    FitHtml,
    Markdown,
    FitMarkdown,
    Text,
}

/// What cannot be carried out, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    pub path: Vec<PathSegment>,
    /// `is no CSS selector`: a sentence without its subject.
    pub reason: String,
}

/// One step of the way to a misfit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    Key(String),
    Index(usize),
}

impl Extraction {
    /// Whether it can be carried out; all that is wrong, at once. Paths begin within the schema, or at a pattern's label.
    pub fn check(&self) -> Result<(), Vec<SchemaError>> {
        match self {
            Self::Fields { language, schema } => Schema::read(schema, *language).map(|_| ()),
            Self::Patterns { patterns, .. } => Patterns::read(patterns).map(|_| ()),
        }
    }

    /// The fields of a schema as JSON text; `None` where patterns are asked for.
    pub(crate) fn fields(&self, tree: &Tree, budget: usize, watch: &Watch) -> Result<Option<Picked>, ReadError> {
        let Self::Fields { language, schema } = self else { return Ok(None) };
        let schema = Schema::read(schema, *language).map_err(unreadable)?;
        fields::pick(tree, &schema, budget, watch).map(Some)
    }
}

impl InputFormat {
    /// The text, of what was read. Where there is no fit content, the whole counts.
    pub(crate) fn of<'p>(self, html: &'p str, page: &'p Page, text: &'p str) -> Cow<'p, str> {
        match self {
            Self::Html => html.into(),
            Self::FitHtml => page.fit_html.as_deref().unwrap_or(&page.cleaned_html).into(),
            Self::CleanedHtml => page.cleaned_html.as_str().into(),
            Self::FitMarkdown if !page.markdown.fit_markdown.is_empty() => page.markdown.fit_markdown.as_str().into(),
            Self::Markdown | Self::FitMarkdown => page.markdown.raw_markdown.as_str().into(),
            Self::Text => text.into(),
        }
    }
}

/// What a page of `bytes` says, without its markup.
pub(crate) fn whole_text(tree: &Tree, bytes: usize) -> String {
    text::text_of(tree, Id::ROOT, bytes.saturating_add(1))
}

/// All matches of the patterns, as JSON text.
pub(crate) fn matches(
    patterns: &[(String, String)],
    text: &str,
    url: &Url,
    budget: usize,
    watch: &Watch,
) -> Result<Picked, ReadError> {
    Patterns::read(patterns).map_err(unreadable)?.find(text, url.as_str(), budget, watch)
}

/// JSON text, and whether a limit cut it.
pub(crate) struct Picked {
    pub(crate) json: String,
    pub(crate) cut: bool,
}

fn unreadable(misfits: Vec<SchemaError>) -> ReadError {
    ReadError::InvalidSelector(misfits.into_iter().next().map(|misfit| misfit.reason).unwrap_or_default())
}

#[cfg(test)]
mod tests;
