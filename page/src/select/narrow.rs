//! Reduces the body to the elements that CSS selectors match.

use std::sync::Arc;

use super::css::{CssSelector, outermost_matches};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::tree::{NodeId, Tag, Tree};

/// Replaces the contents of the body by the elements that the selectors match, in document order. A match inside
/// another match is not repeated.
pub(crate) fn narrow(tree: &mut Tree, selectors: &[Arc<CssSelector>], budget: &Budget) -> Result<(), ReadError> {
    let matches = outermost_matches(tree, selectors, budget)?;
    if matches.iter().any(|&id| matches!(tree.tag(id), Tag::Html | Tag::Body)) {
        return Ok(());
    }
    let html = tree.children(NodeId::ROOT).find(|&id| tree.tag(id) == Tag::Html);
    let body = html.and_then(|html| tree.children(html).find(|&id| matches!(tree.tag(id), Tag::Body | Tag::Frameset)));
    let Some(body) = body else { return Ok(()) };
    matches.iter().for_each(|&id| tree.unlink(id));
    let others: Vec<NodeId> = tree.children(body).collect();
    others.into_iter().for_each(|id| tree.unlink(id));
    for id in matches {
        let part = tree.add_div(body);
        tree.append_child(part, id);
    }
    Ok(())
}
