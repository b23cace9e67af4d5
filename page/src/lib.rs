//! What a page says: HTML text in; Markdown, links, media, metadata, tables and cleaned HTML out.
//!
//! Pure: no I/O, no async, no knowledge of jobs. A page is parsed once, by html5ever, into a compact arena of our own
//! (`tree`); one survey over it finds what each output needs, and each output is then one walk without recursion.
//! Nesting, bytes, nodes, work and output are bounded by [`Limits`], all of them by counting, so that no page can hold a
//! worker for long, and the same page ends the same way on every machine.
//!
//! Cost, as `benches/page.rs` measures it: a made-up article of 47 KB takes 2.0 times as long to read, with every field,
//! as html5ever takes to parse it into this tree (0.64 ms and 0.32 ms on one core); over 330 pages from the web it is 1.5
//! times. A tree of our own, because only then are depth and nodes counted while it is built, and comments never stored.

mod budget;
mod classify;
mod cleaned;
mod content;
mod error;
mod extract;
mod index;
mod limits;
mod links;
mod markdown;
mod media;
mod metadata;
mod options;
mod output;
mod public_suffix;
mod reader;
mod schema_html;
mod select;
mod srcset;
mod structured;
mod tables;
mod text;
mod tree;
mod urls;

pub use content::{Bm25, ContentFilter, Pruning, STEMMING_LANGUAGES};
pub use error::ReadError;
pub use extract::{BUILTIN_PATTERNS, Extraction, InputFormat, PathSegment, SchemaError, SelectorLanguage};
pub use limits::Limits;
pub use options::{MarkdownOptions, Options};
pub use output::{Link, Links, Markdown, Media, MediaItem, Page, Table, TableMetadata};
pub use reader::read;
pub use schema_html::schema_html;
pub use select::{SOCIAL_MEDIA, Selection, validate_css_selector};
pub use text::read_text;

/// Parses a page as [`read`] does and throws the tree away; the number of its nodes is returned.
///
/// For benches only: it is the yardstick that the cost of [`read`] is measured against.
#[doc(hidden)]
pub fn parse_only(html: &str) -> usize {
    let limits = Limits::default();
    let watch = budget::Watch::start(&limits);
    tree::parse(html, &limits, &watch).map_or(0, |parsed| parsed.tree.len())
}

/// The passages of a page and what is known about each, for training; not part of what this crate promises.
#[doc(hidden)]
pub fn passages(html: &str, url: &url::Url) -> Result<serde_json::Value, ReadError> {
    let limits = Limits::default();
    let watch = budget::Watch::start(&limits);
    let tree = tree::parse(html, &limits, &watch)?.tree;
    let survey = index::survey(&tree, &watch)?;
    let base = urls::Base::of(url, survey.base_href(&tree));
    content::dump(&tree, &survey, &base, &watch)
}
