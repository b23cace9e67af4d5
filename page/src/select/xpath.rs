//! XPath 1.0 over our own tree.
//!
//! Own code, because the crates for it (`sxd-xpath`, `xee-xpath`, `skyscraper`, `amxml`) each bring a tree of their own,
//! which would have to be built from the page a second time, and most have rested for years. All of the language is here
//! but namespaces, variables and `id()`/`lang()`; comments and processing instructions are not in the tree.

mod functions;
mod grammar;
mod tokens;
mod value;
mod walking;

use crate::ReadError;
use crate::budget::Watch;
use crate::limits::MAX_SELECTOR_BYTES;
use crate::tree::{Id, Step, Tree};
use value::Value;

pub(crate) struct XPath {
    expression: grammar::Expression,
}

/// What an expression finds: an element, or text (that of a text node, an attribute or a computed value).
pub(crate) enum Found {
    Element(Id),
    Text(String),
}

/// The page's order of its nodes, worked out once a page.
pub(crate) struct Order(Vec<u32>);

impl Order {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut order = vec![u32::MAX; tree.len()];
        let enters = tree.walk(Id::ROOT).filter_map(|step| match step {
            Step::Enter(id) => Some(id),
            Step::Leave(_) => None,
        });
        for (place, id) in enters.enumerate() {
            order[id.index()] = u32::try_from(place).unwrap_or(u32::MAX);
        }
        Self(order)
    }

    fn place(&self, id: Id) -> u32 {
        self.0[id.index()]
    }
}

impl XPath {
    /// `relative`: a path that begins with `/` starts at the node that is searched, not at the root.
    pub(crate) fn parse(text: &str, relative: bool) -> Result<Self, String> {
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(format!("is longer than {MAX_SELECTOR_BYTES} bytes"));
        }
        let expression = grammar::parse(text, relative).map_err(|wrong| format!("is no XPath expression: {wrong}"))?;
        Ok(Self { expression })
    }

    /// In the page's order.
    pub(crate) fn all(&self, tree: &Tree, order: &Order, top: Id, watch: &Watch) -> Result<Vec<Found>, ReadError> {
        let ground = walking::Ground { tree, order, watch };
        Ok(match ground.evaluate(&self.expression, walking::Context::alone(top))? {
            Value::Nodes(nodes) => nodes
                .into_iter()
                .map(|spot| match spot.attribute {
                    None if tree.text(spot.id).is_none() => Found::Element(spot.id),
                    _ => Found::Text(ground.text(spot)),
                })
                .collect(),
            other => vec![Found::Text(ground.string(&other)?)],
        })
    }
}

#[cfg(test)]
mod tests;
