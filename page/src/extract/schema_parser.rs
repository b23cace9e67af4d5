//! Parses extraction schemas and reports all errors with their paths.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::schema::{Field, FieldKind, FieldSelector, Schema, Transform, ValueSource};
use crate::options::{PathSegment, SchemaError, SelectorLanguage};
use crate::pattern_compiler::PatternCompiler;
use crate::select::css::CssSelector;

/// Fields nested deeper are rejected.
const MAX_DEPTH: usize = 16;
/// Fields of a schema.
const MAX_FIELDS: usize = 1000;
/// Types of one field that are applied in order.
const MAX_SOURCES: usize = 8;

/// Parses a schema whose selectors are in `language`.
///
/// # Errors
/// All errors of the schema.
pub(super) fn parse_schema(
    schema: &Value,
    language: SelectorLanguage,
    compiler: &PatternCompiler,
) -> Result<Schema, Vec<SchemaError>> {
    let mut parser = SchemaParser { compiler, language, path: Vec::new(), errors: Vec::new(), fields: 0 };
    match parser.schema(schema) {
        Some(schema) if parser.errors.is_empty() => Ok(schema),
        _ => Err(parser.errors),
    }
}

struct SchemaParser<'c> {
    compiler: &'c PatternCompiler,
    language: SelectorLanguage,
    /// The path to the value that is being parsed.
    path: Vec<PathSegment>,
    errors: Vec<SchemaError>,
    fields: usize,
}

impl SchemaParser<'_> {
    /// Records an error at the current path.
    fn fail<T>(&mut self, reason: impl Into<String>) -> Option<T> {
        self.errors.push(SchemaError { path: self.path.clone(), reason: reason.into() });
        None
    }

    /// Parses the value of a key.
    fn at_key<T>(&mut self, key: &str, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.path.push(PathSegment::Key(key.to_owned()));
        let parsed = parse(self);
        self.path.pop();
        parsed
    }

    fn schema(&mut self, schema: &Value) -> Option<Schema> {
        let Some(map) = schema.as_object() else { return self.fail("must be an object") };
        let base = self.at_key("baseSelector", |this| match map.get("baseSelector").and_then(Value::as_str) {
            Some(text) if !text.trim().is_empty() => this.selector(text, false),
            _ => this.fail("must be a selector"),
        });
        let base_fields = self.list(map, "baseFields", 1, false);
        let fields = self.list(map, "fields", 1, true);
        Some(Schema { base: base?, base_fields: base_fields?, fields: fields? })
    }

    fn selector(&mut self, text: &str, relative: bool) -> Option<FieldSelector> {
        let selector = match self.language {
            SelectorLanguage::Css => self.compiler.css_selector(text).map(FieldSelector::Css),
            SelectorLanguage::XPath => self.compiler.xpath(text, relative).map(FieldSelector::XPath),
        };
        selector.map_or_else(|reason| self.fail(reason), Some)
    }

    fn list(&mut self, map: &Map<String, Value>, key: &str, depth: usize, required: bool) -> Option<Vec<Field>> {
        self.at_key(key, |this| match map.get(key).filter(|value| !value.is_null()) {
            None if required => this.fail("must be a list of fields"),
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
                self.fail(format!("exceeds the limit of {MAX_FIELDS} fields"))
            } else {
                None
            };
        }
        let Some(map) = item.as_object() else { return self.fail("must be an object") };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let name = self.at_key("name", |this| match text("name") {
            Some(name) if !name.is_empty() => Some(name.to_owned()),
            _ => this.fail("must be a non-empty string"),
        });
        let selector = match map.get("selector").filter(|value| !value.is_null()) {
            None => Some(None),
            Some(Value::String(text)) if text.trim().is_empty() => Some(None),
            Some(Value::String(text)) => self.at_key("selector", |this| this.selector(text, true)).map(Some),
            Some(_) => self.at_key("selector", |this| this.fail("must be a selector")),
        };
        let sibling = match text("source") {
            None => Some(None),
            Some(source) => self.at_key("source", |this| this.sibling(source)).map(Some),
        };
        let transform = self.at_key("transform", |this| match text("transform") {
            None => Some(None),
            Some("lowercase") => Some(Some(Transform::Lowercase)),
            Some("uppercase") => Some(Some(Transform::Uppercase)),
            Some("strip") => Some(Some(Transform::Strip)),
            Some(_) => this.fail("must be lowercase, uppercase or strip"),
        });
        let kind = self.kind(map, depth);
        let default = map.get("default").filter(|value| !value.is_null()).cloned();
        Some(Field { name: name?, sibling: sibling?, selector: selector?, kind: kind?, transform: transform?, default })
    }

    fn sibling(&mut self, source: &str) -> Option<Arc<CssSelector>> {
        let Some(selector) = source.trim().strip_prefix('+') else {
            return self.fail("must be `+` and a CSS selector for the next sibling");
        };
        self.compiler.css_selector(selector).map_or_else(|reason| self.fail(reason), Some)
    }

    fn kind(&mut self, map: &Map<String, Value>, depth: usize) -> Option<FieldKind> {
        match map.get("type") {
            Some(Value::String(kind)) if kind == "nested" => {
                self.list(map, "fields", depth + 1, true).map(FieldKind::Object)
            }
            Some(Value::String(kind)) if matches!(kind.as_str(), "list" | "nested_list") => {
                self.list(map, "fields", depth + 1, true).map(FieldKind::List)
            }
            Some(Value::String(kind)) => self.value_source(kind, map).map(|source| FieldKind::Value(vec![source])),
            Some(Value::Array(kinds)) if (1..=MAX_SOURCES).contains(&kinds.len()) => {
                let mut sources = Vec::new();
                for kind in kinds {
                    sources.push(self.value_source(kind.as_str().unwrap_or_default(), map)?);
                }
                Some(FieldKind::Value(sources))
            }
            _ => self.at_key("type", |this| this.fail("must be a field type or a list of field types")),
        }
    }

    fn value_source(&mut self, kind: &str, map: &Map<String, Value>) -> Option<ValueSource> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match kind {
            "text" => Some(ValueSource::Text),
            "html" => Some(ValueSource::Html),
            "attribute" => self.at_key("attribute", |this| match text("attribute") {
                Some(name) => Some(ValueSource::Attribute(name.to_ascii_lowercase())),
                None => this.fail("must name an attribute"),
            }),
            "regex" => {
                let regex = self.at_key("pattern", |this| match text("pattern") {
                    Some(pattern) => {
                        this.compiler.pattern(pattern, false).map_or_else(|reason| this.fail(reason), Some)
                    }
                    None => this.fail("must be a regular expression"),
                })?;
                let group = self.at_key("group", |this| this.group(map, &regex))?;
                Some(ValueSource::Regex(regex, group))
            }
            "computed" => self.at_key("type", |this| this.fail("is not supported: requests must not contain code")),
            _ => self
                .at_key("type", |this| this.fail("must be text, attribute, html, regex, nested, list or nested_list")),
        }
    }

    /// The group with the value, by number or name. Default: the first group, or the whole match if there is none.
    fn group(&mut self, map: &Map<String, Value>, pattern: &Pattern) -> Option<usize> {
        let group = match map.get("group").filter(|value| !value.is_null()) {
            None => Some(1.min(pattern.group_count() - 1)),
            Some(Value::String(name)) => pattern.group_number(name),
            Some(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        };
        match group.filter(|group| *group < pattern.group_count()) {
            Some(group) => Some(group),
            None => self.fail("is not a group of the pattern"),
        }
    }
}
