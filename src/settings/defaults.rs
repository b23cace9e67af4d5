//! The built-in defaults: the shipped `config.yml`.

use std::sync::LazyLock;

use serde_json::{Map, Value};

pub const TEXT: &str = include_str!("../../config.yml");

/// The comment of `config.yml` above the keys of a provider family.
const FAMILY: &str = "    # my-vllm:";

/// Every key with its default.
pub fn tree() -> &'static Value {
    static TREE: LazyLock<Value> = LazyLock::new(|| parse(TEXT));
    &TREE
}

/// The keys of a provider family with their defaults, from the commented example in `config.yml`.
pub fn family() -> &'static Map<String, Value> {
    static KEYS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let lines = TEXT.lines().skip_while(|line| *line != FAMILY).skip(1);
        let lines = lines.map_while(|line| line.strip_prefix("    #"));
        let keys = parse(&lines.collect::<Vec<_>>().join("\n"));
        keys.as_object().cloned().expect("config.yml describes the keys of a family")
    });
    &KEYS
}

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("config.yml is valid YAML")
}
