//! Walks over a request's keys, sorts each by the table, and gathers what is said about them.

use opilio_actors::domain::job::Warning;
use opilio_page::MarkdownOptions;
use serde_json::{Map, Value};

use super::builder::OptionsBuilder;
use super::crawler_keys::REFUSED_TYPES;
use super::normalize::{is_empty, settled, typed, wrong_type};
use super::table::{Class, Entry, Section};
use super::unknown_keys;
use crate::http::field_error::{FieldError, FieldPath, InvalidValue};

/// Unknown keys beyond this are counted, not named.
const MAX_UNKNOWN: usize = 32;

/// The state of one parser.
#[derive(Debug, Default)]
pub struct Parser {
    pub builder: OptionsBuilder,
    pub warnings: Vec<Warning>,
    pub errors: Vec<FieldError>,
    unknown: usize,
}

/// A value that was given for a key of the table.
pub struct GivenValue<'a> {
    pub entry: &'static Entry,
    /// In its plain form.
    pub value: &'a Value,
    pub place: FieldPath,
}

impl GivenValue<'_> {
    pub fn is_default(&self) -> bool {
        self.entry.is_default(self.value)
    }
}

impl Parser {
    /// Reads one section, in its plain form: flat, or typed.
    pub fn section(&mut self, section: Section, value: &Value, place: &FieldPath) {
        let params = self.parameters(section, value, place);
        let Some(params) = self.checked(place, params).flatten() else { return };
        for (name, value) in params.iter().filter(|(_, value)| !value.is_null()) {
            let place = place.child(name.as_str());
            match section.entry(name) {
                Some(entry) => self.key(entry, value, place),
                None => self.unknown(place, || unknown_keys::reason(section, name)),
            }
        }
    }

    /// `None`: typed, with nothing in it.
    fn parameters<'v>(
        &mut self,
        section: Section,
        value: &'v Value,
        place: &FieldPath,
    ) -> Result<Option<&'v Map<String, Value>>, InvalidValue> {
        let not_a_map = || InvalidValue::new("dict_type", "must be an object");
        let map = value.as_object().ok_or_else(not_a_map)?;
        let (Some(name), Some((given, params))) = (section.type_name(), typed(value)) else { return Ok(Some(map)) };
        if given != name {
            return Err(wrong_type(&[name]));
        }
        for beside in map.keys().filter(|key| !matches!(key.as_str(), "type" | "params")) {
            self.unknown(place.child(beside.as_str()), || "it stands beside `params`, not within".to_owned());
        }
        if params.is_null() { Ok(None) } else { params.as_object().map(Some).ok_or_else(not_a_map) }
    }

    fn key(&mut self, entry: &'static Entry, value: &Value, place: FieldPath) {
        let value = match settled(entry.key.kind, value.clone()) {
            Ok(value) => value,
            Err(fault) => return self.fail(&place, fault),
        };
        match entry.key.class {
            Class::Honoured(set) => set(self, &GivenValue { entry, value: &value, place }),
            _ if entry.is_harmless(&value) => {}
            Class::WithoutEffect(reason) => match refused_type(&value) {
                Some(refusal) => self.fail(&place, InvalidValue::unsupported(refusal)),
                None => self.warn(&place, reason),
            },
            Class::Refused(_) if is_empty(&value) => {}
            Class::Refused(reason) => self.fail(&place, InvalidValue::unsupported(reason)),
        }
    }

    /// Notes the fault, if there is one.
    pub fn checked<T>(&mut self, place: &FieldPath, outcome: Result<T, InvalidValue>) -> Option<T> {
        outcome.map_err(|fault| self.fail(place, fault)).ok()
    }

    pub fn fail(&mut self, place: &FieldPath, fault: InvalidValue) {
        self.errors.push(fault.at(place));
    }

    pub fn warn(&mut self, place: &FieldPath, reason: impl Into<String>) {
        self.warnings.push(Warning { key: place.dotted(), reason: reason.into() });
    }

    /// Warns of a key that nobody knows; the reason is only worked out for the first of them.
    pub fn unknown(&mut self, place: FieldPath, reason: impl FnOnce() -> String) {
        self.unknown += 1;
        if self.unknown <= MAX_UNKNOWN {
            self.warn(&place, reason());
        }
    }

    /// Says how many keys were not named.
    pub fn count_unnamed(&mut self) {
        if let Some(more @ 1..) = self.unknown.checked_sub(MAX_UNKNOWN) {
            self.warnings.push(Warning { key: "…".to_owned(), reason: format!("and {more} more unknown keys") });
        }
    }

    /// Sets an option of the Markdown that is on or off.
    pub fn flag(&mut self, given: &GivenValue<'_>, option: fn(&mut MarkdownOptions) -> &mut bool) {
        if let Some(on) = self.checked(&given.place, given.flag()) {
            *option(&mut self.builder.options.page.markdown) = on;
        }
    }
}

fn refused_type(value: &Value) -> Option<&'static str> {
    let (name, _) = typed(value)?;
    REFUSED_TYPES.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason)
}
