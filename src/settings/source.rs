//! The operator's configuration file, with the line of each key.

use std::path::Path;

use serde_json::Value;

use super::crawl4ai_keys;
use super::error::SettingsError;
use super::layers::{Entry, Layers};
use super::providers;

/// A file's name and content.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(source) => Err(SettingsError::Unreadable { path: name, source }),
        }
    }
}

/// The entries of the file. Keys of Crawl4AI's file that have no effect are added to `notices`.
pub fn read(
    Source { name, text }: &Source,
    layers: &mut Layers,
    notices: &mut Vec<String>,
) -> Result<Vec<Entry>, SettingsError> {
    let syntax = |message: String| SettingsError::Syntax { path: name.clone(), message };
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| syntax(error.to_string()))?;
    let mut file = File { name, text, layers, notices, entries: Vec::new() };
    match tree {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                file.collect(key, value)?;
            }
        }
        _ => return Err(syntax("expected sections with keys".to_owned())),
    }
    Ok(file.entries)
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
    layers: &'a mut Layers,
    notices: &'a mut Vec<String>,
    entries: Vec<Entry>,
}

impl File<'_> {
    fn collect(&mut self, key: String, value: Value) -> Result<(), SettingsError> {
        let origin = format!("{}:{}", self.name, line_of(self.text, &key));
        let key = match providers::declare(self.layers, &key) {
            Ok(key) => key,
            Err(message) => return Err(SettingsError::Value { origin, key, message }),
        };
        if let Some(reason) = crawl4ai_keys::without_effect(&key) {
            self.notices.push(format!("{key}: {reason}"));
            return Ok(());
        }
        if self.layers.find(&key).is_some() {
            self.entries.push(Entry { key, value, origin });
            return Ok(());
        }
        if !self.layers.is_section(&key) {
            return Err(self.layers.unknown(&key, origin));
        }
        match value {
            Value::Null => Ok(()),
            Value::Object(section) => section.into_iter().try_for_each(|(name, value)| {
                if name.contains('.') {
                    let message = format!("`{name}` must not contain a `.`");
                    return Err(SettingsError::Value { origin: origin.clone(), key: key.clone(), message });
                }
                self.collect(format!("{key}.{name}"), value)
            }),
            _ => Err(SettingsError::Value { origin, key, message: "expected a section with keys".to_owned() }),
        }
    }
}

/// The line of `path`, counted from 1. In flow style, the line of its last ancestor that has a line of its own.
fn line_of(text: &str, path: &str) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<(usize, &str)> = text.lines().map(|line| (indent(line), line.trim())).collect();
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#');
    let (mut next, mut found, mut parent) = (0, 1, None);
    for name in path.split('.') {
        let section = lines.iter().enumerate().skip(next).filter(|(_, (_, line))| !is_comment(line));
        // The section ends with the first line that is indented no further than its own.
        let mut section = section.take_while(|(_, (depth, _))| parent.is_none_or(|parent| *depth > parent));
        let line = section.find(|(_, (depth, line))| (parent.is_some() || *depth == 0) && is_key(line, name));
        let Some((index, (depth, _))) = line else { return found };
        (next, found, parent) = (index + 1, index + 1, Some(*depth));
    }
    found
}

fn is_key(line: &str, name: &str) -> bool {
    let rest = line.trim_start_matches(['"', '\'']).strip_prefix(name);
    rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}
