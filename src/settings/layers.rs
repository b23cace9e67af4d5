//! The keys in the order of `config.yml`, each with its value and where that came from.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::{BadSettings, DEFAULTS, families};

/// How a duration's unit may be spelt in the name of its key, and the unit in seconds.
const UNITS: [(&str, f64); 4] = [("_ms", 0.001), ("_seconds", 1.0), ("_sec", 1.0), ("_s", 1.0)];

/// A value that a layer gives to a key, under the spelling that the layer uses.
#[derive(Clone, Debug)]
pub struct Given {
    pub key: String,
    pub value: Value,
    pub origin: String,
}

impl Given {
    /// From where everything is text.
    pub fn text(key: impl Into<String>, value: &str, origin: String) -> Self {
        Self { key: key.into(), value: Value::String(value.to_owned()), origin }
    }
}

#[derive(Clone, Debug)]
pub struct Key {
    pub path: String,
    pub value: Value,
    /// `None`: the default.
    pub origin: Option<String>,
    /// Of no interest to a reader of the settings while it is at its default.
    pub is_quiet: bool,
    default: Value,
}

impl Key {
    /// A key that no line of `config.yml` gives.
    pub fn quiet(path: String, default: Value) -> Self {
        Self { path, value: default.clone(), origin: None, is_quiet: true, default }
    }

    /// Somebody wants it to be something else than it is by itself. A file that repeats the defaults chooses nothing.
    pub fn is_chosen(&self) -> bool {
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
    pub fn defaults() -> Result<Self, BadSettings> {
        let tree: Value = serde_saphyr::from_str(DEFAULTS).map_err(|error| BadSettings::Syntax {
            path: "the built-in defaults".to_owned(),
            message: error.to_string(),
        })?;
        let mut keys = Vec::new();
        flatten("", tree, &mut keys);
        let mut layers = Self { keys };
        families::complete(&mut layers);
        Ok(layers)
    }

    pub fn key(&self, path: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.path == path)
    }

    /// The key meant by `path`, and the unit that the spelling of its name implies.
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

    pub fn unknown(&self, key: &str, origin: String) -> BadSettings {
        let distance = |known: &str| strsim::damerau_levenshtein(known, key);
        let nearest = self.keys.iter().map(|known| known.path.as_str()).min_by_key(|known| distance(known));
        let nearest = nearest.filter(|near| distance(near) <= 3 + key.len() / 4).map(str::to_owned);
        BadSettings::Unknown { origin, key: key.to_owned(), nearest }
    }

    /// Lays one layer over what is there.
    pub fn lay(&mut self, layer: Vec<Given>) -> Result<(), BadSettings> {
        let mut seen = BTreeSet::new();
        for Given { key, value, origin } in layer {
            let Some((index, unit)) = self.find(&key) else { return Err(self.unknown(&key, origin)) };
            if !seen.insert(index) {
                return Err(BadSettings::TwoSpellings { origin, key: self.keys[index].path.clone() });
            }
            let known = &self.keys[index];
            let value = match unit {
                Some(unit) => duration(&value, unit),
                None => fitting(value, &known.default),
            };
            let value = value.map_err(|message| BadSettings::Value { origin: origin.clone(), key, message })?;
            // What is null is as if it were not there.
            if !value.is_null() || known.default.is_null() {
                self.keys[index] = Key { value, origin: Some(origin), ..known.clone() };
            }
        }
        Ok(())
    }

    /// The settings as `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, BadSettings> {
        let mut root = Map::new();
        for key in &self.keys {
            insert(&mut root, &key.path, key.value.clone());
        }
        serde_path_to_error::deserialize(Value::Object(root)).map_err(|error| {
            let path = error.path().to_string();
            let nearest = self.keys.iter().filter(|key| path.starts_with(&key.path));
            let key = nearest.max_by_key(|key| key.path.len());
            let origin = key.and_then(|key| key.origin.clone()).unwrap_or_else(|| "the built-in defaults".to_owned());
            BadSettings::Value { origin, key: path, message: error.into_inner().to_string() }
        })
    }
}

/// A map that holds nothing by default is a key itself: its content is the operator's.
fn flatten(path: &str, value: Value, keys: &mut Vec<Key>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&path, value, keys);
            }
        }
        default => keys.push(Key { is_quiet: false, ..Key::quiet(path.to_owned(), default) }),
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
    let time = number.and_then(|number| Duration::try_from_secs_f64(number * unit).ok());
    let time = time.ok_or_else(|| "a number that is not negative is needed".to_owned())?;
    // A thousandth is the finest that anybody writes; more digits come from floating point.
    let time = Duration::from_millis(u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
    Ok(Value::String(humantime::format_duration(time).to_string()))
}

/// Text is taken as what the key's default is: so an environment variable can give numbers, switches and lists.
fn fitting(value: Value, default: &Value) -> Result<Value, String> {
    let Value::String(text) = value else { return Ok(value) };
    match default {
        Value::Null if text.is_empty() || text == "None" => Ok(Value::Null),
        Value::Null | Value::String(_) => Ok(Value::String(text)),
        Value::Number(_) => match text.trim().parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err("a number is needed".to_owned()),
        },
        Value::Bool(_) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Value::Bool(true)),
            "false" | "0" | "no" | "off" => Ok(Value::Bool(false)),
            _ => Err("true or false is needed".to_owned()),
        },
        Value::Array(_) | Value::Object(_) => serde_saphyr::from_str(&text).map_err(|_| "YAML is needed".to_owned()),
    }
}
