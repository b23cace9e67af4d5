//! The keys of `browser_config` and `crawler_config`, which are those of Crawl4AI 0.9.2.
//!
//! Each key is one row of a table (`browser_keys`, `crawler_keys`, `markdown_keys`) with its type, default and class:
//! honoured, without effect, or rejected. The parser, the OpenAPI document and `docs/crawl-options.md` are made from it.

mod browser_keys;
mod builder;
mod content_filter;
mod cookies;
mod crawler_keys;
mod documentation;
mod extraction_strategy;
mod headers;
mod key;
mod launch_flags;
mod link_previews;
mod llm_strategy;
mod markdown_keys;
mod normalize;
mod parameters;
mod parser;
mod reasons;
mod selection;
mod setters;
mod table;
mod unknown_keys;
mod url_matcher;
mod value;
mod wait_for;

#[cfg(test)]
mod tests;

pub use builder::OptionsBuilder;
pub use content_filter::MAX_QUERY_BYTES;
pub use cookies::parse as parse_cookies;
pub use documentation::{documentation, rejections};
pub use key::{Class, Key, Kind, Section, Usage};
pub use normalize::unwrap_dicts;
pub use parser::{parse_browser, parse_crawler};
pub use table::{defaults, is_known, keys};
pub use url_matcher::UrlMatcher;
