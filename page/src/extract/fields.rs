//! Picks the fields of a schema from a page.

use serde_json::{Map, Value};

use super::schema::{Field, Kind, Part, Query, Schema, Transform};
use super::{Picked, html};
use crate::budget::Watch;
use crate::select::css;
use crate::select::xpath::{Found, Order};
use crate::tree::{Id, Tree};
use crate::{ReadError, text};

/// `budget` bounds the bytes of all values, roughly.
pub(super) fn pick(tree: &Tree, schema: &Schema, budget: usize, watch: &Watch) -> Result<Picked, ReadError> {
    let order = matches!(schema.base, Query::XPath(_)).then(|| Order::of(tree));
    let mut picker = Picker { tree, order, watch, left: budget, cut: false };
    let mut items = Vec::new();
    for base in picker.all(&schema.base, Id::ROOT, usize::MAX)? {
        let mut item = Map::new();
        picker.item(&base, &schema.base_fields, &mut item)?;
        picker.item(&base, &schema.fields, &mut item)?;
        if !item.is_empty() {
            items.push(Value::Object(item));
        }
        if picker.cut {
            break;
        }
    }
    Ok(Picked { json: Value::Array(items).to_string(), cut: picker.cut })
}

struct Picker<'t> {
    tree: &'t Tree,
    /// For XPath.
    order: Option<Order>,
    watch: &'t Watch,
    left: usize,
    cut: bool,
}

impl Picker<'_> {
    fn all(&self, query: &Query, top: Id, most: usize) -> Result<Vec<Found>, ReadError> {
        match (query, &self.order) {
            (Query::Css(selector), _) => {
                Ok(selector.all(self.tree, top, most, self.watch)?.into_iter().map(Found::Element).collect())
            }
            (Query::XPath(path), Some(order)) => path.all(self.tree, order, top, self.watch),
            (Query::XPath(_), None) => Ok(Vec::new()),
        }
    }

    fn item(&mut self, from: &Found, fields: &[Field], item: &mut Map<String, Value>) -> Result<(), ReadError> {
        for field in fields {
            self.watch.step()?;
            if self.cut {
                return Ok(());
            }
            let value = self.field(from, field)?.or_else(|| field.default.clone());
            if let Some(value) = value {
                self.spend(field.name.len() + value.as_str().map_or(8, str::len));
                item.insert(field.name.clone(), value);
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.cut = true,
        }
    }

    fn field(&mut self, from: &Found, field: &Field) -> Result<Option<Value>, ReadError> {
        let sibling;
        let mut from = from;
        if let Some(selector) = &field.sibling {
            match self.sibling(from, selector)? {
                Some(found) => sibling = found,
                None => return Ok(None),
            }
            from = &sibling;
        }
        let many = matches!(field.kind, Kind::Many(_));
        let found;
        let found: &[Found] = match (&field.query, from) {
            (None, _) => std::slice::from_ref(from),
            (Some(query), Found::Element(top)) => {
                found = self.all(query, *top, if many { usize::MAX } else { 1 })?;
                &found
            }
            (Some(_), Found::Text(_)) => &[],
        };
        match &field.kind {
            Kind::Value(parts) => {
                let text = found.first().and_then(|first| self.value(first, parts));
                Ok(text.map(|text| Value::from(transformed(text, field.transform))))
            }
            Kind::One(fields) => {
                let mut item = Map::new();
                if let Some(first) = found.first() {
                    self.item(first, fields, &mut item)?;
                }
                Ok(Some(Value::Object(item)))
            }
            Kind::Many(fields) => {
                let mut items = Vec::new();
                for each in found {
                    let mut item = Map::new();
                    self.item(each, fields, &mut item)?;
                    self.spend(4);
                    if self.cut {
                        break;
                    }
                    items.push(Value::Object(item));
                }
                Ok(Some(Value::Array(items)))
            }
        }
    }

    fn sibling(&self, from: &Found, selector: &css::Selector) -> Result<Option<Found>, ReadError> {
        let Found::Element(id) = from else { return Ok(None) };
        let mut caches = Default::default();
        for id in self.tree.siblings_after(*id) {
            self.watch.check()?;
            if self.tree.element(id).is_some() && selector.matches(self.tree, id, None, &mut caches) {
                return Ok(Some(Found::Element(id)));
            }
        }
        Ok(None)
    }

    /// Each part goes on with what the one before gave.
    fn value(&self, from: &Found, parts: &[Part]) -> Option<String> {
        let mut text = match from {
            Found::Text(text) => Some(text.clone()),
            Found::Element(_) => None,
        };
        for part in parts {
            text = Some(match (part, from, &text) {
                (Part::Text, _, Some(text)) => text::collapsed(text),
                (Part::Html, _, Some(text)) => text.clone(),
                (Part::Attribute(_), _, Some(text)) => text.clone(),
                (Part::Text, Found::Element(id), None) => self.text(*id),
                (Part::Html, Found::Element(id), None) => html::outer(self.tree, *id, self.left),
                (Part::Attribute(name), Found::Element(id), None) => self.tree.attr(*id, name)?.to_owned(),
                (Part::Regex(regex, group), _, Some(text)) => matched(regex, *group, text)?,
                (Part::Regex(regex, group), Found::Element(id), None) => matched(regex, *group, &self.text(*id))?,
                (_, Found::Text(_), None) => return None,
            });
        }
        text
    }

    fn text(&self, id: Id) -> String {
        text::text_of(self.tree, id, self.left.min(1 << 20))
    }
}

fn matched(regex: &regex::Regex, group: usize, text: &str) -> Option<String> {
    regex.captures(text)?.get(group).map(|found| found.as_str().to_owned())
}

fn transformed(text: String, transform: Option<Transform>) -> String {
    match transform {
        None => text,
        Some(Transform::Lowercase) => text.to_lowercase(),
        Some(Transform::Uppercase) => text.to_uppercase(),
        Some(Transform::Strip) => text.trim().to_owned(),
    }
}
