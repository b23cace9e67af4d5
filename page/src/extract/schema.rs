//! A validated extraction schema: selectors parsed, patterns compiled.

use std::sync::Arc;

use serde_json::Value;

use super::pattern::Pattern;
use crate::select::css::CssSelector;
use crate::select::xpath::XPath;

/// A schema: one object per match of `base`, with the fields of both lists.
pub(crate) struct Schema {
    pub(super) base: FieldSelector,
    pub(super) base_fields: Vec<Field>,
    pub(super) fields: Vec<Field>,
}

pub(super) enum FieldSelector {
    Css(Arc<CssSelector>),
    XPath(Arc<XPath>),
}

/// One field of an object.
pub(super) struct Field {
    pub(super) name: String,
    /// The value is taken from the next sibling that matches.
    pub(super) sibling: Option<Arc<CssSelector>>,
    /// `None`: the element itself.
    pub(super) selector: Option<FieldSelector>,
    pub(super) kind: FieldKind,
    pub(super) transform: Option<Transform>,
    pub(super) default: Option<Value>,
}

/// What a field contains.
pub(super) enum FieldKind {
    Object(Vec<Field>),
    List(Vec<Field>),
    /// The sources are applied in order, each to the result of the previous one.
    Value(Vec<ValueSource>),
}

/// Where a value comes from.
pub(super) enum ValueSource {
    Text,
    Html,
    Attribute(String),
    /// A pattern and the group that contains the value.
    Regex(Arc<Pattern>, usize),
}

#[derive(Clone, Copy)]
pub(super) enum Transform {
    Lowercase,
    Uppercase,
    Strip,
}
