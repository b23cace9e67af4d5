//! Stores in the arena what html5ever's tree builder produces.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, LocalName, QualName, ns};

use super::arena::Tree;
use super::node::{Element, NodeData, NodeId};
use super::tag::Tag;
use crate::budget::WorkCounter;

/// Attributes of one element; more are dropped.
pub(super) const MAX_ATTRIBUTES: usize = 256;

/// Receives the nodes of a page from the tree builder.
pub(super) struct ArenaSink {
    tree: RefCell<Tree>,
    /// Attributes of all elements.
    attributes: Cell<usize>,
}

impl ArenaSink {
    pub(super) fn with_capacity_for(bytes: usize, work: WorkCounter) -> Self {
        let mut tree = Tree { work, ..Tree::default() };
        tree.text.reserve((bytes / 2).min(1 << 20));
        tree.nodes.reserve((bytes / 24).min(1 << 16));
        tree.add(NodeData::Document);
        Self { tree: RefCell::new(tree), attributes: Cell::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.tree.borrow().len()
    }

    pub(super) fn attributes(&self) -> usize {
        self.attributes.get()
    }

    pub(super) fn work(&self) -> WorkCounter {
        self.tree.borrow().work.clone()
    }

    pub(super) fn into_tree(self) -> Tree {
        self.tree.into_inner()
    }
}

impl TreeSink for ArenaSink {
    type Handle = NodeId;
    type Output = Self;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        NodeId::ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| match &tree.nodes[target.index()].data {
            NodeData::Element(element) => &element.name,
            _ => unreachable!("the tree builder requests only names of elements"),
        })
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> NodeId {
        self.attributes.set(self.attributes.get() + attrs.len());
        let tag = if name.ns == ns!(html) { Tag::of(&name.local) } else { Tag::foreign(&name.local) };
        self.tree.borrow_mut().add(NodeData::Element(Element { tag, name, attrs }))
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        NodeId::NONE
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        NodeId::NONE
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.tree.borrow_mut().append(*parent, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, prev_element: &NodeId, child: NodeOrText<NodeId>) {
        let mut tree = self.tree.borrow_mut();
        match tree.parent(*element) {
            Some(_) => tree.insert_before(*element, child),
            None => tree.append(*prev_element, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// A template's contents are its children in this tree.
    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, new_node: NodeOrText<NodeId>) {
        self.tree.borrow_mut().insert_before(*sibling, new_node);
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attrs: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let NodeData::Element(element) = &mut tree.nodes[target.index()].data else { return };
        for attr in attrs {
            let known = |name: &LocalName| element.attrs.iter().any(|known| known.name.local == *name);
            if element.attrs.len() < MAX_ATTRIBUTES && !known(&attr.name.local) {
                element.attrs.push(attr);
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.tree.borrow_mut().unlink(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        let mut tree = self.tree.borrow_mut();
        while let Some(child) = tree.first_child(*node) {
            tree.link(*new_parent, NodeId::NONE, child);
        }
    }
}
