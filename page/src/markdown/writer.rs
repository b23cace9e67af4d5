//! Walks over the tree once and turns its elements into blocks and the pieces that stand on their lines.

use std::borrow::Cow;

use super::Source;
use super::citations::{Notes, Written};
use super::line::{self, Place};
use super::math;
use super::pieces::{Piece, Pieces};
use super::sheet::{Block, Sheet};
use crate::ReadError;
use crate::budget::Watch;
use crate::classify::{heading_level, is_block, is_preformatted};
use crate::index::Holds;
use crate::tree::{Data, Element, Id, Step, Tag};

mod blocks;
mod inline;
mod lists;

/// What has to be undone at the end of an element.
#[derive(Clone, Copy, Debug)]
enum Undo {
    /// A block of its own: what stood on its last line is written.
    Block,
    /// A block within a line.
    Boundary,
    Heading(usize),
    /// A paragraph whose blocks stand on one line.
    Term,
    Summary,
    List,
    /// A quote or an item of a list; whether it shows even when it is empty.
    Container {
        must_show: bool,
    },
    Wrap,
    /// A link all of whose blocks stand on one line.
    FlatLink,
    /// A link that begins with the first heading in it.
    HeadingLink,
    Code,
    /// Characters that close what was opened with characters.
    Raw(&'static str),
    Definitions,
}

pub(super) struct Writer<'t> {
    pub(super) source: Source<'t>,
    pub(super) watch: &'t Watch,
    /// Bytes; what comes later is left out.
    pub(super) budget: usize,
    pub(super) sheet: Sheet,
    pub(super) notes: Notes,
    pieces: Pieces<'t>,
    undo: Vec<(Id, Undo)>,
    lists: Vec<lists::List>,
    /// For each open definition list, whether its definitions are lines.
    definitions: Vec<bool>,
    /// While this is not zero, blocks stand on one line.
    flat: usize,
    /// While this is not zero, text is code.
    code: usize,
    /// The link that waits for a heading.
    heading_link: Option<Id>,
    pub(super) slots: usize,
}

pub(super) fn write<'t>(source: Source<'t>, budget: usize, watch: &'t Watch) -> Result<Written, ReadError> {
    let tree = source.tree;
    let mut writer = Writer {
        source,
        watch,
        budget,
        sheet: Sheet::with_capacity(tree.len() * 8),
        notes: Notes::default(),
        pieces: Pieces::default(),
        undo: Vec::new(),
        lists: Vec::new(),
        definitions: Vec::new(),
        flat: 0,
        code: 0,
        heading_link: None,
        slots: tree.len() * 4,
    };
    writer.walk(Id::ROOT)?;
    writer.flush();
    let mut text = writer.sheet.text;
    if !text.is_empty() {
        text.push('\n');
    }
    Ok(Written { text, notes: writer.notes })
}

impl<'t> Writer<'t> {
    fn walk(&mut self, top: Id) -> Result<(), ReadError> {
        let tree = self.source.tree;
        let mut walk = tree.walk(top);
        while let Some(step) = walk.next() {
            match step {
                Step::Enter(id) => match tree.data(id) {
                    Data::Text { .. } => self.text(id),
                    Data::Element(element) => {
                        self.watch.step()?;
                        if self.sheet.text.len() > self.budget || !self.enter(id, element)? {
                            walk.pass_over(id);
                        }
                    }
                    Data::Document => {}
                },
                Step::Leave(id) => {
                    while let Some((_, undo)) = self.undo.pop_if(|(of, _)| *of == id) {
                        self.leave(undo);
                    }
                }
            }
        }
        Ok(())
    }

