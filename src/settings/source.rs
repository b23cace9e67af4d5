//! The file that the operator wrote, and on which of its lines a key stands.

use std::path::Path;

use serde_json::Value;

use super::layers::{Given, Layers};
use super::{BadSettings, families, peer_keys};

/// What the file gives. Keys of existing files that mean nothing here become notices.
pub fn read(path: &Path, layers: &mut Layers, notices: &mut Vec<String>) -> Result<Vec<Given>, BadSettings> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| BadSettings::Unreadable { path: name.clone(), source })?;
    let syntax = |message: String| BadSettings::Syntax { path: name.clone(), message };
    let tree: Value = serde_saphyr::from_str(&text).map_err(|error| syntax(error.to_string()))?;
    let mut file = File { name: &name, text: &text, layers, notices, given: Vec::new() };
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
            if key == "security.jwt_enabled" && value == Value::Bool(true) {
                let message = "signed tokens are not there yet; set security.api_token instead".to_owned();
                return Err(BadSettings::Value { origin, key, message });
            }
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
    let mut lines = text.lines().enumerate();
    let (mut found, mut indent) = (1, None);
    for name in path.split('.') {
        let next = lines.find(|(_, line)| {
            let depth = line.len() - line.trim_start().len();
            let key = line.trim_start().trim_start_matches(['"', '\'']);
            let rest = key.strip_prefix(name).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
            indent.is_none_or(|above| depth > above)
                && (indent.is_some() || depth == 0)
                && rest.is_some_and(|rest| rest.starts_with(':'))
        });
        let Some((index, line)) = next else { return found };
        (found, indent) = (index + 1, Some(line.len() - line.trim_start().len()));
    }
    found
}
