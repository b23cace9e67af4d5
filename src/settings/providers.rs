//! Keys of the provider families in `llm.families`: any number of families, each with the same keys, their environment
//! variables, and the general `llm` keys that apply to the default model's family.

use serde_json::Value;

use super::defaults;
use super::layers::{Entry, Key, Layers};

const SECTION: &str = "llm.families.";

/// The prefix of a family's environment variables: `my-vllm` → `MY_VLLM`.
pub fn variable_prefix(family: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    family.chars().map(letter).collect()
}

/// Whether the key is the API key of a family.
pub fn is_secret(path: &str) -> bool {
    path.starts_with(SECTION) && path.ends_with(".api_key")
}

/// Normalizes the path of a family's key (names are lower case), and adds all keys of a new family.
///
/// # Errors
/// The name of the family is invalid.
pub fn declare(layers: &mut Layers, path: &str) -> Result<String, String> {
    let Some(rest) = path.strip_prefix(SECTION) else { return Ok(path.to_owned()) };
    let (name, field) = rest.split_once('.').map_or((rest, None), |(name, field)| (name, Some(field)));
    let is_valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(is_valid) {
        return Err("the name of a family may contain letters, digits, `-` and `_`".to_owned());
    }
    let name = name.to_ascii_lowercase();
    add_keys(layers, &name);
    Ok(field.map_or_else(|| format!("{SECTION}{name}"), |field| format!("{SECTION}{name}.{field}")))
}

/// Adds to every family the keys that it does not set.
pub fn add_missing_keys(layers: &mut Layers) {
    names(layers).iter().for_each(|name| add_keys(layers, name));
}

fn add_keys(layers: &mut Layers, name: &str) {
    let prefix = format!("{SECTION}{name}.");
    for (field, default) in defaults::family() {
        let path = format!("{prefix}{field}");
        if layers.key(&path).is_none() {
            let last = |prefix: &str| layers.keys.iter().rposition(|key| key.path.starts_with(prefix));
            let index = last(&prefix).or_else(|| last(SECTION)).map_or(layers.keys.len(), |last| last + 1);
            layers.keys.insert(index, Key::implicit(path, default.clone()));
        }
    }
}

/// The key that an environment variable sets. Names of variables cannot contain the `-` of a family's name.
pub fn key_of_variable(layers: &Layers, path: &str) -> String {
    let Some((name, field)) = path.strip_prefix(SECTION).and_then(|rest| rest.split_once('.')) else {
        return path.to_owned();
    };
    let known = names(layers).into_iter().find(|known| variable_prefix(known) == variable_prefix(name));
    format!("{SECTION}{}.{field}", known.as_deref().unwrap_or(name))
}

/// Values of the families' own variables (`<FAMILY>_API_KEY`, …), and of the general keys for the default model's family.
///
/// `variable` reads an environment variable; `takes_precedence` decides whether a value of this origin is kept.
pub fn overrides<'e>(
    layers: &mut Layers,
    variable: impl Fn(&str) -> Option<&'e str>,
    takes_precedence: impl Fn(&str) -> bool,
) -> Vec<Entry> {
    let default = text(layers, "llm.provider").and_then(|name| Some(name.split_once('/')?.0.to_ascii_lowercase()));
    if let Some(default) = default.as_ref().filter(|_| text(layers, "llm.base_url").is_some()) {
        // An invalid name is reported when the settings are checked.
        let _ = declare(layers, &format!("{SECTION}{default}"));
    }
    let mut entries = Vec::new();
    for name in names(layers) {
        for (field, own) in variables(layers, &name) {
            let path = format!("{SECTION}{name}.{field}");
            let is_kept = |key: &&Key| !key.origin.as_deref().is_some_and(&takes_precedence);
            let Some(key) = layers.key(&path).filter(is_kept) else { continue };
            let general = layers.key(&format!("llm.{field}")).filter(|_| default.as_ref() == Some(&name));
            match (variable(&own), general) {
                (Some(value), _) => entries.push(Entry::text(path, value, own)),
                (None, Some(general)) if !key.is_overridden() && !general.value.is_null() => {
                    let origin = general.origin.clone().unwrap_or_else(|| general.path.clone());
                    entries.push(Entry { key: path, value: general.value.clone(), origin });
                }
                _ => {}
            }
        }
        entries.extend(waive_key(layers, &name, &entries));
    }
    entries
}

/// The keys of a family that have a variable of their own, and its name.
fn variables(layers: &Layers, name: &str) -> [(&'static str, String); 3] {
    let prefix = variable_prefix(name);
    let key_variable = text(layers, &format!("{SECTION}{name}.api_key_env"));
    [
        ("api_key", key_variable.unwrap_or_else(|| format!("{prefix}_API_KEY"))),
        ("base_url", format!("{prefix}_BASE_URL")),
        ("temperature", format!("{prefix}_TEMPERATURE")),
    ]
}

/// Sets `needs_key: false` for a family whose `base_url` the operator overrides: a private endpoint may need no key.
fn waive_key(layers: &Layers, name: &str, entries: &[Entry]) -> Option<Entry> {
    let (address, needs_key) = (format!("{SECTION}{name}.base_url"), format!("{SECTION}{name}.needs_key"));
    let by_entry = entries.iter().find(|entry| entry.key == address).map(|entry| entry.origin.clone());
    let by_layer = || layers.key(&address).filter(|key| key.is_overridden())?.origin.clone();
    let origin = by_entry.or_else(by_layer)?;
    let is_default = layers.key(&needs_key).is_some_and(|key| !key.is_overridden());
    is_default.then(|| Entry { key: needs_key, value: Value::Bool(false), origin })
}

fn text(layers: &Layers, path: &str) -> Option<String> {
    layers.key(path).and_then(|key| key.value.as_str()).map(str::to_owned)
}

fn names(layers: &Layers) -> Vec<String> {
    let of_keys = layers.keys.iter().filter_map(|key| key.path.strip_prefix(SECTION)?.split_once('.'));
    let mut names: Vec<String> = of_keys.map(|(name, _)| name.to_owned()).collect();
    names.dedup();
    names
}
