//! The types of the table: a key, the type of its value, its class, and the section that it belongs to.

use serde_json::Value;

use super::builder::OptionsBuilder;
use super::value::GivenValue;
use crate::http::crawl4ai::report::Report;

/// One row of the table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// JSON texts. The first is Crawl4AI's default; the others request what happens anyway. None of them is rejected or
    /// gives a warning.
    pub harmless: &'static [&'static str],
    pub class: Class,
    /// One line for the documentation.
    pub about: &'static str,
    /// Configurations in which the key is honoured although `class` says otherwise.
    pub honoured_in: Option<(&'static [Usage], Setter)>,
}

impl Key {
    /// The class in a configuration for this usage.
    pub fn class_in(&self, usage: Usage) -> Class {
        match self.honoured_in {
            Some((usages, set)) if usages.contains(&usage) => Class::Honoured(set),
            _ => self.class,
        }
    }
}

/// What a key does.
#[derive(Clone, Copy, Debug)]
pub enum Class {
    /// The setter receives every value, the default included.
    Honoured(Setter),
    /// Honoured: the value has keys of its own.
    Nested(Section),
    /// Accepted, with a warning that gives this reason.
    WithoutEffect(&'static str),
    /// Without effect for this reason, unless `rejection` returns a sentence for the value: then a `400` with it.
    WithoutEffectUnless(&'static str, Rejection),
    /// A `400`, unless the value is harmless or empty. The reason completes the sentence that begins with the key's name.
    Rejected(&'static str),
}

/// Stores an honoured value in the builder, or reports what is wrong with it.
pub type Setter = fn(&mut OptionsBuilder, &GivenValue<'_>, &mut Report);

/// Why a value is not supported, as a sentence; `None`: it has no effect.
pub type Rejection = fn(&Value) -> Option<&'static str>;

/// What a crawler configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `crawler_config` of `POST /crawl/job`.
    Job,
    /// `crawler_config` of `POST /crawl` and `POST /crawl/stream`.
    Sync,
    /// An entry of `crawler_configs`.
    PerUrl,
    /// `POST /config/dump`.
    Dump,
}

/// The type of a value, for the documentation. Setters enforce it for honoured keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Integer,
    Number,
    Text,
    TextOrList,
    List,
    Object,
    /// A string, or `{"type": name, "params": string}`. Any other string is an error if the key is honoured.
    Enum(&'static str, &'static [&'static str]),
    /// `{"type": name, "params": {…}}`. Any other name is an error if the key is honoured.
    Typed(&'static [&'static str]),
}

/// A part of the request that has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    Browser,
    Crawler,
    /// The parameters of `DefaultMarkdownGenerator`.
    Generator,
    /// `options` of `DefaultMarkdownGenerator`.
    GeneratorOptions,
}

impl Section {
    pub const ALL: [Self; 4] = [Self::Browser, Self::Crawler, Self::Generator, Self::GeneratorOptions];

    /// The path of the section in a request.
    pub fn path(self) -> &'static str {
        match self {
            Self::Browser => "browser_config",
            Self::Crawler => "crawler_config",
            Self::Generator => "crawler_config.markdown_generator",
            Self::GeneratorOptions => "crawler_config.markdown_generator.options",
        }
    }

    /// The name of Crawl4AI's class. `None`: a plain dictionary.
    pub fn type_name(self) -> Option<&'static str> {
        match self {
            Self::Browser => Some("BrowserConfig"),
            Self::Crawler => Some("CrawlerRunConfig"),
            Self::Generator => Some("DefaultMarkdownGenerator"),
            Self::GeneratorOptions => None,
        }
    }
}

/// Rows of the table: name, kind, `[default, other harmless values…]`, class, documentation; for a key that some
/// usages honour also `usages => setter`.
macro_rules! keys {
    ($($name:ident, $kind:expr, [$($harmless:literal),+], $class:expr, $about:literal $(, $usages:expr => $set:expr)?;)*) => {
        &[$(Key {
            name: stringify!($name),
            kind: $kind,
            harmless: &[$($harmless),+],
            class: $class,
            about: $about,
            honoured_in: keys!(@honoured_in $($usages => $set)?),
        }),*]
    };
    (@honoured_in) => { None };
    (@honoured_in $usages:expr => $set:expr) => { Some(($usages, $set)) };
}
pub(super) use keys;
