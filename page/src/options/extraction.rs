//! Which fields to extract from a page, without a language model.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which fields to extract from a page. Stored as requested; [`Extraction::check`] validates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extraction {
    /// One object for each element that the schema's `baseSelector` matches.
    Fields { language: SelectorLanguage, schema: Value },
    /// Each match of each labelled pattern, in the order of the list; case-insensitive.
    Patterns { patterns: Vec<(String, String)>, input: InputFormat },
}

/// The language of a schema's selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectorLanguage {
    Css,
    XPath,
}

/// The form of the page that patterns are matched on.
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

/// One error in an [`Extraction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The invalid value: keys within the schema, or the label of a pattern.
    pub path: Vec<PathSegment>,
    /// A sentence without its subject: `is not a valid CSS selector`.
    pub reason: String,
}

/// One segment of the path to an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    Key(String),
    Index(usize),
}
