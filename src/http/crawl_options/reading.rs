//! Walks over a request's keys, sorts each by the table, and gathers what is said about them.

use opilio_actors::domain::job::Warning;
use opilio_page::MarkdownOptions;
use serde_json::{Map, Value};

use super::crawler_keys::REFUSED_TYPES;
use super::draft::Draft;
use super::key::{Class, Entry, Section};
use super::plain::{is_empty, settled, typed, wrong_type};
use super::report::{Fault, FieldError, Place};
use super::unknown;

/// Unknown keys beyond this are counted, not named.
const MAX_UNKNOWN: usize = 32;

/// The state of one reading.
#[derive(Debug, Default)]
pub struct Reading {
    pub draft: Draft,
    pub warnings: Vec<Warning>,
    pub errors: Vec<FieldError>,
    unknown: usize,
}

/// A value that was given for a key of the table.
pub struct Given<'a> {
    pub entry: &'static Entry,
    /// In its plain form.
    pub value: &'a Value,
    pub place: Place,
}

impl Given<'_> {
    pub fn is_default(&self) -> bool {
        self.entry.is_default(self.value)
    }
}

impl Reading {
    /// Reads one section, in its plain form: flat, or typed.
    pub fn section(&mut self, section: Section, value: &Value, place: &Place) {
        let params = self.parameters(section, value, place);
        let Some(params) = self.checked(place, params).flatten() else { return };
        for (name, value) in params.iter().filter(|(_, value)| !value.is_null()) {
            let place = place.child(name.as_str());
            match section.entry(name) {
                Some(entry) => self.key(entry, value, place),
                None => self.unknown(place, || unknown::reason(section, name)),
            }
        }
    }

    /// `None`: typed, with nothing in it.
    fn parameters<'v>(
        &mut self,
        section: Section,
        value: &'v Value,
        place: &Place,
    ) -> Result<Option<&'v Map<String, Value>>, Fault> {
        let not_a_map = || Fault::new("dict_type", "must be an object");
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

    fn key(&mut self, entry: &'static Entry, value: &Value, place: Place) {
        let value = match settled(entry.key.kind, value.clone()) {
            Ok(value) => value,
            Err(fault) => return self.fail(&place, fault),
        };
        match entry.key.class {
            Class::Honoured(set) => set(self, &Given { entry, value: &value, place }),
            _ if entry.is_harmless(&value) => {}
            Class::WithoutEffect(reason) => match refused_type(&value) {
                Some(refusal) => self.fail(&place, Fault::unsupported(refusal)),
                None => self.warn(&place, reason),
            },
            Class::Refused(_) if is_empty(&value) => {}
            Class::Refused(reason) => self.fail(&place, Fault::unsupported(reason)),
        }
    }

    /// Notes the fault, if there is one.
    pub fn checked<T>(&mut self, place: &Place, outcome: Result<T, Fault>) -> Option<T> {
        outcome.map_err(|fault| self.fail(place, fault)).ok()
    }

    pub fn fail(&mut self, place: &Place, fault: Fault) {
        self.errors.push(fault.at(place));
    }

    pub fn warn(&mut self, place: &Place, reason: impl Into<String>) {
        self.warnings.push(Warning { key: place.dotted(), reason: reason.into() });
    }

    /// Warns of a key that nobody knows; the reason is only worked out for the first of them.
    pub fn unknown(&mut self, place: Place, reason: impl FnOnce() -> String) {
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
    pub fn flag(&mut self, given: &Given<'_>, option: fn(&mut MarkdownOptions) -> &mut bool) {
        if let Some(on) = self.checked(&given.place, given.flag()) {
            *option(&mut self.draft.options.page.markdown) = on;
        }
    }
}

fn refused_type(value: &Value) -> Option<&'static str> {
    let (name, _) = typed(value)?;
    REFUSED_TYPES.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason)
}
