//! The state of the inline writer, deferred items, and line ends.

use crate::markdown::citations::CitationEdits;
use crate::markdown::escape;
use crate::markdown::inlines::{Inline, style_ends};
use crate::markdown::page_source::PageSource;
use crate::tree::NodeId;

/// The block that inline content belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::markdown) enum LineContext {
    Paragraph {
        /// The paragraph is the first block of a list item.
        first_of_item: bool,
    },
    Heading,
    Cell,
}

/// The white space before the next visible item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    Break,
}

/// A style whose start has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenStyle {
    /// The item that opens it.
    pub(super) item: usize,
    /// The position of its delimiter.
    pub(super) at: usize,
    /// The character of its delimiter.
    pub(super) delimiter: char,
    /// The character before it and the styles that begin directly before it.
    pub(super) before: char,
}

/// A style that was just closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosedStyle {
    /// The position after its delimiter.
    pub(super) at: usize,
    pub(super) delimiter: char,
    /// The character before it and the delimiters of the same character directly before it.
    pub(super) last: char,
}

/// A link whose `[` has been written.
pub(super) struct OpenLink {
    pub(super) anchor: NodeId,
    /// The position of its `[`.
    pub(super) at: usize,
    /// Its `[` in the citation edits.
    pub(super) edit: usize,
}

pub(super) struct InlineWriter<'a, 't> {
    pub(super) out: &'a mut String,
    pub(super) edits: &'a mut CitationEdits,
    pub(super) source: PageSource<'t>,
    pub(super) items: &'a [Inline<'t>],
    /// For each item that opens a style, the item that closes it; empty if there are no styles.
    pub(super) style_ends: Vec<usize>,
    pub(super) context: LineContext,
    prefix: &'a str,
    pub(super) gap: Gap,
    /// Nothing visible is on the current line.
    is_line_empty: bool,
    /// Items that open styles and links, written before the next visible item.
    pub(super) deferred: Vec<usize>,
    pub(super) open_styles: Vec<OpenStyle>,
    pub(super) closed_style: Option<ClosedStyle>,
    pub(super) open_links: Vec<OpenLink>,
    pub(super) line_start: usize,
    /// From this position on there is only escaped text.
    pub(super) plain_from: usize,
    /// The position after the last unescaped `]` in text.
    pub(super) bracket_end: usize,
    /// The position after the last link.
    pub(super) link_end: usize,
    /// The line begins with a task's check box.
    is_task: bool,
}

impl<'a, 't> InlineWriter<'a, 't> {
    pub(super) fn new(
        out: &'a mut String,
        prefix: &'a str,
        edits: &'a mut CitationEdits,
        source: PageSource<'t>,
        items: &'a [Inline<'t>],
        context: LineContext,
    ) -> Self {
        let start = out.len();
        Self {
            out,
            edits,
            source,
            items,
            style_ends: style_ends(items),
            context,
            prefix,
            gap: Gap::None,
            is_line_empty: true,
            deferred: Vec::new(),
            open_styles: Vec::new(),
            closed_style: None,
            open_links: Vec::new(),
            line_start: start,
            plain_from: start,
            bracket_end: usize::MAX,
            link_end: usize::MAX,
            is_task: false,
        }
    }
}

impl InlineWriter<'_, '_> {
    pub(super) fn widen_gap(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// The character before the next item, as CommonMark sees it at a delimiter.
    pub(super) fn before(&self) -> char {
        match self.gap {
            Gap::None if self.out.len() > self.line_start => self.out.chars().next_back().unwrap_or(' '),
            _ => ' ',
        }
    }

    /// The first character after an item; closing styles are skipped.
    pub(super) fn after(&self, index: usize) -> char {
        let mut following = self.items[index + 1..].iter();
        match following.find(|item| !matches!(item, Inline::Close(_))) {
            Some(Inline::Text(text)) => match text.chars().next() {
                Some(c) if escape::is_space(c) => ' ',
                Some(c) => c,
                None => ' ',
            },
            Some(Inline::Open(_)) => '*',
            Some(Inline::LinkOpen(_)) => '[',
            Some(Inline::LinkClose(_)) => ']',
            Some(Inline::Image(_)) => '!',
            Some(Inline::Code(_)) => '`',
            Some(Inline::Raw(raw)) => raw.chars().next().unwrap_or(' '),
            Some(Inline::Break | Inline::Boundary | Inline::Close(_)) | None => ' ',
        }
    }

    /// Writes the deferred white space, styles and links before the character `next`. Returns false if the styles
    /// cannot begin before it; they remain deferred and may begin after it.
    pub(super) fn write_deferred(&mut self, next: char, is_text: bool) -> bool {
        if self.gap == Gap::None && self.deferred.is_empty() {
            self.is_line_empty = false;
            return true;
        }
        if self.is_line_empty {
            self.gap = Gap::None;
        }
        let can_open = self.deferred.is_empty() || self.can_open_styles(next, is_text);
        self.write_gap();
        if can_open && !self.deferred.is_empty() {
            self.open_deferred();
        }
        self.is_line_empty = false;
        can_open
    }

    fn write_gap(&mut self) {
        match std::mem::replace(&mut self.gap, Gap::None) {
            Gap::None => return,
            Gap::Space => self.out.push(' '),
            Gap::Break if self.context == LineContext::Cell => self.out.push_str("<br>"),
            Gap::Break => {
                self.finish_line();
                self.out.push_str("  \n");
                self.out.push_str(self.prefix);
                self.line_start = self.out.len();
                self.context = match self.context {
                    LineContext::Paragraph { .. } => LineContext::Paragraph { first_of_item: false },
                    context => context,
                };
            }
        }
        self.plain_from = self.out.len();
    }

    /// Escapes the start of the line if it would be read as a list, a heading, a quote, …
    pub(super) fn finish_line(&mut self) {
        if let LineContext::Paragraph { first_of_item } = self.context {
            let may_be_task = first_of_item && !self.is_task;
            if let Some(at) = escape::line_start_escape(&self.out[self.line_start..], may_be_task) {
                let at = self.line_start + at;
                self.out.insert(at, '\\');
                self.edits.shift(at, 1);
                self.positions().filter(|position| **position >= at).for_each(|position| *position += 1);
            }
        }
    }

    /// Adjusts all stored positions to the removal of `count` bytes at `from`.
    pub(super) fn adjust_to_removal(&mut self, from: usize, count: usize) {
        self.positions()
            .filter(|position| **position > from)
            .for_each(|position| *position = from.max(position.saturating_sub(count)));
    }

    /// All stored positions in the text, including those of styles and links that began on an earlier line.
    fn positions(&mut self) -> impl Iterator<Item = &mut usize> {
        let links = self.open_links.iter_mut().map(|link| &mut link.at);
        let open = self.open_styles.iter_mut().map(|open| &mut open.at);
        let closed = self.closed_style.iter_mut().map(|closed| &mut closed.at);
        let own = [&mut self.line_start, &mut self.plain_from, &mut self.bracket_end, &mut self.link_end];
        links.chain(open).chain(closed).chain(own).filter(|position| **position != usize::MAX)
    }

    /// Writes text unchanged, except for the pipes in a cell.
    pub(super) fn raw(&mut self, raw: &str) {
        self.write_deferred(raw.chars().next().unwrap_or(' '), false);
        self.is_task |= raw.starts_with('[') && self.out.len() == self.line_start;
        match self.context {
            LineContext::Cell => self.out.push_str(&raw.replace('|', "\\|")),
            _ => self.out.push_str(raw),
        }
        self.plain_from = self.out.len();
    }
}
