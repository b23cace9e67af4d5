//! A parsed page as a compact arena: one vector of nodes linked by index, one string that holds all text.
//!
//! Comments, processing instructions and the doctype are not kept. Elements keep their full names and attributes, so
//! that selectors can be matched on it.

mod gate;
mod parse;
mod sink;
mod tag;

use html5ever::{Attribute, QualName};

pub(crate) use parse::parse;
pub(crate) use tag::Tag;

use crate::budget::Work;

/// The index of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

impl Id {
    pub(crate) const NONE: Self = Self(u32::MAX);
    pub(crate) const ROOT: Self = Self(0);

    /// `None` for [`Id::NONE`].
    #[inline]
    pub(crate) fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

pub(crate) struct Node {
    parent: Id,
    prev: Id,
    next: Id,
    first: Id,
    last: Id,
    data: Data,
}

pub(crate) enum Data {
    Document,
    Element(Element),
    /// A range of the tree's text.
    Text {
        start: u32,
        end: u32,
    },
}

pub(crate) struct Element {
    pub(crate) tag: Tag,
    pub(crate) name: QualName,
    pub(crate) attrs: Vec<Attribute>,
}

impl Element {
    /// The attribute's value as it is written.
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|attr| &*attr.name.local == name).map(|attr| &*attr.value)
    }
}

#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    text: String,
    /// Every step over the tree is one of work.
    work: Work,
}

/// One step of a walk: an element or text is met, or an element with all it holds is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Enter(Id),
    Leave(Id),
}

impl Tree {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub(crate) fn data(&self, id: Id) -> &Data {
        &self.nodes[id.index()].data
    }

    /// `None` for text and the document.
    #[inline]
    pub(crate) fn element(&self, id: Id) -> Option<&Element> {
        match self.data(id) {
            Data::Element(element) => Some(element),
            _ => None,
        }
    }

    pub(crate) fn element_mut(&mut self, id: Id) -> Option<&mut Element> {
        match &mut self.nodes[id.index()].data {
            Data::Element(element) => Some(element),
            _ => None,
        }
    }

    /// [`Tag::Other`] for what is not an element.
    #[inline]
    pub(crate) fn tag(&self, id: Id) -> Tag {
        self.element(id).map_or(Tag::Other, |element| element.tag)
    }

    pub(crate) fn attr(&self, id: Id, name: &str) -> Option<&str> {
        self.element(id)?.attr(name)
    }

    /// `None` for what is not text.
    #[inline]
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match *self.data(id) {
            Data::Text { start, end } => Some(&self.text[start as usize..end as usize]),
            _ => None,
        }
    }

    pub(crate) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes[id.index()].parent.some()
    }

    pub(crate) fn first_child(&self, id: Id) -> Option<Id> {
        self.nodes[id.index()].first.some()
    }

    pub(crate) fn next_sibling(&self, id: Id) -> Option<Id> {
        self.nodes[id.index()].next.some()
    }

    /// What is spent on the tree beside the steps over it.
    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    fn steps<'t>(&'t self, first: Option<Id>, next: impl Fn(Id) -> Option<Id> + 't) -> impl Iterator<Item = Id> + 't {
        std::iter::successors(first, move |&id| next(id)).take_while(|_| self.work.step())
    }

    pub(crate) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.steps(self.first_child(id), |child| self.next_sibling(child))
    }

    /// The siblings after the node, itself excluded, the nearest first.
    pub(crate) fn siblings_after(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.steps(self.next_sibling(id), |id| self.next_sibling(id))
    }

    /// The nearest siblings before the node, itself excluded, the nearest first.
    pub(crate) fn siblings_before(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let before = |id: Id| self.nodes[id.index()].prev.some();
        self.steps(before(id), before)
    }

    pub(crate) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.steps(self.parent(id), |id| self.parent(id))
    }

    /// Walks over all that `top` holds, itself included, in the page's order, as long as there is work left to spend.
    pub(crate) fn walk(&self, top: Id) -> Walk<'_> {
        Walk { tree: self, top, next: Some(Step::Enter(top)) }
    }

    /// The nodes of the subtree of `top`, in the page's order.
    pub(crate) fn descendants(&self, top: Id) -> impl Iterator<Item = Id> + '_ {
        self.walk(top).filter_map(|step| match step {
            Step::Enter(id) => Some(id),
            Step::Leave(_) => None,
        })
    }
}

/// A walk without recursion. After `Enter` comes what the node holds, unless it is passed over, then its `Leave`.
pub(crate) struct Walk<'t> {
    tree: &'t Tree,
    top: Id,
    next: Option<Step>,
}

impl Walk<'_> {
    /// Called right after `Enter(id)`: what it holds is passed over; its `Leave` comes next.
    #[inline]
    pub(crate) fn pass_over(&mut self, id: Id) {
        self.next = Some(Step::Leave(id));
    }
}

impl Iterator for Walk<'_> {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        let now = self.next.filter(|_| self.tree.work.step())?;
        self.next = match now {
            Step::Enter(id) => Some(self.tree.first_child(id).map_or(Step::Leave(id), Step::Enter)),
            Step::Leave(id) if id == self.top => None,
            Step::Leave(id) => match self.tree.next_sibling(id) {
                Some(next) => Some(Step::Enter(next)),
                None => self.tree.parent(id).map(Step::Leave),
            },
        };
        Some(now)
    }
}
