//! What a caller may choose about reading a page, and the bounds that no page may pass.

use serde::{Deserialize, Serialize};

use crate::{ContentFilter, Extraction, Selection};

/// What a caller may choose. Every field has a default; unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// How the Markdown is written.
    pub markdown: MarkdownOptions,
    /// Images that score this or less are left out of `media`; `0` leaves out icons, logos, buttons and tracking pixels.
    pub image_score_threshold: u32,
    /// Descriptions of images with fewer words are left empty.
    pub image_description_min_words: u32,
    /// Tables that score less are left out: two points each for a first row of headings, for heading cells, for a caption,
    /// and for at least two rows and columns; three for cells of more than 20 characters on average, two for more than 10.
    /// `None`: whatever is data rather than layout.
    pub table_score_threshold: Option<u32>,
    /// Give each link a score from 0 to 10: how likely it leads to content.
    pub score_links: bool,
    /// Which parts of the page count.
    pub selection: Selection,
    /// What counts as the main content, for fit Markdown and fit HTML. `None`: neither is made.
    pub content_filter: Option<ContentFilter>,
    /// Fields to pick from the page.
    pub extraction: Option<Extraction>,
}

/// How the Markdown is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarkdownOptions {
    /// Write the text of links without their targets.
    pub ignore_links: bool,
    /// Leave images out.
    pub ignore_images: bool,
    /// Write emphasised text without marks.
    pub ignore_emphasis: bool,
    /// Wrap paragraphs at this many characters; `0` (the default): one line a paragraph.
    pub body_width: usize,
    /// Make `markdown_with_citations` and `references_markdown` (default). Otherwise the first equals the raw Markdown
    /// and the second is empty.
    pub citations: bool,
    /// Escape text that looks like HTML (`\<div>`), so that it stays text when the Markdown is rendered (default).
    /// Otherwise it is written as the page shows it.
    pub escape_html: bool,
    /// Write links to a place on the same page (`#…`) as text only.
    pub skip_internal_links: bool,
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self {
            ignore_links: false,
            ignore_images: false,
            ignore_emphasis: false,
            body_width: 0,
            citations: true,
            escape_html: true,
            skip_internal_links: false,
        }
    }
}
