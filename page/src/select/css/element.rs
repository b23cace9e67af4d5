//! Lets the `selectors` crate match the elements of a tree.

use std::fmt;

use html5ever::{Namespace, ns};
use selectors::OpaqueElement;
use selectors::attr::{AttrSelectorOperation, CaseSensitivity, NamespaceConstraint};
use selectors::bloom::BloomFilter;
use selectors::matching::{ElementSelectorFlags, MatchingContext};

use super::types::{AttrValue, ContainsText, CssName, NoPseudoElement, SelectorTypes};
use crate::text;
use crate::tree::{Element, NodeData, NodeId, Tree};

/// An element of a tree.
#[derive(Clone, Copy)]
pub(super) struct ElementRef<'t> {
    tree: &'t Tree,
    id: NodeId,
}

impl fmt::Debug for ElementRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.id)
    }
}

impl<'t> ElementRef<'t> {
    pub(super) fn new(tree: &'t Tree, id: NodeId) -> Self {
        Self { tree, id }
    }

    fn element(&self) -> &'t Element {
        self.tree.element(self.id).expect("only elements are matched")
    }

    fn at(&self, id: NodeId) -> Self {
        Self { tree: self.tree, id }
    }

    fn is_element(&self, id: NodeId) -> bool {
        self.tree.element(id).is_some()
    }
}

impl selectors::Element for ElementRef<'_> {
    type Impl = SelectorTypes;

    fn opaque(&self) -> OpaqueElement {
        OpaqueElement::new(self.element())
    }

    fn parent_element(&self) -> Option<Self> {
        self.tree.ancestors(self.id).next().filter(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.tree.siblings_before(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        self.tree.siblings_after(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.tree.children(self.id).find(|&id| self.is_element(id)).map(|id| self.at(id))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        self.element().name.ns == ns!(html)
    }

    fn has_local_name(&self, name: &CssName) -> bool {
        self.element().name.local == name.0
    }

    fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.element().name.ns == *namespace
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.element().name == other.element().name
    }

    fn attr_matches(
        &self,
        namespace: &NamespaceConstraint<&Namespace>,
        name: &CssName,
        operation: &AttrSelectorOperation<&AttrValue>,
    ) -> bool {
        let in_namespace = |own: &Namespace| match namespace {
            NamespaceConstraint::Any => true,
            NamespaceConstraint::Specific(wanted) => own == *wanted,
        };
        let attrs = &self.element().attrs;
        let matches = |value: &str| {
            self.tree.work().spend_bytes(value.len());
            operation.eval_str(value)
        };
        attrs.iter().any(|attr| attr.name.local == name.0 && in_namespace(&attr.name.ns) && matches(&attr.value))
    }

    fn match_non_ts_pseudo_class(
        &self,
        ContainsText(wanted): &ContainsText,
        _: &mut MatchingContext<'_, SelectorTypes>,
    ) -> bool {
        const MAX_BYTES: usize = 100_000;
        text::text_content(self.tree, self.id, MAX_BYTES).contains(wanted.as_str())
    }

    fn match_pseudo_element(&self, pseudo: &NoPseudoElement, _: &mut MatchingContext<'_, SelectorTypes>) -> bool {
        match *pseudo {}
    }

    fn apply_selector_flags(&self, _: ElementSelectorFlags) {}

    fn is_link(&self) -> bool {
        matches!(&*self.element().name.local, "a" | "area" | "link") && self.element().attr("href").is_some()
    }

    fn is_html_slot_element(&self) -> bool {
        &*self.element().name.local == "slot"
    }

    fn has_id(&self, id: &CssName, case: CaseSensitivity) -> bool {
        self.element().attr("id").is_some_and(|own| case.eq(own.as_bytes(), id.0.as_bytes()))
    }

    fn has_class(&self, name: &CssName, case: CaseSensitivity) -> bool {
        let classes = self.element().attr("class").unwrap_or_default();
        self.tree.work().spend_bytes(classes.len());
        classes.split_ascii_whitespace().any(|class| case.eq(class.as_bytes(), name.0.as_bytes()))
    }

    fn has_custom_state(&self, _: &CssName) -> bool {
        false
    }

    fn imported_part(&self, _: &CssName) -> Option<CssName> {
        None
    }

    fn is_part(&self, _: &CssName) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        self.tree.first_child(self.id).is_none()
    }

    fn is_root(&self) -> bool {
        self.tree.parent(self.id).is_some_and(|parent| matches!(self.tree.data(parent), NodeData::Document))
    }

    fn add_element_unique_hashes(&self, _: &mut BloomFilter) -> bool {
        false
    }
}
