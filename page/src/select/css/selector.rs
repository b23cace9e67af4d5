//! Parses CSS selectors and finds the elements that match.

use std::collections::HashSet;
use std::sync::Arc;

use selectors::OpaqueElement;
use selectors::matching::{
    MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode, SelectorCaches,
    matches_selector,
};
use selectors::parser::{ParseRelative, SelectorList};

use super::element::ElementRef;
use super::types::{SelectorParser, SelectorTypes};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::limits::MAX_SELECTOR_BYTES;
use crate::tree::{NodeId, Tree, Visit};

/// One or more selectors, separated by commas.
pub(crate) struct CssSelector {
    list: SelectorList<SelectorTypes>,
}

impl CssSelector {
    /// In addition to the selectors of browsers, `:contains("text")` (or `:-soup-contains`) matches elements by their
    /// text, and a selector may begin with a combinator (`> li`), which is then relative to the searched element.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_SELECTOR_BYTES {
            return Err(format!("is longer than {MAX_SELECTOR_BYTES} bytes"));
        }
        let text = text.trim();
        let scoped = format!(":scope {text}");
        let text = if text.starts_with(['>', '+', '~']) { &scoped } else { text };
        let list = SelectorList::parse(&SelectorParser, &mut cssparser::Parser::new(text), ParseRelative::No);
        list.map(|list| Self { list }).map_err(|_| "is not a valid CSS selector".to_owned())
    }

    /// The descendants of `top` that match, in document order, at most `max`.
    pub(crate) fn matches_below(
        &self,
        tree: &Tree,
        top: NodeId,
        max: usize,
        budget: &Budget,
    ) -> Result<Vec<NodeId>, ReadError> {
        let mut caches = SelectorCaches::default();
        let mut found = Vec::new();
        for id in tree.descendants(top).skip(1) {
            if tree.element(id).is_some() {
                budget.check()?;
                if self.matches(tree, id, Some(top), &mut caches) {
                    found.push(id);
                    if found.len() == max {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn matches(&self, tree: &Tree, id: NodeId, scope: Option<NodeId>, caches: &mut SelectorCaches) -> bool {
        let mut context = MatchingContext::new(
            MatchingMode::Normal,
            None,
            caches,
            QuirksMode::NoQuirks,
            NeedsSelectorFlags::No,
            MatchingForInvalidation::No,
        );
        context.scope_element = scope.and_then(|id| tree.element(id)).map(OpaqueElement::new);
        let element = ElementRef::new(tree, id);
        self.list.slice().iter().any(|selector| matches_selector(selector, 0, None, element, &mut context))
    }
}

/// The elements that any of the selectors matches, in document order, without those inside another match.
pub(crate) fn outermost_matches(
    tree: &Tree,
    selectors: &[Arc<CssSelector>],
    budget: &Budget,
) -> Result<Vec<NodeId>, ReadError> {
    let mut matched = HashSet::new();
    for selector in selectors {
        matched.extend(selector.matches_below(tree, NodeId::ROOT, usize::MAX, budget)?.into_iter().map(NodeId::index));
    }
    let mut found = Vec::new();
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        if let Visit::Enter(id) = step
            && matched.contains(&id.index())
        {
            found.push(id);
            walk.skip_children(id);
        }
    }
    Ok(found)
}
