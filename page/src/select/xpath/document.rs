//! The page that an expression is evaluated on: document order, names and string values.

use super::value::{XPathNode, XPathValue, format_number, parse_number};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::tree::{NodeId, Tree, Visit};

/// String values are cut at this many bytes.
pub(super) const MAX_STRING_BYTES: usize = 1 << 20;

/// The position of every node in document order, computed once per page.
pub(crate) struct DocumentOrder(Vec<u32>);

impl DocumentOrder {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut order = vec![u32::MAX; tree.len()];
        let entered = tree.walk(NodeId::ROOT).filter_map(|step| match step {
            Visit::Enter(id) => Some(id),
            Visit::Leave(_) => None,
        });
        for (position, id) in entered.enumerate() {
            order[id.index()] = u32::try_from(position).unwrap_or(u32::MAX);
        }
        Self(order)
    }

    fn position(&self, id: NodeId) -> u32 {
        self.0[id.index()]
    }
}

/// The page and the budget for work on it.
#[derive(Clone, Copy)]
pub(super) struct XPathDocument<'t> {
    pub(super) tree: &'t Tree,
    pub(super) order: &'t DocumentOrder,
    pub(super) budget: &'t Budget,
}

impl<'t> XPathDocument<'t> {
    /// Sorts nodes in document order and removes duplicates.
    pub(super) fn sorted(&self, mut nodes: Vec<XPathNode>) -> Vec<XPathNode> {
        nodes.sort_by_key(|node| (self.order.position(node.id), node.attribute));
        nodes.dedup();
        nodes
    }

    /// The name of an element or attribute.
    pub(super) fn name(&self, node: XPathNode) -> Option<&'t str> {
        let element = self.tree.element(node.id)?;
        match node.attribute {
            None => Some(&element.name.local),
            Some(index) => element.attrs.get(index as usize).map(|attr| &*attr.name.local),
        }
    }

    /// XPath's `string()`.
    pub(super) fn string(&self, value: &XPathValue) -> Result<String, ReadError> {
        self.budget.step()?;
        Ok(match value {
            XPathValue::Nodes(nodes) => nodes.first().map(|&node| self.string_value(node)).unwrap_or_default(),
            XPathValue::String(text) => text.clone(),
            XPathValue::Number(number) => format_number(*number),
            XPathValue::Boolean(boolean) => boolean.to_string(),
        })
    }

    /// XPath's `number()`.
    pub(super) fn number(&self, value: &XPathValue) -> Result<f64, ReadError> {
        Ok(match value {
            XPathValue::Number(number) => *number,
            XPathValue::Boolean(boolean) => f64::from(u8::from(*boolean)),
            other => parse_number(&self.string(other)?),
        })
    }

    /// The string value of a node: the value of an attribute, or all text in an element.
    pub(super) fn string_value(&self, node: XPathNode) -> String {
        let element = self.tree.element(node.id);
        let mut text = match node.attribute {
            Some(index) => {
                let attr = element.and_then(|element| element.attrs.get(index as usize));
                attr.map(|attr| attr.value.to_string()).unwrap_or_default()
            }
            None => self.descendant_text(node.id),
        };
        text.truncate(text.floor_char_boundary(MAX_STRING_BYTES));
        self.budget.work.spend_bytes(text.len());
        text
    }

    fn descendant_text(&self, id: NodeId) -> String {
        let mut all = String::new();
        for text in self.tree.descendants(id).filter_map(|id| self.tree.text(id)) {
            all.push_str(text);
            if all.len() > MAX_STRING_BYTES {
                break;
            }
        }
        all
    }
}
