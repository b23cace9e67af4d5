//! Sorts the keys of `browser_config` and `crawler_config`, which are those of Crawl4AI 0.9.2, into honoured, without
//! effect and refused. One table, in the `…_keys` files, drives the parser and the documentation page.

mod browser_keys;
mod builder;
mod content_filter;
mod cookies;
mod crawler_keys;
mod documentation;
mod extraction_strategy;
mod headers;
mod markdown_keys;
mod normalize;
mod parser;
mod selection;
mod setters;
mod table;
mod unknown_keys;
mod value;

#[cfg(test)]
mod tests;

use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::Warning;
use serde_json::Value;

pub use content_filter::LONGEST_QUERY;
pub use documentation::documentation;
pub use normalize::plain;
pub use table::{Class, Key, Kind, Section};

use self::parser::Parser;
use crate::http::field_error::{FieldError, FieldPath};

/// What the two configurations of a request come to.
#[derive(Debug)]
pub struct Parsed {
    /// Only of use when there are no errors.
    pub options: CrawlOptions,
    /// Keys without effect, each with the reason.
    pub warnings: Vec<Warning>,
    /// All that is wrong, at once. `loc` begins with `body`.
    pub errors: Vec<FieldError>,
}

/// Whether the section has such a key.
pub fn is_known(section: Section, name: &str) -> bool {
    section.entry(name).is_some()
}

/// Crawl4AI's default of every key of a section.
pub fn defaults(section: Section) -> impl Iterator<Item = (String, Value)> {
    section.keys().iter().map(|key| {
        let default = key.harmless.first().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        (key.name.to_owned(), default)
    })
}

/// Reads both configurations, each flat or typed; absent and `null` are the same.
pub fn parse(browser: Option<&Value>, crawler: Option<&Value>) -> Parsed {
    let mut parser = Parser::default();
    for (section, config) in [(Section::Browser, browser), (Section::Crawler, crawler)] {
        if let Some(config) = config.filter(|config| !config.is_null()) {
            parser.section(section, &plain(config), &FieldPath::body().child(section.path()));
        }
    }
    parser.count_unnamed();
    let Parser { builder, warnings, errors, .. } = parser;
    Parsed { options: builder.finish(), warnings, errors }
}
