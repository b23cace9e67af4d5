//! Emphasis: which of `*` and `_` is written, and whether it works where it stands.
//!
//! CommonMark lets a run of `*` begin emphasis only where it is left-flanking, end it where it is right-flanking. Where
//! `**"a"**b` would not work, the mark moves to the other side of the punctuation; where even that does not help, it is
//! dropped: the words matter more.

use super::escape;
use super::line::Line;
use super::pieces::{Mark, Piece};

/// A mark whose beginning is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    piece: usize,
    pub(super) at: usize,
    with: char,
    /// The character before it and the marks that begin right before it.
    before: char,
}

/// A mark that was just ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    pub(super) at: usize,
    with: char,
    /// The character before it and the marks of its kind right before it.
    last: char,
}

/// For each piece that begins a mark, the piece that ends it; nothing where there are no marks.
pub(super) fn ends(pieces: &[Piece]) -> Vec<usize> {
    if !pieces.iter().any(|piece| matches!(piece, Piece::Open(_))) {
        return Vec::new();
    }
    let mut ends = vec![pieces.len(); pieces.len()];
    let mut open = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Open(_) => open.push(index),
            Piece::Close(_) => {
                if let Some(begin) = open.pop() {
                    let begin: usize = begin;
                    ends[begin] = index;
                }
            }
            _ => {}
        }
    }
    ends
}

impl Line<'_, '_> {
    /// Whether the waiting marks can begin before `next`. Those that never can are dropped.
    pub(super) fn may_begin(&mut self, next: char, is_text: bool) -> bool {
        let before = self.before();
        if !escape::is_punctuation(next) || !is_word(before) || !self.any_flanks() {
            return true;
        }
        if is_text {
            return false;
        }
        self.waiting.retain(|&piece| !flanks(&self.pieces[piece]));
        true
    }

    fn any_flanks(&self) -> bool {
        let first = self.waiting.iter().take_while(|&&piece| !matches!(self.pieces[piece], Piece::LinkOpen(_)));
        first.copied().any(|piece| flanks(&self.pieces[piece]))
    }

    pub(super) fn begin_waiting(&mut self) {
        for piece in std::mem::take(&mut self.waiting) {
            match self.pieces[piece] {
                Piece::LinkOpen(anchor) => self.begin_link(anchor),
                Piece::Open(mark) => self.begin_mark(mark, piece),
                _ => {}
            }
        }
    }

    fn begin_mark(&mut self, mark: Mark, piece: usize) {
        let at = self.out.len();
        let before = if self.opens_right_before() { self.open.last().map(|open| open.before) } else { None };
        let before = before.unwrap_or_else(|| self.before());
        let with = self.character(mark, piece, before);
        match mark {
            Mark::Emphasis => self.out.push(with),
            Mark::Strong => self.out.extend([with, with]),
            Mark::Struck => self.out.push_str("~~"),
            Mark::Sub => self.out.push_str("<sub>"),
            Mark::Super => self.out.push_str("<sup>"),
        }
        self.open.push(Open { piece, at, with, before });
        self.plain_from = self.out.len();
    }

    /// `outside` is the character before all marks that begin here. `_` where `*` would run into the mark before it, and `_` works there.
    fn character(&self, mark: Mark, piece: usize, outside: char) -> char {
        let before = self.before();
        let end = self.ends.get(piece).copied().unwrap_or(self.pieces.len());
        let after = if end < self.pieces.len() { self.after(end) } else { ' ' };
        let closes_with = |other: &Open| self.ends.get(other.piece).is_some_and(|&outer| outer == end + 1);
        let opens_with = |other: &Open| other.at + width(&self.pieces[other.piece]) == self.out.len();
        let inner_ends = matches!(self.pieces.get(end.wrapping_sub(1)), Some(Piece::Close(_)));
        let underscore_works = !is_word(outside) && !is_word(after);
        let same = self.open.iter().rev().find(|other| self.pieces[other.piece] == Piece::Open(mark));
        let around = self.open.last();
        let wanted = match (same, around) {
            (Some(same), _) if same.with == '*' => '_',
            (Some(_), _) => '*',
            (None, Some(around)) if around.with == '*' && opens_with(around) && closes_with(around) => '_',
            (None, Some(around)) if around.with == '_' && opens_with(around) => '*',
            (None, _) if self.gap_is_none() && before == '*' && !self.opens_right_before() && !inner_ends => '_',
            _ => '*',
        };
        if wanted == '_' && underscore_works { '_' } else { '*' }
    }

    fn gap_is_none(&self) -> bool {
        self.gap == super::line::Gap::None
    }

    fn opens_right_before(&self) -> bool {
        self.open.last().is_some_and(|open| open.at + width(&self.pieces[open.piece]) == self.out.len())
    }

    pub(super) fn close_mark(&mut self, mark: Mark, index: usize) {
        if let Some(place) = self.waiting.iter().rposition(|&piece| self.ends[piece] == index) {
            self.waiting.remove(place);
            return;
        }
        let Some(open) = self.open.pop_if(|open| self.ends[open.piece] == index) else { return };
        match mark {
            Mark::Sub => self.out.push_str("</sub>"),
            Mark::Super => self.out.push_str("</sup>"),
            Mark::Emphasis | Mark::Strong | Mark::Struck => self.close_flanking(mark, open, index),
        }
        self.plain_from = self.plain_from.max(self.out.len());
    }

    fn close_flanking(&mut self, mark: Mark, open: Open, index: usize) {
        let after = if self.gap == super::line::Gap::None { self.after(index) } else { ' ' };
        let last = self.last_before(open.with);
        let (one, two) = ([open.with; 1], [open.with; 2]);
        let run: &[char] = match mark {
            Mark::Emphasis => &one,
            Mark::Struck => &['~'; 2],
            _ => &two,
        };
        if !(escape::is_punctuation(last) && is_word(after)) {
            self.out.extend(run);
            self.closed = Some(Closed { at: self.out.len(), with: open.with, last });
            return;
        }
        match self.before_punctuation(open) {
            Some(at) => self.out.insert_str(at, &run.iter().collect::<String>()),
            None => {
                self.out.replace_range(open.at..open.at + run.len(), "");
                self.notes.unshift(open.at, run.len());
                self.forget(open.at, run.len());
            }
        }
        self.plain_from = self.out.len();
    }

    /// The last character, marks of the same kind that end here looked through.
    fn last_before(&self, with: char) -> char {
        let closed = self.closed.filter(|closed| closed.at == self.out.len() && closed.with == with);
        closed.map_or_else(|| self.out.chars().next_back().unwrap_or(' '), |closed| closed.last)
    }

    /// Where the punctuation at the end begins, if that is plain text and something stands before it.
    fn before_punctuation(&self, open: Open) -> Option<usize> {
        let from = self.plain_from.max(open.at);
        let plain = self.out.get(from..)?;
        let kept = plain.trim_end_matches(escape::is_punctuation);
        let last = kept.chars().next_back()?;
        (!escape::is_space(last)).then_some(from + kept.len())
    }
}

/// Letters, numbers and whatever else is neither space nor punctuation.
fn is_word(c: char) -> bool {
    !escape::is_space(c) && !escape::is_punctuation(c)
}

/// A mark that has to be left-flanking.
fn flanks(piece: &Piece) -> bool {
    matches!(piece, Piece::Open(Mark::Emphasis | Mark::Strong | Mark::Struck))
}

fn width(piece: &Piece) -> usize {
    match piece {
        Piece::Open(Mark::Emphasis) => 1,
        Piece::Open(Mark::Strong | Mark::Struck) => 2,
        _ => 5,
    }
}
