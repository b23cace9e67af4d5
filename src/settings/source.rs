//! The file that the operator wrote, and on which of its lines a key stands.

use std::path::Path;

use serde_json::Value;

use super::layers::{Given, Layers};
use super::{BadSettings, families, peer_keys};

/// A file's name and what stands in it.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, BadSettings> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(source) => Err(BadSettings::Unreadable { path: name, source }),
        }
    }
}

/// What the file gives. Keys of existing files that mean nothing here become notices.
pub fn read(
    Source { name, text }: &Source,
    layers: &mut Layers,
    notices: &mut Vec<String>,
) -> Result<Vec<Given>, BadSettings> {
    let syntax = |message: String| BadSettings::Syntax { path: name.clone(), message };
    let tree: Value = serde_saphyr::from_str(text).map_err(|error| syntax(error.to_string()))?;
    let mut file = File { name, text, layers, notices, given: Vec::new() };
    match tree {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                file.take(key, value)?;
            }
        }
        _ => return Err(syntax("sections and keys are needed".to_owned())),
    }
    Ok(file.given)
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
    layers: &'a mut Layers,
    notices: &'a mut Vec<String>,
    given: Vec<Given>,
}

impl File<'_> {
    fn take(&mut self, key: String, value: Value) -> Result<(), BadSettings> {
        let origin = format!("{}:{}", self.name, line_of(self.text, &key));
        let key = match families::open(self.layers, &key) {
            Ok(key) => key,
            Err(message) => return Err(BadSettings::Value { origin, key, message }),
        };
        if let Some(reason) = peer_keys::without_effect(&key) {
            self.notices.push(format!("{key}: {reason}"));
            return Ok(());
        }
        if self.layers.find(&key).is_some() {
            self.given.push(Given { key, value, origin });
            return Ok(());
        }
        if !self.layers.is_section(&key) {
            return Err(self.layers.unknown(&key, origin));
        }
        match value {
            Value::Null => Ok(()),
            Value::Object(section) => section.into_iter().try_for_each(|(name, value)| {
                if name.contains('.') {
                    let message = format!("`{name}` holds a `.`, which no name of a key or a family does");
                    return Err(BadSettings::Value { origin: origin.clone(), key: key.clone(), message });
                }
                self.take(format!("{key}.{name}"), value)
            }),
            _ => Err(BadSettings::Value { origin, key, message: "a section with keys of its own".to_owned() }),
        }
    }
}

/// The line, counted from 1, on which `path` stands; in flow style, that of the last part that has a line of its own.
fn line_of(text: &str, path: &str) -> usize {
    let lines: Vec<(usize, &str)> =
        text.lines().map(|line| (line.len() - line.trim_start().len(), line.trim())).collect();
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#');
    let (mut next, mut found, mut above) = (0, 1, None);
    for name in path.split('.') {
        let own = lines.iter().enumerate().skip(next).filter(|(_, (_, line))| !is_comment(line));
        // The section ends with the first line that stands no deeper than its own.
        let mut own = own.take_while(|(_, (depth, _))| above.is_none_or(|above| *depth > above));
        let line = own.find(|(_, (depth, line))| (above.is_some() || *depth == 0) && is_key(line, name));
        let Some((index, (depth, _))) = line else { return found };
        (next, found, above) = (index + 1, index + 1, Some(*depth));
    }
    found
}

fn is_key(line: &str, name: &str) -> bool {
    let rest = line.trim_start_matches(['"', '\'']).strip_prefix(name);
    rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
}
