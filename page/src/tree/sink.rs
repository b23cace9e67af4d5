//! Fills the arena as html5ever's tree builder says.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, LocalName, QualName, local_name, ns};

use super::{Data, Element, Id, Node, Tag, Tree};
use crate::budget::Work;

/// More attributes of one element than these are dropped.
pub(super) const MAX_ATTRIBUTES: usize = 256;

pub(super) struct Sink {
    tree: RefCell<Tree>,
    /// Of all elements together.
    attributes: Cell<usize>,
}

impl Sink {
    pub(super) fn with_room_for(bytes: usize, work: Work) -> Self {
        let mut tree = Tree { work, ..Tree::default() };
        tree.text.reserve((bytes / 2).min(1 << 20));
        tree.nodes.reserve((bytes / 24).min(1 << 16));
        tree.add(Data::Document);
        Self { tree: RefCell::new(tree), attributes: Cell::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.tree.borrow().len()
    }

    pub(super) fn attributes(&self) -> usize {
        self.attributes.get()
    }

    pub(super) fn work(&self) -> Work {
        self.tree.borrow().work.clone()
    }

    pub(super) fn into_tree(self) -> Tree {
        self.tree.into_inner()
    }
}

impl Tree {
    fn add(&mut self, data: Data) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).expect("a page has fewer bytes, so fewer nodes, than u32 holds"));
        let [parent, prev, next, first, last] = [Id::NONE; 5];
        self.nodes.push(Node { parent, prev, next, first, last, data });
        id
    }

    fn add_text(&mut self, text: &str) -> Id {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.add(Data::Text { start, end: self.text.len() as u32 })
    }

    /// Lengthens the text node, where it is the last that was written.
    fn lengthened(&mut self, id: Id, more: &str) -> bool {
        let written = self.text.len() as u32;
        let Some(Node { data: Data::Text { end, .. }, .. }) = self.nodes.get_mut(id.index()) else { return false };
        if *end != written {
            return false;
        }
        self.text.push_str(more);
        *end = self.text.len() as u32;
        true
    }

    fn append(&mut self, parent: Id, child: NodeOrText<Id>) {
        let child = match child {
            NodeOrText::AppendNode(Id::NONE) => return,
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) => {
                let last = self.nodes[parent.index()].last;
                if self.lengthened(last, &text) {
                    return;
                }
                self.add_text(&text)
            }
        };
        self.link(parent, Id::NONE, child);
    }

    fn insert_before(&mut self, sibling: Id, child: NodeOrText<Id>) {
        let Node { parent, prev, .. } = self.nodes[sibling.index()];
        if parent == Id::NONE {
            return;
        }
        let child = match child {
            NodeOrText::AppendNode(Id::NONE) => return,
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) if self.lengthened(prev, &text) => return,
            NodeOrText::AppendText(text) => self.add_text(&text),
        };
        self.link(parent, sibling, child);
    }

    /// Makes `child` a child of `parent`, before `next` or, where that is [`Id::NONE`], as the last.
    fn link(&mut self, parent: Id, next: Id, child: Id) {
        self.work.step();
        self.unlink(child);
        let prev = match next {
            Id::NONE => std::mem::replace(&mut self.nodes[parent.index()].last, child),
            next => std::mem::replace(&mut self.nodes[next.index()].prev, child),
        };
        match prev {
            Id::NONE => self.nodes[parent.index()].first = child,
            prev => self.nodes[prev.index()].next = child,
        }
        let node = &mut self.nodes[child.index()];
        (node.parent, node.prev, node.next) = (parent, prev, next);
    }

    /// Makes `child` the last child of `parent`, wherever it was.
    pub(crate) fn adopt(&mut self, parent: Id, child: Id) {
        self.link(parent, Id::NONE, child);
    }

    /// A new, empty `<div>` as the last child of `parent`.
    pub(crate) fn add_div(&mut self, parent: Id) -> Id {
        let name = QualName::new(None, ns!(html), local_name!("div"));
        let div = self.add(Data::Element(Element { tag: Tag::Div, name, attrs: Vec::new() }));
        self.adopt(parent, div);
        div
    }

    /// Takes the node, with all it holds, out of the page.
    pub(crate) fn unlink(&mut self, id: Id) {
        let Node { parent, prev, next, .. } = self.nodes[id.index()];
        if parent == Id::NONE {
            return;
        }
        match prev {
            Id::NONE => self.nodes[parent.index()].first = next,
            prev => self.nodes[prev.index()].next = next,
        }
        match next {
            Id::NONE => self.nodes[parent.index()].last = prev,
            next => self.nodes[next.index()].prev = prev,
        }
        let node = &mut self.nodes[id.index()];
        (node.parent, node.prev, node.next) = (Id::NONE, Id::NONE, Id::NONE);
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = Self;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        Id::ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| match &tree.nodes[target.index()].data {
            Data::Element(element) => &element.name,
            _ => unreachable!("the tree builder asks for the names of elements only"),
        })
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Id {
        self.attributes.set(self.attributes.get() + attrs.len());
        let tag = if name.ns == ns!(html) { Tag::of(&name.local) } else { Tag::foreign(&name.local) };
        self.tree.borrow_mut().add(Data::Element(Element { tag, name, attrs }))
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        Id::NONE
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        Id::NONE
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        self.tree.borrow_mut().append(*parent, child);
    }

    fn append_based_on_parent_node(&self, element: &Id, prev_element: &Id, child: NodeOrText<Id>) {
        let mut tree = self.tree.borrow_mut();
        match tree.parent(*element) {
            Some(_) => tree.insert_before(*element, child),
            None => tree.append(*prev_element, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// What a template holds are its children here.
    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, x: &Id, y: &Id) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, new_node: NodeOrText<Id>) {
        self.tree.borrow_mut().insert_before(*sibling, new_node);
    }

    fn add_attrs_if_missing(&self, target: &Id, attrs: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let Data::Element(element) = &mut tree.nodes[target.index()].data else { return };
        for attr in attrs {
            let known = |name: &LocalName| element.attrs.iter().any(|known| known.name.local == *name);
            if element.attrs.len() < MAX_ATTRIBUTES && !known(&attr.name.local) {
                element.attrs.push(attr);
            }
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.tree.borrow_mut().unlink(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        let mut tree = self.tree.borrow_mut();
        while let Some(child) = tree.first_child(*node) {
            tree.link(*new_parent, Id::NONE, child);
        }
    }
}
