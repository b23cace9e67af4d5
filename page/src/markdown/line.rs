//! Writes the pieces of one paragraph, heading or cell: spaces collapsed, marks where they work, links resolved.
//!
//! Spaces and marks are held back until something visible comes, so that no mark ever begins or ends with a space, and
//! what shows nothing leaves nothing.

use std::borrow::Cow;

use super::Source;
use super::citations::Notes;
use super::escape::{self, Class};
use super::marks::{Closed, Open};
use super::pieces::Piece;
use crate::tree::Id;
use crate::{media, plain};

/// Longer targets are not written.
const MAX_HREF: usize = 8192;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Paragraph {
        /// It is the first thing in a list item.
        first_of_item: bool,
    },
    Heading,
    Cell,
}

/// What stands before the next visible thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    Break,
}

struct OpenLink {
    anchor: Id,
    /// Where its `[` stands.
    at: usize,
    /// Its `[` among the notes.
    note: usize,
}

pub(super) struct Line<'a, 't> {
    pub(super) out: &'a mut String,
    pub(super) notes: &'a mut Notes,
    pub(super) source: Source<'t>,
    pub(super) pieces: &'a [Piece<'t>],
    /// For each mark, where it ends; empty where there are no marks.
    pub(super) ends: Vec<usize>,
    pub(super) place: Place,
    prefix: &'a str,
    pub(super) gap: Gap,
    /// The present line shows nothing yet.
    fresh: bool,
    /// Marks and links that begin with the next visible thing.
    pub(super) waiting: Vec<usize>,
    pub(super) open: Vec<Open>,
    pub(super) closed: Option<Closed>,
    links: Vec<OpenLink>,
    line_start: usize,
    /// From here on there is nothing but escaped text.
    pub(super) plain_from: usize,
    /// Where text with a bare `]` ended.
    bracket_end: usize,
    /// Where a link ended.
    link_end: usize,
    at_task: bool,
}

/// Appends what the pieces say. `prefix` begins each further line.
pub(super) fn write<'t>(
    out: &mut String,
    prefix: &str,
    notes: &mut Notes,
    source: Source<'t>,
    pieces: &[Piece<'t>],
    place: Place,
) {
    let start = out.len();
    let line = Line {
        out,
        notes,
        source,
        pieces,
        ends: super::marks::ends(pieces),
        place,
        prefix,
        gap: Gap::None,
        fresh: true,
        waiting: Vec::new(),
        open: Vec::new(),
        closed: None,
        links: Vec::new(),
        line_start: start,
        plain_from: start,
        bracket_end: usize::MAX,
        link_end: usize::MAX,
        at_task: false,
    };
    line.write();
}

