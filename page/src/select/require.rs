//! The condition that an element exists.

use super::css::CssSelector;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::tree::{self, NodeId, Tree};

/// `text` is the text of the selector.
///
/// # Errors
/// `SelectorNotFound` if no element matches.
pub(crate) fn require_match(tree: &Tree, selector: &CssSelector, text: &str, budget: &Budget) -> Result<(), ReadError> {
    match selector.matches_below(tree, NodeId::ROOT, 1, budget)?.is_empty() {
        true => Err(ReadError::SelectorNotFound { selector: text.to_owned() }),
        false => Ok(()),
    }
}

/// [`require_match`] for a document that is not HTML. Browsers show it inside `<pre>`.
pub(crate) fn require_match_in_text(text: &str) -> Result<(), ReadError> {
    let limits = Limits { deadline: None, ..Limits::default() };
    let budget = Budget::start(&limits);
    let selector = CssSelector::parse(text).map_err(ReadError::InvalidSelector)?;
    let parsed = tree::parse("<pre></pre>", &limits, &budget)?;
    require_match(&parsed.tree, &selector, text, &budget)
}
