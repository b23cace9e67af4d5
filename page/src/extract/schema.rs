//! Reads a schema of fields: every selector parsed, every pattern compiled, every fault named with its place.

use regex::Regex;
use serde_json::{Map, Value};

use super::{PathSegment, SchemaError, SelectorLanguage, patterns};
use crate::select::{css, xpath};

/// Fields within fields.
const MAX_DEPTH: usize = 16;
const MAX_FIELDS: usize = 1000;

pub(crate) struct Schema {
    pub(super) base: Query,
    pub(super) base_fields: Vec<Field>,
    pub(super) fields: Vec<Field>,
}

pub(super) enum Query {
    Css(css::Selector),
    XPath(xpath::XPath),
}

pub(super) struct Field {
    pub(super) name: String,
    /// The field is picked from the next sibling that matches.
    pub(super) sibling: Option<css::Selector>,
    /// `None`: the element itself.
    pub(super) query: Option<Query>,
    pub(super) kind: Kind,
    pub(super) transform: Option<Transform>,
    pub(super) default: Option<Value>,
}

pub(super) enum Kind {
    One(Vec<Field>),
    Many(Vec<Field>),
    Value(Vec<Part>),
}

pub(super) enum Part {
    Text,
    Html,
    Attribute(String),
    /// With the group that counts.
    Regex(Regex, usize),
}

#[derive(Clone, Copy)]
pub(super) enum Transform {
    Lowercase,
    Uppercase,
    Strip,
}

impl Schema {
    pub(crate) fn read(schema: &Value, language: SelectorLanguage) -> Result<Self, Vec<SchemaError>> {
        let mut reading = Reading { language, path: Vec::new(), errors: Vec::new(), fields: 0 };
        let read = reading.schema(schema);
        match read {
            Some(schema) if reading.errors.is_empty() => Ok(schema),
            _ => Err(reading.errors),
        }
    }
}

struct Reading {
    language: SelectorLanguage,
    path: Vec<PathSegment>,
    errors: Vec<SchemaError>,
    fields: usize,
}

impl Reading {
    fn fail<T>(&mut self, reason: impl Into<String>) -> Option<T> {
        self.errors.push(SchemaError { path: self.path.clone(), reason: reason.into() });
        None
    }

