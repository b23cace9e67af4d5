//! The inline content of a block, collected before it is written: text, and where styles, links and code begin and end.

use std::borrow::Cow;

use crate::tree::NodeId;

/// Styles and links that are nested deeper are dropped.
const MAX_OPEN: usize = 16;
/// Nested styles of the same kind; further ones are dropped.
const MAX_SAME: usize = 3;
/// Items that are examined for a line break at the end.
const EXAMINED_ITEMS: usize = 8;

/// A style that Markdown, or HTML in Markdown, can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InlineStyle {
    Emphasis,
    Strong,
    Strikethrough,
    Subscript,
    Superscript,
}

/// An item of inline content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Inline<'t> {
    /// As on the page: white space not collapsed, nothing escaped.
    Text(&'t str),
    Open(InlineStyle),
    Close(InlineStyle),
    LinkOpen(NodeId),
    LinkClose(NodeId),
    Image(NodeId),
    Code(Cow<'t, str>),
    /// Written unchanged.
    Raw(Cow<'t, str>),
    /// `<br>`.
    Break,
    /// The start or end of a block that is written inline.
    Boundary,
}

/// A style or link that is open, and is reopened in the next block if one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenInline {
    Style(InlineStyle),
    Link {
        anchor: NodeId,
        /// Only the first visible block becomes a link.
        once: bool,
    },
    /// Open on the page, but not written.
    Dropped,
}

/// The inline content of the current block.
#[derive(Default)]
pub(super) struct InlineBuffer<'t> {
    pub(super) items: Vec<Inline<'t>>,
    open: Vec<OpenInline>,
    /// At least one item is visible.
    pub(super) visible: bool,
    /// The whole block is strong, so strong text in it is not marked.
    all_strong: bool,
}

impl<'t> InlineBuffer<'t> {
    /// `is_visible`: the text is not only white space.
    pub(super) fn text(&mut self, text: &'t str, is_visible: bool) {
        self.visible |= is_visible;
        if is_visible || !self.items.is_empty() {
            self.items.push(Inline::Text(text));
        }
    }

    pub(super) fn push_visible(&mut self, item: Inline<'t>) {
        self.visible = true;
        self.items.push(item);
    }

    pub(super) fn boundary(&mut self) {
        if !matches!(self.items.last(), None | Some(Inline::Boundary)) {
            self.items.push(Inline::Boundary);
        }
    }

    /// Whether the last item that is not white space is a line break.
    pub(super) fn ends_with_break(&self) -> bool {
        let blank = |item: &&Inline| matches!(item, Inline::Text(text) if text.trim().is_empty());
        matches!(self.items.iter().rev().take(EXAMINED_ITEMS).find(|item| !blank(item)), Some(Inline::Break))
    }

    pub(super) fn is_in_link(&self) -> bool {
        self.open.iter().any(|open| matches!(open, OpenInline::Link { .. }))
    }

    pub(super) fn open(&mut self, inline: OpenInline) {
        let same = self.open.iter().filter(|&&open| open == inline).count();
        let is_redundant = self.all_strong && inline == OpenInline::Style(InlineStyle::Strong);
        let is_written = self.open.len() < MAX_OPEN && same < MAX_SAME && !is_redundant;
        let inline = if is_written { inline } else { OpenInline::Dropped };
        self.open.push(inline);
        self.push_open(inline);
    }

    pub(super) fn open_all_strong(&mut self) {
        self.open(OpenInline::Style(InlineStyle::Strong));
        self.all_strong = true;
    }

    pub(super) fn close_all_strong(&mut self) {
        self.all_strong = false;
        self.close();
    }

    /// Closes what was opened last.
    pub(super) fn close(&mut self) {
        if let Some(inline) = self.open.pop() {
            self.push_close(inline);
        }
    }

    fn push_open(&mut self, inline: OpenInline) {
        match inline {
            // A style that ends here continues.
            OpenInline::Style(style) if self.items.last() == Some(&Inline::Close(style)) => drop(self.items.pop()),
            OpenInline::Style(style) => self.items.push(Inline::Open(style)),
            OpenInline::Link { anchor, .. } => self.items.push(Inline::LinkOpen(anchor)),
            OpenInline::Dropped => {}
        }
    }

    fn push_close(&mut self, inline: OpenInline) {
        match inline {
            OpenInline::Style(style) => self.items.push(Inline::Close(style)),
            OpenInline::Link { anchor, .. } => self.items.push(Inline::LinkClose(anchor)),
            OpenInline::Dropped => {}
        }
    }

    /// Closes whatever is open at the end of a block.
    pub(super) fn end_block(&mut self) {
        for index in (0..self.open.len()).rev() {
            self.push_close(self.open[index]);
        }
    }

    /// Starts the next block and reopens what is open.
    pub(super) fn next_block(&mut self) {
        let was_visible = std::mem::take(&mut self.visible);
        self.items.clear();
        for index in 0..self.open.len() {
            if was_visible && matches!(self.open[index], OpenInline::Link { once: true, .. }) {
                self.open[index] = OpenInline::Dropped;
            }
            self.push_open(self.open[index]);
        }
    }
}

/// For each item that opens a style, the item that closes it; empty if there are no styles.
pub(super) fn style_ends(items: &[Inline]) -> Vec<usize> {
    if !items.iter().any(|item| matches!(item, Inline::Open(_))) {
        return Vec::new();
    }
    let mut ends = vec![items.len(); items.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item {
            Inline::Open(_) => open.push(index),
            Inline::Close(_) => {
                if let Some(start) = open.pop() {
                    ends[start] = index;
                }
            }
            _ => {}
        }
    }
    ends
}
