//! Parses a configuration: finds each key in the table and treats its value according to the key's class.

use serde_json::{Map, Value};

use super::builder::OptionsBuilder;
use super::key::{Class, Section, Usage};
use super::normalize::{is_empty, normalized, typed, unwrap_dicts, wrong_type};
use super::table::{self, Entry};
use super::unknown_keys;
use super::value::{GivenValue, map};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};

/// Parses `browser_config`, flat or typed, at `path`.
pub fn parse_browser(config: &Value, path: &FieldPath, builder: &mut OptionsBuilder, report: &mut Report) {
    Parser { usage: Usage::Job, builder, report }.section(Section::Browser, &unwrap_dicts(config), path);
}

/// Parses a crawler configuration, flat or typed, at `path`.
pub fn parse_crawler(
    config: &Value,
    path: &FieldPath,
    usage: Usage,
    builder: &mut OptionsBuilder,
    report: &mut Report,
) {
    Parser { usage, builder, report }.section(Section::Crawler, &unwrap_dicts(config), path);
}

struct Parser<'a> {
    usage: Usage,
    builder: &'a mut OptionsBuilder,
    report: &'a mut Report,
}

impl Parser<'_> {
    fn section(&mut self, section: Section, value: &Value, path: &FieldPath) {
        let params = self.parameters(section, value, path);
        let Some(params) = self.report.check(path, params).flatten() else { return };
        for (name, value) in params.iter().filter(|(_, value)| !value.is_null()) {
            let path = path.child(name.as_str());
            match table::find(section, name) {
                Some(entry) => self.key(entry, value, path),
                None => self.report.warn_with(&path, || unknown_keys::reason(section, name)),
            }
        }
    }

    /// The keys of a flat or typed section. `None`: a typed section whose `params` is `null`.
    fn parameters<'v>(
        &mut self,
        section: Section,
        value: &'v Value,
        path: &FieldPath,
    ) -> Result<Option<&'v Map<String, Value>>, InvalidValue> {
        let keys = map(value)?;
        let (Some(name), Some((given, params))) = (section.type_name(), typed(value)) else { return Ok(Some(keys)) };
        if given != name {
            return Err(wrong_type(&[name]));
        }
        for outside in keys.keys().filter(|key| !matches!(key.as_str(), "type" | "params")) {
            self.report.warn(&path.child(outside.as_str()), "must be inside `params`");
        }
        if params.is_null() { Ok(None) } else { map(params).map(Some) }
    }

    fn key(&mut self, entry: &'static Entry, value: &Value, path: FieldPath) {
        let class = entry.key.class_in(self.usage);
        let value = match (normalized(entry.key.kind, value), class) {
            (Ok(value), _) => value,
            (Err(error), Class::Honoured(_) | Class::Nested(_)) => return self.report.fail(&path, error),
            // Where the key has no effect, so has an unknown name.
            (Err(_), _) => value.clone(),
        };
        match class {
            Class::Honoured(set) => {
                let given = GivenValue { value: &value, path, is_default: entry.is_default(&value) };
                set(self.builder, &given, self.report);
            }
            Class::Nested(section) => self.nested(section, &value, &path),
            _ if entry.is_harmless(&value) => {}
            Class::WithoutEffect(reason) => self.report.warn(&path, reason),
            Class::WithoutEffectUnless(reason, rejection) => match rejection(&value) {
                Some(sentence) => self.report.reject(&path, InvalidValue::unsupported(sentence)),
                None => self.report.warn(&path, reason),
            },
            Class::Rejected(_) if is_empty(&value) => {}
            Class::Rejected(reason) => {
                let sentence = format!("{} {reason}", entry.key.name);
                self.report.reject(&path, InvalidValue::unsupported(sentence));
            }
        }
    }

    fn nested(&mut self, section: Section, value: &Value, path: &FieldPath) {
        match section.type_name() {
            Some(name) if typed(value).is_none() => {
                let form = format!(r#"must be {{"type": "{name}", "params": {{…}}}}"#);
                self.report.fail(path, InvalidValue::value(form));
            }
            _ => self.section(section, value, path),
        }
    }
}