    /// Reads what stands under a key.
    fn under<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.path.push(PathSegment::Key(key.to_owned()));
        let read = read(self);
        self.path.pop();
        read
    }

    fn schema(&mut self, schema: &Value) -> Option<Schema> {
        let Some(map) = schema.as_object() else { return self.fail("must be an object") };
        let base = self.under("baseSelector", |this| match map.get("baseSelector").and_then(Value::as_str) {
            Some(text) if !text.trim().is_empty() => this.query(text, false),
            _ => this.fail("must be a selector"),
        });
        let base_fields = self.list(map, "baseFields", 1, false);
        let fields = self.list(map, "fields", 1, true);
        Some(Schema { base: base?, base_fields: base_fields?, fields: fields? })
    }

    fn query(&mut self, text: &str, relative: bool) -> Option<Query> {
        let query = match self.language {
            SelectorLanguage::Css => css::Selector::parse(text).map(Query::Css),
            SelectorLanguage::XPath => xpath::XPath::parse(text, relative).map(Query::XPath),
        };
        query.map_or_else(|wrong| self.fail(wrong), Some)
    }

    fn list(&mut self, map: &Map<String, Value>, key: &str, depth: usize, wanted: bool) -> Option<Vec<Field>> {
        self.under(key, |this| match map.get(key).filter(|value| !value.is_null()) {
            None if wanted => this.fail("must be a list of fields"),
            None => Some(Vec::new()),
            Some(Value::Array(_)) if depth > MAX_DEPTH => this.fail(format!("is more than {MAX_DEPTH} levels deep")),
            Some(Value::Array(items)) => {
                let mut fields = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    this.path.push(PathSegment::Index(index));
                    fields.extend(this.field(item, depth));
                    this.path.pop();
                }
                Some(fields)
            }
            Some(_) => this.fail("must be a list of fields"),
        })
    }

    fn field(&mut self, item: &Value, depth: usize) -> Option<Field> {
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return if self.fields == MAX_FIELDS + 1 {
                self.fail(format!("is beyond {MAX_FIELDS} fields"))
            } else {
                None
            };
        }
        let Some(map) = item.as_object() else { return self.fail("must be an object") };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let name = self.under("name", |this| match text("name") {
            Some(name) if !name.is_empty() => Some(name.to_owned()),
            _ => this.fail("must be a name"),
        });
        let query = match map.get("selector").filter(|value| !value.is_null()) {
            None => Some(None),
            Some(Value::String(text)) if text.trim().is_empty() => Some(None),
            Some(Value::String(text)) => self.under("selector", |this| this.query(text, true)).map(Some),
            Some(_) => self.under("selector", |this| this.fail("must be a selector")),
        };
        let sibling = match text("source") {
            None => Some(None),
            Some(source) => self.under("source", |this| this.sibling(source)).map(Some),
        };
        let transform = self.under("transform", |this| match text("transform") {
            None => Some(None),
            Some("lowercase") => Some(Some(Transform::Lowercase)),
            Some("uppercase") => Some(Some(Transform::Uppercase)),
            Some("strip") => Some(Some(Transform::Strip)),
            Some(_) => this.fail("must be lowercase, uppercase or strip"),
        });
        let kind = self.kind(map, depth);
        let default = map.get("default").filter(|value| !value.is_null()).cloned();
        Some(Field { name: name?, sibling: sibling?, query: query?, kind: kind?, transform: transform?, default })
    }

    fn sibling(&mut self, source: &str) -> Option<css::Selector> {
        let Some(selector) = source.trim().strip_prefix('+') else {
            return self.fail("must be `+` and a CSS selector: the next sibling that matches");
        };
        css::Selector::parse(selector).map_or_else(|wrong| self.fail(wrong), Some)
    }

    fn kind(&mut self, map: &Map<String, Value>, depth: usize) -> Option<Kind> {
        match map.get("type") {
            Some(Value::String(kind)) if kind == "nested" => self.list(map, "fields", depth + 1, true).map(Kind::One),
            Some(Value::String(kind)) if matches!(kind.as_str(), "list" | "nested_list") => {
                self.list(map, "fields", depth + 1, true).map(Kind::Many)
            }
            Some(Value::String(kind)) => self.part(kind, map).map(|part| Kind::Value(vec![part])),
            Some(Value::Array(kinds)) if (1..=8).contains(&kinds.len()) => {
                let mut parts = Vec::new();
                for kind in kinds {
                    parts.push(self.part(kind.as_str().unwrap_or_default(), map)?);
                }
                Some(Kind::Value(parts))
            }
            _ => self.under("type", |this| this.fail("must be a type of field")),
        }
    }

    fn part(&mut self, kind: &str, map: &Map<String, Value>) -> Option<Part> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match kind {
            "text" => Some(Part::Text),
            "html" => Some(Part::Html),
            "attribute" => self.under("attribute", |this| match text("attribute") {
                Some(name) => Some(Part::Attribute(name.to_ascii_lowercase())),
                None => this.fail("must name an attribute"),
            }),
            "regex" => {
                let regex = self.under("pattern", |this| match text("pattern") {
                    Some(pattern) => patterns::compile(pattern, false).map_or_else(|wrong| this.fail(wrong), Some),
                    None => this.fail("must be a regular expression"),
                })?;
                let group = self.under("group", |this| this.group(map, &regex))?;
                Some(Part::Regex(regex, group))
            }
            "computed" => {
                self.under("type", |this| this.fail("cannot be computed: code may not come over the network"))
            }
            _ => self
                .under("type", |this| this.fail("must be text, attribute, html, regex, nested, list or nested_list")),
        }
    }

    /// By number or name. Where the schema does not say: the first, or the whole match of a pattern without groups.
    fn group(&mut self, map: &Map<String, Value>, regex: &Regex) -> Option<usize> {
        let group = match map.get("group").filter(|value| !value.is_null()) {
            None => Some(1.min(regex.captures_len() - 1)),
            Some(Value::String(name)) => regex.capture_names().position(|known| known == Some(name)),
            Some(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        };
        match group.filter(|group| *group < regex.captures_len()) {
            Some(group) => Some(group),
            None => self.fail("is no group of the pattern"),
        }
    }
}
