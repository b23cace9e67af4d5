//! Extracts the fields of a schema from a page.

use serde_json::{Map, Value};

use super::extracted::ExtractedJson;
use super::outer_html::outer_html;
use super::pattern::SearchCaches;
use super::schema::{Field, FieldKind, FieldSelector, Schema, Transform, ValueSource};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::select::css::CssSelector;
use crate::select::xpath::{DocumentOrder, XPathMatch};
use crate::text;
use crate::tree::{NodeId, Tree};

/// Bytes of a field in an object in addition to its name and value.
const ENTRY_BYTES: usize = 48;

/// Extracts one object for each element that the base selector matches, with at most about `max_bytes` in all values.
pub(super) fn extract_fields(
    tree: &Tree,
    schema: &Schema,
    max_bytes: usize,
    budget: &Budget,
) -> Result<ExtractedJson, ReadError> {
    let order = matches!(schema.base, FieldSelector::XPath(_)).then(|| DocumentOrder::of(tree));
    let caches = SearchCaches::default();
    let mut extractor = Extractor { tree, order, budget, bytes_left: max_bytes, truncated: false, caches };
    let mut items = Vec::new();
    for base in extractor.matches(&schema.base, NodeId::ROOT, usize::MAX)? {
        let mut item = Map::new();
        extractor.add_fields(&base, &schema.base_fields, &mut item)?;
        extractor.add_fields(&base, &schema.fields, &mut item)?;
        if !item.is_empty() {
            items.push(Value::Object(item));
        }
        if extractor.truncated {
            break;
        }
    }
    Ok(ExtractedJson { json: Value::Array(items).to_string(), truncated: extractor.truncated })
}

/// Extracts fields from one page within a limit on the output.
struct Extractor<'t> {
    tree: &'t Tree,
    /// Needed only for XPath.
    order: Option<DocumentOrder>,
    budget: &'t Budget,
    bytes_left: usize,
    truncated: bool,
    caches: SearchCaches,
}

