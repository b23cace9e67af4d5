//! Changes to a tree: adds, moves and unlinks nodes.

use html5ever::tree_builder::NodeOrText;
use html5ever::{QualName, local_name, ns};

use super::arena::Tree;
use super::node::{Element, Node, NodeData, NodeId};
use super::tag::Tag;

impl Tree {
    pub(super) fn add(&mut self, data: NodeData) -> NodeId {
        let id =
            NodeId(u32::try_from(self.nodes.len()).expect("a page has fewer bytes, and so fewer nodes, than u32::MAX"));
        let [parent, prev, next, first, last] = [NodeId::NONE; 5];
        self.nodes.push(Node { parent, prev, next, first, last, data });
        id
    }

    fn add_text(&mut self, text: &str) -> NodeId {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.add(NodeData::Text { start, end: self.text.len() as u32 })
    }

    /// Appends to a text node if it is the last in the text. Returns false otherwise.
    fn extend_text(&mut self, id: NodeId, more: &str) -> bool {
        let written = self.text.len() as u32;
        let Some(Node { data: NodeData::Text { end, .. }, .. }) = self.nodes.get_mut(id.index()) else { return false };
        if *end != written {
            return false;
        }
        self.text.push_str(more);
        *end = self.text.len() as u32;
        true
    }

    pub(super) fn append(&mut self, parent: NodeId, child: NodeOrText<NodeId>) {
        let child = match child {
            NodeOrText::AppendNode(NodeId::NONE) => return,
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) => {
                let last = self.nodes[parent.index()].last;
                if self.extend_text(last, &text) {
                    return;
                }
                self.add_text(&text)
            }
        };
        self.link(parent, NodeId::NONE, child);
    }

    pub(super) fn insert_before(&mut self, sibling: NodeId, child: NodeOrText<NodeId>) {
        let Node { parent, prev, .. } = self.nodes[sibling.index()];
        if parent == NodeId::NONE {
            return;
        }
        let child = match child {
            NodeOrText::AppendNode(NodeId::NONE) => return,
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) if self.extend_text(prev, &text) => return,
            NodeOrText::AppendText(text) => self.add_text(&text),
        };
        self.link(parent, sibling, child);
    }

    /// Makes `child` a child of `parent`, before `next`, or the last child if `next` is [`NodeId::NONE`].
    pub(super) fn link(&mut self, parent: NodeId, next: NodeId, child: NodeId) {
        self.work.step();
        self.unlink(child);
        let prev = match next {
            NodeId::NONE => std::mem::replace(&mut self.nodes[parent.index()].last, child),
            next => std::mem::replace(&mut self.nodes[next.index()].prev, child),
        };
        match prev {
            NodeId::NONE => self.nodes[parent.index()].first = child,
            prev => self.nodes[prev.index()].next = child,
        }
        let node = &mut self.nodes[child.index()];
        (node.parent, node.prev, node.next) = (parent, prev, next);
    }

    /// Moves `child` to the end of `parent`'s children.
    pub(crate) fn append_child(&mut self, parent: NodeId, child: NodeId) {
        self.link(parent, NodeId::NONE, child);
    }

    /// Adds an empty `<div>` as the last child of `parent`.
    pub(crate) fn add_div(&mut self, parent: NodeId) -> NodeId {
        let name = QualName::new(None, ns!(html), local_name!("div"));
        let div = self.add(NodeData::Element(Element { tag: Tag::Div, name, attrs: Vec::new() }));
        self.append_child(parent, div);
        div
    }

    /// Replaces a node and its descendants by a text node with one space.
    pub(crate) fn replace_with_space(&mut self, id: NodeId) {
        if !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        let end = self.text.len() as u32;
        let node = &mut self.nodes[id.index()];
        (node.first, node.last) = (NodeId::NONE, NodeId::NONE);
        node.data = NodeData::Text { start: end - 1, end };
    }

    /// Removes a node and its descendants from the page.
    pub(crate) fn unlink(&mut self, id: NodeId) {
        let Node { parent, prev, next, .. } = self.nodes[id.index()];
        if parent == NodeId::NONE {
            return;
        }
        match prev {
            NodeId::NONE => self.nodes[parent.index()].first = next,
            prev => self.nodes[prev.index()].next = next,
        }
        match next {
            NodeId::NONE => self.nodes[parent.index()].last = prev,
            next => self.nodes[next.index()].prev = prev,
        }
        let node = &mut self.nodes[id.index()];
        (node.parent, node.prev, node.next) = (NodeId::NONE, NodeId::NONE, NodeId::NONE);
    }
}
