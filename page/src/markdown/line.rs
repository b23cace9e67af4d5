//! Writes the pieces of one paragraph, heading or cell: spaces collapsed, marks where they work, links resolved.
//!
//! Spaces and marks are held back until something visible comes, so that no mark ever begins or ends with a space, and
//! what shows nothing leaves nothing.

use std::borrow::Cow;

use super::Source;
use super::citations::Notes;
use super::escape;
use super::marks::{Closed, Open};
use super::pieces::Piece;

mod links;
mod text;

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
    links: Vec<links::OpenLink>,
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
                let at = self.line_start + at;
                self.out.insert(at, '\\');
                self.notes.shift(at, 1);
                self.places().filter(|place| **place >= at).for_each(|place| *place += 1);
            }
        }
    }

    /// So many bytes at this place were taken away.
    pub(super) fn forget(&mut self, from: usize, by: usize) {
        self.places().filter(|place| **place > from).for_each(|place| *place = from.max(place.saturating_sub(by)));
    }

    /// Every place in the text that is remembered: also a mark or a link that began on a line before this one.
    fn places(&mut self) -> impl Iterator<Item = &mut usize> {
        let links = self.links.iter_mut().map(|link| &mut link.at);
        let open = self.open.iter_mut().map(|open| &mut open.at);
        let closed = self.closed.iter_mut().map(|closed| &mut closed.at);
        let own = [&mut self.line_start, &mut self.plain_from, &mut self.bracket_end, &mut self.link_end];
        links.chain(open).chain(closed).chain(own).filter(|place| **place != usize::MAX)
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
}
