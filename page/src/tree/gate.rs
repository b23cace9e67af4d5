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
use crate::budget::Work;

/// A page may have so many attributes for each node that it may have: a formatting element that is opened again in every
/// paragraph brings all of its own each time.
const ATTRIBUTES_A_NODE: usize = 4;
/// Entries of a list that are looked at for one unit of work.
const ENTRIES_A_UNIT: usize = 16;

pub(super) struct Gate {
    builder: TreeBuilder<Id, Sink>,
    max_depth: usize,
    max_nodes: usize,
    work: Work,
    /// How deep the page was when that was last counted.
    depth: Cell<usize>,
    /// Nothing has passed since there was no room.
    shut: Cell<bool>,
    /// A token has come since this was last asked.
    moved: Cell<bool>,
    /// Start tags that may pass before the depth is counted again.
    free: Cell<usize>,
    dropped: RefCell<HashMap<LocalName, usize>>,
    full: Cell<bool>,
}

impl Gate {
    pub(super) fn new(sink: Sink, max_depth: usize, max_nodes: usize) -> Self {
        let options = TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() };
        let work = sink.work();
        Self {
            builder: TreeBuilder::new(sink, options),
            max_depth,
            max_nodes,
            work,
            depth: Cell::new(0),
            shut: Cell::new(false),
            moved: Cell::new(false),
            free: Cell::new(0),
            dropped: RefCell::default(),
            full: Cell::new(false),
        }
    }

    /// The page has as many nodes as it may have; nothing passes any more.
    pub(super) fn is_full(&self) -> bool {
        self.full.get()
    }

    /// Whether a token has come since this was last asked.
    pub(super) fn has_moved(&self) -> bool {
        self.moved.replace(false)
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
        let Self { builder: TreeBuilder { sink, .. }, max_nodes, .. } = self;
        let left = sink.len() < *max_nodes && sink.attributes() / ATTRIBUTES_A_NODE < *max_nodes;
        self.full.set(!left);
        left
    }

    fn has_room(&self) -> bool {
        if let Some(free) = self.free.get().checked_sub(1) {
            self.free.set(free);
            return true;
        }
        if self.shut.get() {
            return false;
        }
        let count = Count::default();
        self.builder.trace_handles(&count);
        let depth = count.0.get();
        self.depth.set(depth);
        self.work.spend(depth / ENTRIES_A_UNIT);
        let room = self.max_depth.saturating_sub(depth);
        self.free.set((room / 8).min(31));
        self.shut.set(room == 0);
        room > 0
    }

    /// What the tokenizer and the tree builder do for a tag: they compare each of its attributes with those before it,
    /// and look through what is open.
    fn count(&self, tag: &TagToken) {
        self.work.spend(1 + (tag.attrs.len() * tag.attrs.len() + self.depth.get()) / ENTRIES_A_UNIT);
    }
}

impl TokenSink for Gate {
    type Handle = Id;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<Id> {
        self.moved.set(true);
        if self.full.get() {
            return TokenSinkResult::Continue;
        }
        if let Token::TagToken(tag) = &token {
            self.count(tag);
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
            self.shut.set(false);
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