impl<'t> Line<'_, 't> {
    fn write(mut self) {
        let pieces = self.pieces;
        let mut index = 0;
        while index < pieces.len() {
            match &pieces[index] {
                Piece::Text(text) => self.text(text, index),
                Piece::Open(_) | Piece::LinkOpen(_) => self.waiting.push(index),
                Piece::Close(mark) => self.close_mark(*mark, index),
                Piece::LinkClose(anchor) => self.close_link(*anchor),
                Piece::Image(image) => self.image(*image),
                Piece::Code(_) => index = self.code(index),
                Piece::Raw(raw) => self.raw(raw),
                Piece::Break => self.gap = self.gap.max(self.line_break()),
                Piece::Boundary => self.gap = self.gap.max(self.boundary()),
            }
            index += 1;
        }
        self.finish_line();
        if self.place == Place::Heading {
            escape::fix_heading_end(self.out, self.line_start);
        }
    }

    fn line_break(&self) -> Gap {
        if self.place == Place::Heading { Gap::Space } else { Gap::Break }
    }

    fn boundary(&self) -> Gap {
        if self.place == Place::Cell { Gap::Break } else { Gap::Space }
    }

    /// The character before what is written next, as marks see it.
    pub(super) fn before(&self) -> char {
        match self.gap {
            Gap::None if self.out.len() > self.line_start => self.out.chars().next_back().unwrap_or(' '),
            _ => ' ',
        }
    }

    /// The first character of what follows the piece; the ends of marks are looked through.
    pub(super) fn after(&self, index: usize) -> char {
        let mut rest = self.pieces[index + 1..].iter();
        let next = rest.find(|piece| !matches!(piece, Piece::Close(_)));
        match next {
            Some(Piece::Text(text)) => match text.chars().next() {
                Some(c) if escape::is_space(c) => ' ',
                Some(c) => c,
                None => ' ',
            },
            Some(Piece::Open(_)) => '*',
            Some(Piece::LinkOpen(_)) => '[',
            Some(Piece::LinkClose(_)) => ']',
            Some(Piece::Image(_)) => '!',
            Some(Piece::Code(_)) => '`',
            Some(Piece::Raw(raw)) => raw.chars().next().unwrap_or(' '),
            Some(Piece::Break | Piece::Boundary | Piece::Close(_)) | None => ' ',
        }
    }

    /// Writes what was held back. `next` is the character that comes now. False where the marks cannot begin before it,
    /// but might after it.
    fn lead_in(&mut self, next: char, is_text: bool) -> bool {
        if self.gap == Gap::None && self.waiting.is_empty() {
            self.fresh = false;
            return true;
        }
        if self.fresh {
            self.gap = Gap::None;
        }
        let ready = self.waiting.is_empty() || self.may_begin(next, is_text);
        self.write_gap();
        if ready && !self.waiting.is_empty() {
            self.begin_waiting();
        }
        self.fresh = false;
        ready
    }

    fn write_gap(&mut self) {
        match std::mem::replace(&mut self.gap, Gap::None) {
            Gap::None => return,
            Gap::Space => self.out.push(' '),
            Gap::Break if self.place == Place::Cell => self.out.push_str("<br>"),
            Gap::Break => {
                self.finish_line();
                self.out.push_str("  \n");
                self.out.push_str(self.prefix);
                self.line_start = self.out.len();
                self.place = match self.place {
                    Place::Paragraph { .. } => Place::Paragraph { first_of_item: false },
                    place => place,
                };
            }
        }
        self.plain_from = self.out.len();
    }

    /// Text at the beginning of the line that would be taken for a list, a heading, a quote… is escaped.
    fn finish_line(&mut self) {
        if let Place::Paragraph { first_of_item } = self.place {
            let task = first_of_item && !self.at_task;
            if let Some(at) = escape::line_start_escape(&self.out[self.line_start..], task) {
                self.out.insert(self.line_start + at, '\\');
                self.notes.shift(self.line_start + at, 1);
            }
        }
    }

    fn text(&mut self, text: &str, index: usize) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if escape::class(bytes[at]) == Class::Space {
                self.gap = self.gap.max(Gap::Space);
                at += 1;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            if escape::is_space(c) || escape::is_nothing(c) {
                if escape::is_space(c) {
                    self.gap = self.gap.max(Gap::Space);
                }
                at += c.len_utf8();
                continue;
            }
            let ready = self.lead_in(c, true);
            let end = if ready { escape::plain_end(bytes, at) } else { at };
            if end > at {
                self.out.push_str(&text[at..end]);
                at = end;
            } else {
                let rest = &text[at + c.len_utf8()..];
                let next = rest.chars().next().unwrap_or_else(|| self.after(index));
                self.special(c, next, rest);
                at += c.len_utf8();
            }
        }
    }

    /// One character that may mean something to Markdown.
    fn special(&mut self, c: char, next: char, rest: &str) {
        let before = self.out.chars().next_back().unwrap_or(' ');
        let alone = escape::is_space(before) && escape::is_space(next);
        let escaped = match c {
            '\\' => next.is_ascii_punctuation() || next.is_whitespace(),
            '`' => true,
            '*' => !alone,
            '_' => !alone && !(before.is_alphanumeric() && next.is_alphanumeric()),
            '[' | ']' => !self.links.is_empty(),
            '(' => self.bracket_end == self.out.len(),
            '<' => self.source.options.escape_html && (next.is_ascii_alphabetic() || "/!?".contains(next)),
            '&' => escape::is_entity(rest),
            '~' => next == '~' || before == '~',
            '|' => self.place == Place::Cell,
            _ => false,
        };
        if escaped {
            self.out.push('\\');
        }
        self.out.push(c);
        if c == ']' && !escaped {
            self.bracket_end = self.out.len();
        }
    }

    fn raw(&mut self, raw: &str) {
        self.lead_in(raw.chars().next().unwrap_or(' '), false);
        self.at_task |= raw.starts_with('[') && self.out.len() == self.line_start;
        self.out.push_str(raw);
        self.plain_from = self.out.len();
    }

    /// Code that stands side by side is one span. Returns the last piece that it wrote.
    fn code(&mut self, index: usize) -> usize {
        let mut code = Cow::Borrowed("");
        let mut last = index;
        for (at, piece) in self.pieces.iter().enumerate().skip(index) {
            let Piece::Code(more) = piece else { break };
            code = if code.is_empty() { more.clone() } else { code + more.as_ref() };
            last = at;
        }
        if !code.is_empty() {
            self.lead_in('`', false);
            super::code::write_span(&code, self.place == Place::Cell, self.out);
            self.plain_from = self.out.len();
        }
        last
    }

    fn image(&mut self, image: Id) {
        let Source { tree, base, .. } = self.source;
        let alt = tree.attr(image, "alt").unwrap_or_default();
        let Some(src) = media::source(tree, image) else {
            // Without its image, a link would be lost.
            if !self.links.is_empty() || !self.waiting.is_empty() {
                self.text(alt, self.pieces.len() - 1);
            }
            return;
        };
        self.lead_in('!', false);
        self.out.push_str("![");
        let start = self.out.len();
        escape::push_label(alt, self.out);
        let label = plain::collapsed(alt);
        let end = self.out.len();
        let target = base.shown(src);
        self.write_target(&target, tree.attr(image, "title"));
        if self.source.options.citations {
            self.notes.image(start..end, self.out.len(), &target, &label);
        }
        self.plain_from = self.out.len();
    }

    /// `](target "title")`.
    fn write_target(&mut self, target: &str, title: Option<&str>) {
        self.out.push_str("](");
        let title = title.map(plain::collapsed).filter(|title| !title.is_empty());
        escape::push_target(target, title.is_some(), self.place == Place::Cell, self.out);
        if let Some(title) = title {
            escape::push_title(&title, self.place == Place::Cell, self.out);
        }
        self.out.push(')');
    }

    /// Writes the `[` of a link that waited.
    pub(super) fn begin_link(&mut self, anchor: Id) {
        if self.link_end == self.out.len() {
            self.out.push(' ');
        }
        if self.out.ends_with('!') && !escape::is_escaped(self.out, self.out.len() - 1) {
            self.out.insert(self.out.len() - 1, '\\');
        }
        let at = self.out.len();
        let note = self.notes.begin(at);
        self.out.push('[');
        self.links.push(OpenLink { anchor, at, note });
        self.plain_from = self.out.len();
    }

    /// So many bytes at this place were taken away.
    pub(super) fn forget(&mut self, from: usize, by: usize) {
        let moved = self.links.iter_mut().map(|link| &mut link.at);
        let moved = moved.chain([&mut self.plain_from, &mut self.bracket_end, &mut self.link_end]);
        moved.filter(|place| **place > from && **place != usize::MAX).for_each(|place| *place -= by);
    }

    fn close_link(&mut self, anchor: Id) {
        let is_own = |piece: &usize| self.pieces[*piece] == Piece::LinkOpen(anchor);
        if let Some(place) = self.waiting.iter().rposition(is_own) {
            let shown = self.source.is_bare(anchor);
            if !shown {
                self.waiting.remove(place);
                return;
            }
            self.lead_in(']', false);
        }
        let Some(link) = self.links.pop_if(|link| link.anchor == anchor) else { return };
        let element = self.source.tree.element(anchor);
        let href = element.and_then(|element| element.attr("href")).unwrap_or_default();
        let target = if href.len() <= MAX_HREF { self.source.base.shown(href) } else { String::new() };
        let text = self.out[link.at + 1..].to_owned();
        if self.close_as_autolink(&link, href, &target, &text) {
            return;
        }
        let end = self.out.len();
        self.write_target(&target, element.and_then(|element| element.attr("title")));
        if self.source.options.citations {
            let title = element.and_then(|element| element.attr("title")).map(plain::collapsed).unwrap_or_default();
            self.notes.link(link.note, end..self.out.len(), &target, &text, &title);
        }
        self.plain_from = self.out.len();
        self.link_end = self.out.len();
    }

    /// `<https://…>` where a link shows its own target.
    fn close_as_autolink(&mut self, link: &OpenLink, href: &str, target: &str, text: &str) -> bool {
        let address = href.strip_prefix("mailto:").filter(|address| address.contains('@'));
        let shown = escape::unescaped(text);
        let own = address.map_or(shown == href || shown == target, |address| shown == address);
        let body = address.unwrap_or(target);
        let has_title = self.source.tree.attr(link.anchor, "title").is_some_and(|title| !title.is_empty());
        if !own || has_title || !escape::is_autolink(body) || self.place == Place::Cell && body.contains('|') {
            return false;
        }
        self.out.truncate(link.at);
        self.out.extend(["<", body, ">"]);
        if self.source.options.citations {
            let end = self.out.len();
            self.notes.link(link.note, end - 1..end, target, body, "");
        }
        self.plain_from = self.out.len();
        true
    }
}
