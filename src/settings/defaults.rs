//! The built-in defaults: the shipped `config.yml`.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::error::SettingsError;

pub const TEXT: &str = include_str!("../../config.yml");

/// The comment of `config.yml` above the keys of a provider family.
const FAMILY: &str = "    # my-vllm:";

/// Every key with its default.
pub fn tree() -> Result<Value, SettingsError> {
    parse(TEXT)
}

/// The keys of a provider family with their defaults, from the commented example in `config.yml`.
pub fn family() -> &'static Map<String, Value> {
    static KEYS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let lines = TEXT.lines().skip_while(|line| *line != FAMILY).skip(1);
        let lines = lines.map_while(|line| line.strip_prefix("    #"));
        let keys = parse(&lines.collect::<Vec<_>>().join("\n")).ok();
        keys.and_then(|keys| keys.as_object().cloned()).expect("config.yml describes the keys of a family")
    });
    &KEYS
}

fn parse(text: &str) -> Result<Value, SettingsError> {
    let invalid = |message: String| SettingsError::Syntax { path: "the built-in defaults".to_owned(), message };
    serde_saphyr::from_str(text).map_err(|error| invalid(error.to_string()))
}
