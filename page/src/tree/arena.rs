//! A page as an arena: one vector of nodes linked by index and one string with all text.
//!
//! Comments, processing instructions and the doctype are not stored.

use super::node::{Element, Node, NodeData, NodeId};
use super::tag::Tag;
use crate::budget::WorkCounter;

/// The nodes of a page. Every step of a walk counts as work.
#[derive(Default)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) text: String,
    pub(super) work: WorkCounter,
}

/// One step of a depth-first walk: a node is entered, or left after all its descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    Enter(NodeId),
    Leave(NodeId),
}

impl Tree {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub(crate) fn data(&self, id: NodeId) -> &NodeData {
        &self.nodes[id.index()].data
    }

    /// `None` for text and the document.
    #[inline]
    pub(crate) fn element(&self, id: NodeId) -> Option<&Element> {
        match self.data(id) {
            NodeData::Element(element) => Some(element),
            _ => None,
        }
    }

    pub(crate) fn element_mut(&mut self, id: NodeId) -> Option<&mut Element> {
        match &mut self.nodes[id.index()].data {
            NodeData::Element(element) => Some(element),
            _ => None,
        }
    }

    /// [`Tag::Other`] for text and the document.
    #[inline]
    pub(crate) fn tag(&self, id: NodeId) -> Tag {
        self.element(id).map_or(Tag::Other, |element| element.tag)
    }

    pub(crate) fn attr(&self, id: NodeId, name: &str) -> Option<&str> {
        self.element(id)?.attr(name)
    }

    /// `None` for elements and the document.
    #[inline]
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match *self.data(id) {
            NodeData::Text { start, end } => Some(&self.text[start as usize..end as usize]),
            _ => None,
        }
    }

    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id.index()].parent.some()
    }

    pub(crate) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id.index()].first.some()
    }

    pub(crate) fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id.index()].next.some()
    }

    /// The counter for work that is not a step of a walk.
    pub(crate) fn work(&self) -> &WorkCounter {
        &self.work
    }

    fn steps<'t>(
        &'t self,
        first: Option<NodeId>,
        next: impl Fn(NodeId) -> Option<NodeId> + 't,
    ) -> impl Iterator<Item = NodeId> + 't {
        std::iter::successors(first, move |&id| next(id)).take_while(|_| self.work.step())
    }

    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.steps(self.first_child(id), |child| self.next_sibling(child))
    }

    /// The following siblings, nearest first.
    pub(crate) fn siblings_after(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.steps(self.next_sibling(id), |id| self.next_sibling(id))
    }

    /// The preceding siblings, nearest first.
    pub(crate) fn siblings_before(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let before = |id: NodeId| self.nodes[id.index()].prev.some();
        self.steps(before(id), before)
    }

    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.steps(self.parent(id), |id| self.parent(id))
    }

    /// Walks over `top` and its descendants in document order; ends early if no work is left.
    pub(crate) fn walk(&self, top: NodeId) -> Walk<'_> {
        Walk { tree: self, top, next: Some(Visit::Enter(top)) }
    }

    /// `top` and its descendants in document order.
    pub(crate) fn descendants(&self, top: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.walk(top).filter_map(|step| match step {
            Visit::Enter(id) => Some(id),
            Visit::Leave(_) => None,
        })
    }
}

/// A depth-first walk without recursion: `Enter`, the descendants unless they are skipped, `Leave`.
pub(crate) struct Walk<'t> {
    tree: &'t Tree,
    top: NodeId,
    next: Option<Visit>,
}

impl Walk<'_> {
    /// Call it directly after `Enter(id)`: the next step is `Leave(id)`.
    #[inline]
    pub(crate) fn skip_children(&mut self, id: NodeId) {
        self.next = Some(Visit::Leave(id));
    }
}

impl Iterator for Walk<'_> {
    type Item = Visit;

    #[inline]
    fn next(&mut self) -> Option<Visit> {
        let now = self.next.filter(|_| self.tree.work.step())?;
        self.next = match now {
            Visit::Enter(id) => Some(self.tree.first_child(id).map_or(Visit::Leave(id), Visit::Enter)),
            Visit::Leave(id) if id == self.top => None,
            Visit::Leave(id) => match self.tree.next_sibling(id) {
                Some(next) => Some(Visit::Enter(next)),
                None => self.tree.parent(id).map(Visit::Leave),
            },
        };
        Some(now)
    }
}
