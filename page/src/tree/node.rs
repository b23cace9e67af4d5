//! The nodes of a page.

use html5ever::{Attribute, QualName};

use super::tag::Tag;

/// The index of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(pub(super) u32);

impl NodeId {
    pub(crate) const NONE: Self = Self(u32::MAX);
    pub(crate) const ROOT: Self = Self(0);

    /// `None` for [`NodeId::NONE`].
    #[inline]
    pub(crate) fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node and its links to its neighbours.
pub(super) struct Node {
    pub(super) parent: NodeId,
    pub(super) prev: NodeId,
    pub(super) next: NodeId,
    pub(super) first: NodeId,
    pub(super) last: NodeId,
    pub(super) data: NodeData,
}

/// What a node is.
pub(crate) enum NodeData {
    Document,
    Element(Element),
    /// A byte range of the text that the tree stores.
    Text {
        start: u32,
        end: u32,
    },
}

/// An element with its full name and attributes, so that selectors can match it.
pub(crate) struct Element {
    pub(crate) tag: Tag,
    pub(crate) name: QualName,
    pub(crate) attrs: Vec<Attribute>,
}

impl Element {
    /// The value of an attribute, unchanged.
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|attr| &*attr.name.local == name).map(|attr| &*attr.value)
    }
}
