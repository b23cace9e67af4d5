//! How Markdown is written.

use serde::{Deserialize, Serialize};

/// How Markdown is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarkdownOptions {
    /// Write the text of links without their targets.
    pub ignore_links: bool,
    /// Leave images out.
    pub ignore_images: bool,
    /// Write emphasised text without `*`, `_` or `~~`.
    pub ignore_emphasis: bool,
    /// Wrap paragraphs at this many characters; `0` (default): one line per paragraph.
    pub body_width: usize,
    /// Produce `markdown_with_citations` and `references_markdown` (default). Otherwise the first equals the raw
    /// Markdown and the second is empty.
    pub citations: bool,
    /// Escape text that looks like HTML (`\<div>`), so that it stays text when the Markdown is rendered (default).
    /// Otherwise it is written as the page shows it.
    pub escape_html: bool,
    /// Write links to an anchor on the same page (`#…`) as text only.
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