    /// The pieces of a part of the page, all on one line.
    pub(super) fn flat_pieces(&mut self, top: Id) -> Result<Vec<Piece<'t>>, ReadError> {
        let around = std::mem::take(&mut self.pieces);
        self.flat += 1;
        let done = self.walk(top);
        self.flat -= 1;
        let pieces = std::mem::replace(&mut self.pieces, around);
        done.map(|()| pieces.list)
    }

    /// Writes a part of the page as one paragraph.
    pub(super) fn write_paragraph_of(&mut self, top: Id) -> Result<(), ReadError> {
        let pieces = self.flat_pieces(top)?;
        if self.source.survey.holds(top).any(Holds::TEXT | Holds::IMAGE) {
            self.sheet.begin(Block::Paragraph);
            let (text, prefix) = self.sheet.parts();
            let place = Place::Paragraph { first_of_item: false };
            line::write(text, prefix, &mut self.notes, self.source, &pieces, place);
        }
        Ok(())
    }

    fn text(&mut self, id: Id) {
        let text = self.source.tree.text(id).unwrap_or_default();
        if self.code == 0 {
            self.pieces.text(text, self.source.survey.holds(id).any(Holds::TEXT));
        } else if !text.is_empty() {
            self.pieces.show(Piece::Code(Cow::Borrowed(text)));
        }
    }

    /// False where nothing in the element is to be written, or all of it is.
    fn enter(&mut self, id: Id, element: &'t Element) -> Result<bool, ReadError> {
        let holds = self.source.survey.holds(id);
        if holds.any(Holds::LEFT_OUT | Holds::HIDDEN) {
            return Ok(false);
        }
        match element.tag {
            tag if is_block(tag) && self.flat > 0 => return Ok(self.enter_flat(id, tag)),
            tag if is_block(tag) => return self.enter_block(id, element),
            Tag::Head | Tag::Video | Tag::Audio => return Ok(false),
            Tag::Math | Tag::Script => {
                if let Some(formula) = math::formula(self.source.tree, id) {
                    self.pieces.show(Piece::Raw(Cow::Owned(formula)));
                }
                return Ok(false);
            }
            Tag::A if self.source.is_permalink(id, element) => return Ok(false),
            Tag::A | Tag::Span if element.attr("data-cfemail").is_some() => {
                self.show_address(element);
                return Ok(false);
            }
            _ => self.enter_inline(id, element, holds),
        }
        Ok(true)
    }

    fn enter_block(&mut self, id: Id, element: &Element) -> Result<bool, ReadError> {
        match element.tag {
            Tag::Table => return self.enter_table(id),
            Tag::Hr => {
                self.flush();
                self.sheet.begin(Block::Closed);
                self.sheet.text.push_str("***");
            }
            tag if is_preformatted(tag) => {
                self.flush();
                self.write_code(id);
                return Ok(false);
            }
            Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dir => self.enter_list(id, element),
            Tag::Li => self.enter_item(id, element),
            Tag::Blockquote => self.enter_container(id, Sheet::open_quote),
            Tag::Dl => self.enter_definitions(id),
            Tag::Dt | Tag::Dd => self.enter_definition(id, element.tag),
            Tag::Summary => {
                self.flush();
                self.flat += 1;
                self.pieces.open_all_strong();
                self.undo.push((id, Undo::Summary));
            }
            tag => match heading_level(tag) {
                Some(level) => self.enter_heading(id, level),
                None => {
                    self.flush();
                    self.undo.push((id, Undo::Block));
                }
            },
        }
        Ok(true)
    }

    fn leave(&mut self, undo: Undo) {
        match undo {
            Undo::Block => self.flush(),
            Undo::Boundary => self.pieces.boundary(),
            Undo::Heading(level) => {
                self.flat -= 1;
                self.end_block(Block::Closed, level);
            }
            Undo::Term => {
                self.flat -= 1;
                self.end_block(Block::Term, 0);
            }
            Undo::Summary => {
                self.flat -= 1;
                self.flush();
                self.pieces.close_all_strong();
            }
            Undo::List => self.leave_list(),
            Undo::Container { must_show } => {
                self.flush();
                self.sheet.close(must_show);
            }
            Undo::Wrap => self.pieces.close(),
            Undo::FlatLink => {
                self.flat -= 1;
                self.pieces.close();
                self.flush();
            }
            Undo::HeadingLink => self.heading_link = None,
            Undo::Code => self.code -= 1,
            Undo::Raw(end) => self.pieces.list.push(Piece::Raw(Cow::Borrowed(end))),
            Undo::Definitions => {
                self.flush();
                self.definitions.pop();
            }
        }
    }

    /// Writes what was gathered as a paragraph.
    fn flush(&mut self) {
        if self.flat == 0 {
            self.end_block(Block::Paragraph, 0);
        }
    }

    fn end_block(&mut self, block: Block, heading: usize) {
        if self.pieces.list.is_empty() && !self.pieces.visible {
            return;
        }
        if self.pieces.visible {
            self.pieces.end_block();
            let first_of_item = self.sheet.is_in_item() && self.sheet.is_fresh();
            self.sheet.begin(block);
            let place = if heading > 0 { Place::Heading } else { Place::Paragraph { first_of_item } };
            if heading > 0 {
                self.sheet.text.extend(std::iter::repeat_n('#', heading));
                self.sheet.text.push(' ');
            }
            let (text, prefix) = self.sheet.parts();
            line::write(text, prefix, &mut self.notes, self.source, &self.pieces.list, place);
            text.truncate(text.trim_end_matches(' ').len());
        }
        self.pieces.next_block();
    }
}
