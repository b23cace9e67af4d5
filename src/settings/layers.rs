//! The keys in the order of `config.yml`, each with its effective value and the origin of that value.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::defaults;
use super::error::SettingsError;

/// Suffixes of a duration key that set the unit of its number, and the unit in seconds.
const UNITS: [(&str, f64); 4] = [("_ms", 0.001), ("_seconds", 1.0), ("_sec", 1.0), ("_s", 1.0)];

/// A value of one layer, under the spelling of the key that the layer uses.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub value: Value,
    pub origin: String,
}

impl Entry {
    /// An entry of a layer in which every value is text.
    pub fn text(key: impl Into<String>, value: &str, origin: String) -> Self {
        Self { key: key.into(), value: Value::String(value.to_owned()), origin }
    }
}

#[derive(Clone, Debug)]
pub struct Key {
    pub path: String,
    pub value: Value,
    /// `None`: the built-in default.
    pub origin: Option<String>,
    /// Left out of reports while it has its default.
    pub is_implicit: bool,
    default: Value,
}

impl Key {
    /// A key that `config.yml` does not contain.
    pub fn implicit(path: String, default: Value) -> Self {
        Self { path, value: default.clone(), origin: None, is_implicit: true, default }
    }

    /// Whether a layer set it to another value than the default. A file that repeats the defaults overrides nothing.
    pub fn is_overridden(&self) -> bool {
        self.origin.is_some() && self.value != self.default
    }

    fn is_duration(&self) -> bool {
        self.default.as_str().is_some_and(|text| humantime::parse_duration(text).is_ok())
    }
}

#[derive(Clone, Debug)]
pub struct Layers {
    pub keys: Vec<Key>,
}

impl Layers {
    pub fn defaults() -> Self {
        let mut keys = Vec::new();
        flatten("", defaults::tree(), &mut keys);
        Self { keys }
    }

    pub fn key(&self, path: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.path == path)
    }

    /// The index of the key `path`, and the unit that the suffix of its name sets.
    pub fn find(&self, path: &str) -> Option<(usize, Option<f64>)> {
        if let Some(index) = self.keys.iter().position(|key| key.path == path) {
            return Some((index, None));
        }
        UNITS.iter().find_map(|(suffix, unit)| {
            let stem = path.strip_suffix(suffix)?;
            let index = self.keys.iter().position(|key| key.path == stem && key.is_duration())?;
            Some((index, Some(*unit)))
        })
    }

    pub fn is_section(&self, path: &str) -> bool {
        self.keys.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The error for an unknown key, with the closest known key or section.
    pub fn unknown(&self, key: &str, origin: String) -> SettingsError {
        let distance = |known: &str| strsim::damerau_levenshtein(known, key);
        let paths = self.keys.iter().map(|known| known.path.as_str());
        let sections = paths.clone().filter_map(|path| path.rsplit_once('.')).map(|(section, _)| section);
        let closest = paths.chain(sections).min_by_key(|known| distance(known));
        let closest = closest.filter(|known| distance(known) <= 3 + key.len() / 4).map(str::to_owned);
        SettingsError::Unknown { origin, key: key.to_owned(), closest }
    }

    /// Overrides the present values with those of one layer.
    pub fn apply(&mut self, layer: Vec<Entry>) -> Result<(), SettingsError> {
        let mut seen = BTreeSet::new();
        for Entry { key, value, origin } in layer {
            let Some((index, unit)) = self.find(&key) else { return Err(self.unknown(&key, origin)) };
            if !seen.insert(index) {
                return Err(SettingsError::Duplicate { origin, key: self.keys[index].path.clone() });
            }
            let known = &self.keys[index];
            let value = match unit {
                Some(unit) => duration(&value, unit),
                None => coerce(value, &known.default),
            };
            let value = value.map_err(|message| SettingsError::Value { origin: origin.clone(), key, message })?;
            // null is the same as an absent key.
            if !value.is_null() || known.default.is_null() {
                self.keys[index] = Key { value, origin: Some(origin), ..known.clone() };
            }
        }
        Ok(())
    }

    /// Deserializes the effective values.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let mut root = Map::new();
        for key in &self.keys {
            insert(&mut root, &key.path, key.value.clone());
        }
        serde_path_to_error::deserialize(Value::Object(root)).map_err(|error| {
            let path = error.path().to_string();
            let key = self.keys.iter().filter(|key| path.starts_with(&key.path)).max_by_key(|key| key.path.len());
            let origin = key.and_then(|key| key.origin.clone()).unwrap_or_else(|| "the built-in defaults".to_owned());
            SettingsError::Value { origin, key: path, message: error.into_inner().to_string() }
        })
    }
}

/// An empty map is a key of its own: the operator chooses its entries.
fn flatten(path: &str, value: &Value, keys: &mut Vec<Key>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, keys);
            }
        }
        default => keys.push(Key { is_implicit: false, ..Key::implicit(path.to_owned(), default.clone()) }),
    }
}

fn insert(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = map.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(section) = section {
                insert(section, rest, value);
            }
        }
    }
}

fn duration(value: &Value, unit: f64) -> Result<Value, String> {
    let number = match value {
        Value::Null => return Ok(Value::Null),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number * unit).ok());
    let duration = duration.ok_or_else(|| "expected a number of at least 0".to_owned())?;
    // Rounded to milliseconds: further digits are floating-point noise.
    let millis = Duration::from_millis(u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
    Ok(Value::String(humantime::format_duration(millis).to_string()))
}

/// Converts text to the type of the key's default, so environment variables can set numbers, booleans and lists.
fn coerce(value: Value, default: &Value) -> Result<Value, String> {
    let Value::String(text) = value else { return Ok(value) };
    match default {
        Value::Null if text.is_empty() || text == "None" => Ok(Value::Null),
        Value::Null | Value::String(_) => Ok(Value::String(text)),
        Value::Number(_) => match text.trim().parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err("expected a number".to_owned()),
        },
        Value::Bool(_) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Value::Bool(true)),
            "false" | "0" | "no" | "off" => Ok(Value::Bool(false)),
            _ => Err("expected true or false".to_owned()),
        },
        Value::Array(_) | Value::Object(_) => serde_saphyr::from_str(&text).map_err(|_| "expected YAML".to_owned()),
    }
}
