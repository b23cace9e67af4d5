//! What a caller may choose about reading a page.

mod compiled;
mod content_filter;
mod extraction;
mod markdown;
mod selection;

use serde::{Deserialize, Serialize};

pub use compiled::CompiledPatterns;
pub use content_filter::{Bm25, ContentFilter, MainContent, Pruning};
pub use extraction::{Extraction, InputFormat, PathSegment, SchemaError, SelectorLanguage};
pub use markdown::MarkdownOptions;
pub use selection::{SOCIAL_MEDIA, Selection};

/// What a caller may choose. Every field has a default; unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// How the Markdown is written.
    pub markdown: MarkdownOptions,
    /// Images with this score or less are left out of `media`; `0` leaves out icons, logos, buttons and tracking
    /// pixels.
    pub image_score_threshold: u32,
    /// Image descriptions with fewer words are left empty.
    pub image_description_min_words: u32,
    /// Tables with a lower score are left out. Two points each for a header row, header cells, a caption, and at least
    /// two rows and columns; three points if cells average more than 20 characters, two if more than 10. `None`: all
    /// data tables are listed, layout tables are not.
    pub table_score_threshold: Option<u32>,
    /// Give each link a score from 0 to 10 for how likely it leads to content.
    pub score_links: bool,
    /// A CSS selector that must match an element of the page; otherwise reading it is
    /// [`ReadError::SelectorNotFound`](crate::ReadError::SelectorNotFound).
    pub required_selector: Option<String>,
    /// The parts of the page to read.
    pub selection: Selection,
    /// How the main content is found, for fit Markdown and fit HTML. `None`: neither is produced.
    pub content_filter: Option<ContentFilter>,
    /// Fields to extract from the page.
    pub extraction: Option<Extraction>,
}
