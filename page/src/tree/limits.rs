//! Limits the depth, the nodes and the attributes of a page between the tokenizer and the tree builder.
//!
//! html5ever searches its stack of open elements and its list of formatting elements at nearly every tag, so n nested
//! tags cost n². Beyond the depth limit, start tags are dropped together with the same number of end tags of that name;
//! text passes. Comments and parse errors are dropped too.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use html5ever::tokenizer::{Tag as TagToken, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::{Tracer, TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, local_name};

use super::arena::Tree;
use super::node::NodeId;
use super::sink::{ArenaSink, MAX_ATTRIBUTES};
use crate::budget::WorkCounter;

/// Attributes that count as one node for the node limit. A formatting element that the parser reopens in every paragraph
/// repeats all its attributes.
const ATTRIBUTES_PER_NODE: usize = 2;
/// List entries that html5ever examines at the cost of one step.
const ENTRIES_PER_STEP: usize = 16;

/// A tree builder that receives only the tokens within the limits.
pub(super) struct LimitedTreeBuilder {
    builder: TreeBuilder<NodeId, ArenaSink>,
    max_depth: usize,
    max_nodes: usize,
    work: WorkCounter,
    /// The depth when it was last counted.
    depth: Cell<usize>,
    /// The depth limit was reached and no tag has passed since.
    at_max_depth: Cell<bool>,
    token_seen: Cell<bool>,
    /// Start tags that may pass before the depth is counted again.
    unchecked_tags: Cell<usize>,
    /// Start tags dropped by name, less their dropped end tags.
    dropped: RefCell<HashMap<LocalName, usize>>,
    full: Cell<bool>,
}

impl LimitedTreeBuilder {
    pub(super) fn new(sink: ArenaSink, max_depth: usize, max_nodes: usize) -> Self {
        let options = TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() };
        let work = sink.work();
        Self {
            builder: TreeBuilder::new(sink, options),
            max_depth,
            max_nodes,
            work,
            depth: Cell::new(0),
            at_max_depth: Cell::new(false),
            token_seen: Cell::new(false),
            unchecked_tags: Cell::new(0),
            dropped: RefCell::default(),
            full: Cell::new(false),
        }
    }

    /// Whether the node limit has been reached; no token passes any more.
    pub(super) fn is_full(&self) -> bool {
        self.full.get()
    }

    /// Whether a token has arrived since the last call.
    pub(super) fn take_token_seen(&self) -> bool {
        self.token_seen.replace(false)
    }

    pub(super) fn into_tree(self) -> Tree {
        self.builder.sink.into_tree()
    }

    fn admits(&self, tag: &mut TagToken) -> bool {
        match tag.kind {
            TagKind::EndTag => self.admits_end(&tag.name),
            TagKind::StartTag => {
                tag.attrs.truncate(MAX_ATTRIBUTES);
                let admitted = always_passes(&tag.name) || self.is_above_max_depth();
                if !admitted {
                    *self.dropped.borrow_mut().entry(tag.name.clone()).or_default() += 1;
                }
                admitted
            }
        }
    }

    fn admits_end(&self, name: &LocalName) -> bool {
        let mut dropped = self.dropped.borrow_mut();
        match dropped.get_mut(name) {
            Some(starts) if *starts > 0 => {
                *starts -= 1;
                false
            }
            _ => true,
        }
    }

    /// False once the tree has reached a limit on nodes or attributes.
    fn has_nodes_left(&self) -> bool {
        let Self { builder: TreeBuilder { sink, .. }, max_nodes, .. } = self;
        let left = sink.len() + sink.attributes() / ATTRIBUTES_PER_NODE < *max_nodes;
        self.full.set(!left);
        left
    }

    fn is_above_max_depth(&self) -> bool {
        if let Some(left) = self.unchecked_tags.get().checked_sub(1) {
            self.unchecked_tags.set(left);
            return true;
        }
        if self.at_max_depth.get() {
            return false;
        }
        let counter = HandleCounter::default();
        self.builder.trace_handles(&counter);
        let depth = counter.0.get();
        self.depth.set(depth);
        self.work.spend(depth / ENTRIES_PER_STEP);
        let left = self.max_depth.saturating_sub(depth);
        self.unchecked_tags.set((left / 8).min(31));
        self.at_max_depth.set(left == 0);
        left > 0
    }

    /// Counts the work of a tag: the tokenizer compares each pair of its attributes, the tree builder searches the open
    /// elements.
    fn count_work(&self, tag: &TagToken) {
        self.work.spend(1 + (tag.attrs.len() * tag.attrs.len() + self.depth.get()) / ENTRIES_PER_STEP);
    }
}

impl TokenSink for LimitedTreeBuilder {
    type Handle = NodeId;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<NodeId> {
        self.token_seen.set(true);
        if self.full.get() {
            return TokenSinkResult::Continue;
        }
        if let Token::TagToken(tag) = &token {
            self.count_work(tag);
        }
        let passes = match &mut token {
            Token::ParseError(_) | Token::CommentToken(_) => false,
            Token::TagToken(tag) => self.has_nodes_left() && self.admits(tag),
            _ => true,
        };
        if !passes {
            return TokenSinkResult::Continue;
        }
        if let Token::TagToken(_) = &token {
            self.at_max_depth.set(false);
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Counts the open elements and formatting elements of the tree builder.
#[derive(Default)]
struct HandleCounter(Cell<usize>);

impl Tracer for HandleCounter {
    type Handle = NodeId;

    fn trace_handle(&self, _: &NodeId) {
        self.0.set(self.0.get() + 1);
    }
}

/// Void elements do not add depth. Raw text elements must pass, or their text would be parsed as markup.
fn always_passes(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("area")
            | local_name!("base")
            | local_name!("br")
            | local_name!("col")
            | local_name!("hr")
            | local_name!("iframe")
            | local_name!("img")
            | local_name!("input")
            | local_name!("link")
            | local_name!("meta")
            | local_name!("noembed")
            | local_name!("noframes")
            | local_name!("plaintext")
            | local_name!("script")
            | local_name!("source")
            | local_name!("style")
            | local_name!("textarea")
            | local_name!("title")
            | local_name!("track")
            | local_name!("wbr")
            | local_name!("xmp")
    )
}
