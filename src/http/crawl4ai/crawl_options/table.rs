//! The table of all keys, with lookup by section and name.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::key::{Key, Section};
use super::{browser_keys, crawler_keys, markdown_keys};

/// All keys of a section.
pub fn keys(section: Section) -> &'static [Key] {
    match section {
        Section::Browser => browser_keys::KEYS,
        Section::Crawler => crawler_keys::KEYS,
        Section::Generator => markdown_keys::GENERATOR,
        Section::GeneratorOptions => markdown_keys::OPTIONS,
    }
}

pub fn is_known(section: Section, name: &str) -> bool {
    find(section, name).is_some()
}

/// Keys that Crawl4AI does not have.
pub const OWN_KEYS: [&str; 1] = ["engine"];

/// Every key of Crawl4AI in a section, with its default.
pub fn defaults(section: Section) -> impl Iterator<Item = (String, Value)> {
    keys(section).iter().filter(|key| !OWN_KEYS.contains(&key.name)).map(|key| {
        let default = key.harmless.first().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        (key.name.to_owned(), default)
    })
}

/// `None`: the key is unknown.
pub fn find(section: Section, name: &str) -> Option<&'static Entry> {
    INDEX.get(&section)?.get(name)
}

/// A key with its harmless values parsed.
pub struct Entry {
    pub key: &'static Key,
    harmless: Vec<Value>,
}

impl Entry {
    fn new(key: &'static Key) -> Self {
        // Invalid JSON would equal no value; a test parses every text.
        Self { key, harmless: key.harmless.iter().filter_map(|text| serde_json::from_str(text).ok()).collect() }
    }

    /// Whether a normalized value is Crawl4AI's default or requests what happens anyway.
    pub fn is_harmless(&self, value: &Value) -> bool {
        self.harmless.iter().any(|harmless| equal(harmless, value))
    }

    pub fn is_default(&self, value: &Value) -> bool {
        self.harmless.first().is_some_and(|default| equal(default, value))
    }
}

/// `1` equals `1.0`.
fn equal(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|number| b.as_f64() == Some(number))
}

static INDEX: LazyLock<HashMap<Section, HashMap<&'static str, Entry>>> = LazyLock::new(|| {
    let index = |section: Section| keys(section).iter().map(|key| (key.name, Entry::new(key))).collect();
    Section::ALL.into_iter().map(|section| (section, index(section))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::crawl4ai::crawl_options::key::Class;

    #[test]
    fn every_row_is_well_formed() {
        for key in Section::ALL.into_iter().flat_map(keys) {
            for text in key.harmless {
                assert!(serde_json::from_str::<Value>(text).is_ok(), "{}: {text}", key.name);
            }
            assert!(key.about.ends_with('.') && !key.about.contains(['\n', '|']), "{}", key.name);
            if let Class::WithoutEffect(reason) | Class::WithoutEffectUnless(reason, _) | Class::Rejected(reason) =
                key.class
            {
                assert!(!reason.is_empty() && !reason.ends_with('.'), "{}", key.name);
            }
        }
    }

    #[test]
    fn every_key_is_found_by_name() {
        for section in Section::ALL {
            for key in keys(section) {
                assert_eq!(find(section, key.name).map(|entry| entry.key.about), Some(key.about), "{}", key.name);
            }
        }
    }

    #[test]
    fn table_has_all_keys_of_both_configurations() {
        assert!(keys(Section::Browser).len() >= 44 && keys(Section::Crawler).len() >= 99);
    }
}
