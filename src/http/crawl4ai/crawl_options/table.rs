//! What the table says about one key, and the table as a whole.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::parser::{GivenValue, Parser};
use super::{browser_keys, crawler_keys, markdown_keys};

/// One key of a request, as the table has it.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// JSON texts. The first is Crawl4AI's default, the others ask for what happens anyway: none of them is ever
    /// refused or warned about.
    pub harmless: &'static [&'static str],
    pub class: Class,
    /// One line for the documentation.
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Class {
    /// Whatever value is given goes here, the peer's default too.
    Honoured(Setter),
    /// Accepted and named in `warnings`, with the reason.
    WithoutEffect(&'static str),
    /// A `422` with the reason, unless the value is harmless or empty.
    Refused(&'static str),
}

/// Puts an honoured value where it belongs, or says what is wrong with it.
pub type Setter = fn(&mut Parser, &GivenValue<'_>);

/// The form of a value, for the documentation; an honoured key's setter enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Integer,
    Number,
    Text,
    TextOrList,
    List,
    Object,
    /// A text, or `{"type": name, "params": text}`.
    /// Another text is an error whatever the class.
    Enum(&'static str, &'static [&'static str]),
    /// `{"type": name, "params": {…}}`. Another name is an error whatever the class.
    Typed(&'static [&'static str]),
}

/// A part of the request with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    Browser,
    Crawler,
    /// The parameters of `DefaultMarkdownGenerator`.
    Generator,
    /// Its `options`.
    GeneratorOptions,
}

impl Section {
    pub const ALL: [Self; 4] = [Self::Browser, Self::Crawler, Self::Generator, Self::GeneratorOptions];

    pub fn keys(self) -> &'static [Key] {
        match self {
            Self::Browser => browser_keys::KEYS,
            Self::Crawler => crawler_keys::KEYS,
            Self::Generator => markdown_keys::GENERATOR,
            Self::GeneratorOptions => markdown_keys::OPTIONS,
        }
    }

    /// The path by which the documentation names it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Browser => "browser_config",
            Self::Crawler => "crawler_config",
            Self::Generator => "crawler_config.markdown_generator",
            Self::GeneratorOptions => "crawler_config.markdown_generator.options",
        }
    }

    /// The name of the peer's class; `None` where it is a plain dictionary.
    pub fn type_name(self) -> Option<&'static str> {
        match self {
            Self::Browser => Some("BrowserConfig"),
            Self::Crawler => Some("CrawlerRunConfig"),
            Self::Generator => Some("DefaultMarkdownGenerator"),
            Self::GeneratorOptions => None,
        }
    }

    /// `None`: there is no such key.
    pub fn entry(self, name: &str) -> Option<&'static Entry> {
        INDEX.get(&self)?.get(name)
    }
}

/// A key with its harmless values parsed.
pub struct Entry {
    pub key: &'static Key,
    harmless: Vec<Value>,
}

impl Entry {
    fn of(key: &'static Key) -> Self {
        // A text that is no JSON could equal no value; a test reads them all.
        Self { key, harmless: key.harmless.iter().filter_map(|text| serde_json::from_str(text).ok()).collect() }
    }

    /// `value` in its plain form: the peer's default, or what happens anyway.
    pub fn is_harmless(&self, value: &Value) -> bool {
        self.harmless.iter().any(|harmless| same(harmless, value))
    }

    pub fn is_default(&self, value: &Value) -> bool {
        self.harmless.first().is_some_and(|default| same(default, value))
    }
}

/// `1` and `1.0` are the same number.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|number| b.as_f64() == Some(number))
}

static INDEX: LazyLock<HashMap<Section, HashMap<&'static str, Entry>>> = LazyLock::new(|| {
    let index = |section: Section| section.keys().iter().map(|key| (key.name, Entry::of(key))).collect();
    Section::ALL.into_iter().map(|section| (section, index(section))).collect()
});

/// One row a key: name, kind, `[default, what happens anyway…]`, class; and a line of documentation.
macro_rules! keys {
    ($($name:ident, $kind:expr, [$($harmless:literal),+], $class:expr, $about:literal;)*) => {
        &[$(Key { name: stringify!($name), kind: $kind, harmless: &[$($harmless),+], class: $class, about: $about }),*]
    };
}
pub(super) use keys;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_sound() {
        for section in Section::ALL {
            for key in section.keys() {
                for text in key.harmless {
                    assert!(serde_json::from_str::<Value>(text).is_ok(), "{}: {text}", key.name);
                }
                assert_eq!(section.entry(key.name).map(|entry| entry.key.about), Some(key.about), "{}", key.name);
                assert!(key.about.ends_with('.') && !key.about.contains(['\n', '|']), "{}", key.name);
                if let Class::WithoutEffect(reason) | Class::Refused(reason) = key.class {
                    assert!(!reason.is_empty() && !reason.ends_with('.'), "{}", key.name);
                }
            }
        }
    }

    #[test]
    fn the_table_covers_both_configurations_whole() {
        let count = |section: Section| section.keys().len();
        assert!(count(Section::Browser) >= 44 && count(Section::Crawler) >= 99);
    }
}