impl Extractor<'_> {
    /// What a selector matches in `top`. `max` limits only CSS matches.
    fn matches(&self, selector: &FieldSelector, top: NodeId, max: usize) -> Result<Vec<XPathMatch>, ReadError> {
        match (selector, &self.order) {
            (FieldSelector::Css(selector), _) => Ok(selector
                .matches_below(self.tree, top, max, self.budget)?
                .into_iter()
                .map(XPathMatch::Element)
                .collect()),
            (FieldSelector::XPath(path), Some(order)) => path.evaluate(self.tree, order, top, self.budget),
            (FieldSelector::XPath(_), None) => Ok(Vec::new()),
        }
    }

    fn add_fields(
        &mut self,
        from: &XPathMatch,
        fields: &[Field],
        item: &mut Map<String, Value>,
    ) -> Result<(), ReadError> {
        for field in fields {
            self.budget.step()?;
            if self.truncated {
                return Ok(());
            }
            let found = self.field(from, field)?;
            // The fields in a list or an object are already counted.
            let counted = found.as_ref().is_some_and(|value| !value.is_string());
            if let Some(value) = found.or_else(|| field.default.clone()) {
                let bytes = if counted { 8 } else { json_bytes(&value) };
                self.spend(field.name.len() + bytes + ENTRY_BYTES);
                item.insert(field.name.clone(), value);
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => self.bytes_left = left,
            None => self.truncated = true,
        }
    }

    fn field(&mut self, from: &XPathMatch, field: &Field) -> Result<Option<Value>, ReadError> {
        let sibling;
        let mut from = from;
        if let Some(selector) = &field.sibling {
            match self.sibling(from, selector)? {
                Some(found) => sibling = found,
                None => return Ok(None),
            }
            from = &sibling;
        }
        let is_list = matches!(field.kind, FieldKind::List(_));
        let found;
        let found: &[XPathMatch] = match (&field.selector, from) {
            (None, _) => std::slice::from_ref(from),
            (Some(selector), XPathMatch::Element(top)) => {
                found = self.matches(selector, *top, if is_list { usize::MAX } else { 1 })?;
                &found
            }
            (Some(_), XPathMatch::Text(_)) => &[],
        };
        match &field.kind {
            FieldKind::Value(sources) => {
                let text = match found.first() {
                    Some(first) => self.value(first, sources)?,
                    None => None,
                };
                Ok(text.map(|text| Value::from(apply_transform(text, field.transform))))
            }
            FieldKind::Object(fields) => {
                let mut item = Map::new();
                if let Some(first) = found.first() {
                    self.add_fields(first, fields, &mut item)?;
                }
                Ok(Some(Value::Object(item)))
            }
            FieldKind::List(fields) => self.list(found, fields).map(Some),
        }
    }

    fn list(&mut self, found: &[XPathMatch], fields: &[Field]) -> Result<Value, ReadError> {
        let mut items = Vec::new();
        for each in found {
            let mut item = Map::new();
            self.add_fields(each, fields, &mut item)?;
            self.spend(4);
            if self.truncated {
                break;
            }
            items.push(Value::Object(item));
        }
        Ok(Value::Array(items))
    }

    fn sibling(&self, from: &XPathMatch, selector: &CssSelector) -> Result<Option<XPathMatch>, ReadError> {
        let XPathMatch::Element(id) = from else { return Ok(None) };
        let mut caches = Default::default();
        for id in self.tree.siblings_after(*id) {
            self.budget.check()?;
            if self.tree.element(id).is_some() && selector.matches(self.tree, id, None, &mut caches) {
                return Ok(Some(XPathMatch::Element(id)));
            }
        }
        Ok(None)
    }

    /// Applies the sources in order, each to the result of the previous one.
    fn value(&mut self, from: &XPathMatch, sources: &[ValueSource]) -> Result<Option<String>, ReadError> {
        let mut text = match from {
            XPathMatch::Text(text) => Some(text.clone()),
            XPathMatch::Element(_) => None,
        };
        for source in sources {
            text = match (source, from, text) {
                (ValueSource::Text, _, Some(text)) => Some(text::collapse_whitespace(&text)),
                (ValueSource::Html | ValueSource::Attribute(_), _, Some(text)) => Some(text),
                (ValueSource::Text, XPathMatch::Element(id), None) => Some(self.text(*id)),
                (ValueSource::Html, XPathMatch::Element(id), None) => Some(outer_html(self.tree, *id, self.bytes_left)),
                (ValueSource::Attribute(name), XPathMatch::Element(id), None) => {
                    self.tree.attr(*id, name).map(str::to_owned)
                }
                (ValueSource::Regex(pattern, group), from, text) => {
                    let text = match (from, text) {
                        (_, Some(text)) => text,
                        (XPathMatch::Element(id), None) => self.text(*id),
                        (XPathMatch::Text(_), None) => return Ok(None),
                    };
                    pattern.capture(*group, &text, &mut self.caches, self.budget)?.map(str::to_owned)
                }
                (_, XPathMatch::Text(_), None) => None,
            };
            if text.is_none() {
                return Ok(None);
            }
        }
        Ok(text)
    }

    fn text(&self, id: NodeId) -> String {
        text::text_content(self.tree, id, self.bytes_left.min(1 << 20))
    }
}

/// About the bytes of a value as JSON. Objects and lists of this schema are counted field by field.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => 8 + items.iter().map(json_bytes).sum::<usize>(),
        Value::Object(map) => 8 + map.iter().map(|(key, value)| key.len() + json_bytes(value)).sum::<usize>(),
        _ => 8,
    }
}

fn apply_transform(text: String, transform: Option<Transform>) -> String {
    match transform {
        None => text,
        Some(Transform::Lowercase) => text.to_lowercase(),
        Some(Transform::Uppercase) => text.to_uppercase(),
        Some(Transform::Strip) => text.trim().to_owned(),
    }
}
