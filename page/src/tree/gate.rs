//! Stands between the tokenizer and the tree builder, and turns away what would make building the tree expensive.
//!
//! html5ever looks through its stack of open elements and its list of formatting elements at nearly every tag, so a page
//! that nests n tags costs n². Beyond a depth, start tags are dropped here together with as many end tags of that name;
//! the text between them passes. Comments and parse errors never reach the tree.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use html5ever::tokenizer::{Tag as TagToken, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::{Tracer, TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, local_name};

use super::sink::{MAX_ATTRIBUTES, Sink};
use super::{Id, Tree};

pub(super) struct Gate {
    builder: TreeBuilder<Id, Sink>,
    max_depth: usize,
    max_nodes: usize,
    /// Start tags that may pass before the depth is counted again.
    free: Cell<usize>,
    dropped: RefCell<HashMap<LocalName, usize>>,
    full: Cell<bool>,
}

impl Gate {
    pub(super) fn new(sink: Sink, max_depth: usize, max_nodes: usize) -> Self {
        let options = TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() };
        let builder = TreeBuilder::new(sink, options);
        Self { builder, max_depth, max_nodes, free: Cell::new(0), dropped: RefCell::default(), full: Cell::new(false) }
    }

    /// The page has as many nodes as it may have; nothing passes any more.
    pub(super) fn is_full(&self) -> bool {
        self.full.get()
    }

    pub(super) fn into_tree(self) -> Tree {
        self.builder.sink.into_tree()
    }

    fn admits(&self, tag: &mut TagToken) -> bool {
        match tag.kind {
            TagKind::EndTag => self.admits_end(&tag.name),
            TagKind::StartTag => {
                tag.attrs.truncate(MAX_ATTRIBUTES);
                let admitted = opens_nothing(&tag.name) || self.has_room();
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

    /// False from the moment that the tree holds as many nodes as it may.
    fn has_nodes_left(&self) -> bool {
        let left = self.builder.sink.len() < self.max_nodes;
        self.full.set(!left);
        left
    }

    fn has_room(&self) -> bool {
        if let Some(free) = self.free.get().checked_sub(1) {
            self.free.set(free);
            return true;
        }
        let count = Count::default();
        self.builder.trace_handles(&count);
        let room = self.max_depth.saturating_sub(count.0.get());
        self.free.set((room / 8).min(31));
        room > 0
    }
}

impl TokenSink for Gate {
    type Handle = Id;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<Id> {
        if self.full.get() {
            return TokenSinkResult::Continue;
        }
        let passes = match &mut token {
            Token::ParseError(_) | Token::CommentToken(_) => false,
            Token::TagToken(tag) => self.has_nodes_left() && self.admits(tag),
            _ => true,
        };
        if !passes {
            return TokenSinkResult::Continue;
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

/// Counts what the tree builder looks through: open elements and formatting elements.
#[derive(Default)]
struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = Id;

    fn trace_handle(&self, _: &Id) {
        self.0.set(self.0.get() + 1);
    }
}

/// Void elements are closed at once. Those that hold raw text must pass, or what they hold would be read as markup.
fn opens_nothing(name: &LocalName) -> bool {
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
