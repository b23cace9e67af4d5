//! What stands on a line, before it is written: text, and where marks, links and code begin and end.

use std::borrow::Cow;

use crate::tree::Id;

/// Marks that are nested deeper are dropped.
const MAX_WRAPS: usize = 16;
/// Of one kind within itself.
const MAX_SAME: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Emphasis,
    Strong,
    Struck,
    Sub,
    Super,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// As the page has it: spaces not collapsed, nothing escaped.
    Text(&'t str),
    Open(Mark),
    Close(Mark),
    LinkOpen(Id),
    LinkClose(Id),
    Image(Id),
    Code(Cow<'t, str>),
    /// To be written as it is.
    Raw(Cow<'t, str>),
    /// A line break that the page asks for.
    Break,
    /// Where a block begins or ends within a line.
    Boundary,
}

/// What is open around the present piece, and goes on in the next block where one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    Mark(Mark),
    Link {
        anchor: Id,
        /// Only the first block that shows anything is a link.
        once: bool,
    },
    /// Open in the page, but not written.
    Nothing,
}

#[derive(Default)]
pub(super) struct Pieces<'t> {
    pub(super) list: Vec<Piece<'t>>,
    wraps: Vec<Wrap>,
    /// Something in the list shows.
    pub(super) visible: bool,
    /// The whole block is strong: what is strong in it does not stand out.
    all_strong: bool,
}

impl<'t> Pieces<'t> {
    /// `shows`: there is something in it beside spaces.
    pub(super) fn text(&mut self, text: &'t str, shows: bool) {
        self.visible |= shows;
        if shows || !self.list.is_empty() {
            self.list.push(Piece::Text(text));
        }
    }

    pub(super) fn show(&mut self, piece: Piece<'t>) {
        self.visible = true;
        self.list.push(piece);
    }

    pub(super) fn boundary(&mut self) {
        if !matches!(self.list.last(), None | Some(Piece::Boundary)) {
            self.list.push(Piece::Boundary);
        }
    }

    /// The last thing that is no white space is a line break.
    pub(super) fn ends_with_break(&self) -> bool {
        let blank = |piece: &&Piece| matches!(piece, Piece::Text(text) if text.trim().is_empty());
        matches!(self.list.iter().rev().take(8).find(|piece| !blank(piece)), Some(Piece::Break))
    }

    pub(super) fn is_in_link(&self) -> bool {
        self.wraps.iter().any(|wrap| matches!(wrap, Wrap::Link { .. }))
    }

    pub(super) fn open(&mut self, wrap: Wrap) {
        let same = self.wraps.iter().filter(|&&open| open == wrap).count();
        let muted = self.all_strong && wrap == Wrap::Mark(Mark::Strong);
        let wrap = if self.wraps.len() < MAX_WRAPS && same < MAX_SAME && !muted { wrap } else { Wrap::Nothing };
        self.wraps.push(wrap);
        self.push_open(wrap);
    }

    pub(super) fn open_all_strong(&mut self) {
        self.open(Wrap::Mark(Mark::Strong));
        self.all_strong = true;
    }

    pub(super) fn close_all_strong(&mut self) {
        self.all_strong = false;
        self.close();
    }

    /// Closes what was opened last.
    pub(super) fn close(&mut self) {
        if let Some(wrap) = self.wraps.pop() {
            self.push_close(wrap);
        }
    }

    fn push_open(&mut self, wrap: Wrap) {
        match wrap {
            // What ends here goes on at once.
            Wrap::Mark(mark) if self.list.last() == Some(&Piece::Close(mark)) => drop(self.list.pop()),
            Wrap::Mark(mark) => self.list.push(Piece::Open(mark)),
            Wrap::Link { anchor, .. } => self.list.push(Piece::LinkOpen(anchor)),
            Wrap::Nothing => {}
        }
    }

    fn push_close(&mut self, wrap: Wrap) {
        match wrap {
            Wrap::Mark(mark) => self.list.push(Piece::Close(mark)),
            Wrap::Link { anchor, .. } => self.list.push(Piece::LinkClose(anchor)),
            Wrap::Nothing => {}
        }
    }

    /// The list ends a block here: whatever is open is closed.
    pub(super) fn end_block(&mut self) {
        for index in (0..self.wraps.len()).rev() {
            self.push_close(self.wraps[index]);
        }
    }

    /// Begins the list of the next block, in which what is open goes on.
    pub(super) fn next_block(&mut self) {
        let shown = std::mem::take(&mut self.visible);
        self.list.clear();
        for index in 0..self.wraps.len() {
            if shown && matches!(self.wraps[index], Wrap::Link { once: true, .. }) {
                self.wraps[index] = Wrap::Nothing;
            }
            self.push_open(self.wraps[index]);
        }
    }
}
