//! Converts a web page to Markdown, links, media, metadata, tables, extracted fields and main content.
//!
//! Pure functions: no I/O, no async, no dependency on jobs. html5ever parses a page once into a compact arena (`tree`);
//! one walk builds an index of the elements that outputs need (`index`); each output is one further walk without
//! recursion. [`Limits`] bounds nesting, bytes, nodes, work and output by counting, so no page can occupy a worker for
//! long, and the result is the same on every machine.
//!
//! Cost, measured by `benches/page.rs`: reading a generated article of 47 KB with all fields takes 2.0 times as long as
//! parsing it into the tree (0.64 ms and 0.32 ms on one core); over 330 real pages the ratio is 1.5. The crate has its
//! own tree because depth and nodes must be counted while it is built, and comments must not be stored.

mod app_shell;
mod budget;
mod cleaned_html;
mod content;
mod dev;
mod element_kind;
mod error;
mod extract;
mod html;
mod image_source;
mod index;
mod limits;
mod links;
mod markdown;
mod media;
mod meta_refresh;
mod metadata;
mod options;
mod output;
mod pattern_compiler;
mod plain_text;
mod public_suffix;
mod reader;
mod schema_html;
mod select;
mod srcset;
mod structured;
mod table_grid;
mod tables;
mod text;
mod tree;
mod urls;

pub use app_shell::AppShell;
pub use content::{BlockDecision, STEMMING_LANGUAGES};
#[doc(hidden)]
pub use dev::{parse_only, training_data};
pub use error::ReadError;
pub use extract::BUILTIN_PATTERNS;
pub use limits::Limits;
pub use meta_refresh::{MetaRefresh, meta_refresh};
pub use options::{
    Bm25, CompiledPatterns, ContentFilter, Extraction, InputFormat, MainContent, MarkdownOptions, Options, PathSegment,
    Pruning, SOCIAL_MEDIA, SchemaError, Selection, SelectorLanguage,
};
pub use output::{Link, Links, Markdown, Media, MediaItem, Page, Table, TableMetadata};
pub use pattern_compiler::PatternCompiler;
pub use plain_text::read_text;
pub use reader::{explain_main_content, read, read_with};
pub use schema_html::schema_html;
pub use urls::join;
