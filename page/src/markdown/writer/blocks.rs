//! Headings, tables, code, and blocks that have to stand on a line.

use std::borrow::Cow;

use super::{Undo, Writer};
use crate::ReadError;
use crate::classify::is_preformatted;
use crate::markdown::pieces::{Piece, Wrap};
use crate::markdown::sheet::{Block, Sheet};
use crate::markdown::{code, table};
use crate::tables::Rows;
use crate::tree::{Id, Tag};

impl Writer<'_> {
    pub(super) fn enter_flat(&mut self, id: Id, tag: Tag) -> bool {
        self.pieces.boundary();
        self.undo.push((id, Undo::Boundary));
        if is_preformatted(tag) {
            let text = code::verbatim(self.source.tree, id);
            if !text.trim().is_empty() {
                self.pieces.show(Piece::Code(Cow::Owned(text.trim().to_owned())));
            }
            return false;
        }
        true
    }

    pub(super) fn enter_heading(&mut self, id: Id, level: usize) {
        self.flush();
        if let Some(anchor) = self.heading_link.take() {
            self.pieces.open(Wrap::Link { anchor, once: false });
            self.undo.push((id, Undo::Wrap));
        }
        self.flat += 1;
        self.pieces.visible |= self.source.tree.first_child(id).is_none();
        self.undo.push((id, Undo::Heading(level)));
    }

    /// True where its cells are to be met as blocks.
    pub(super) fn enter_table(&mut self, id: Id) -> Result<bool, ReadError> {
        self.flush();
        let rows = Rows::of(self.source.tree, id);
        if rows.are_data(self.source.tree, self.source.survey, id) {
            table::write(self, &rows)?;
            return Ok(false);
        }
        self.undo.push((id, Undo::Block));
        Ok(true)
    }

    pub(super) fn enter_container(&mut self, id: Id, open: fn(&mut Sheet)) {
        self.flush();
        if self.sheet.has_room() {
            open(&mut self.sheet);
            self.undo.push((id, Undo::Container { must_show: self.source.is_empty(id) }));
        } else {
            self.undo.push((id, Undo::Block));
        }
    }

    pub(super) fn write_code(&mut self, id: Id) {
        let text = code::verbatim(self.source.tree, id);
        if text.trim().is_empty() && !self.source.is_empty_code(id) {
            return;
        }
        let language = code::language(self.source.tree, id);
        let (fence, lines) = code::fenced(&text, language);
        self.sheet.begin(Block::Closed);
        self.sheet.text.extend([&fence, language.unwrap_or_default()]);
        for line in lines {
            if line.is_empty() {
                self.sheet.empty_line();
            } else {
                self.sheet.new_line();
                self.sheet.text.push_str(line);
            }
        }
        self.sheet.new_line();
        self.sheet.text.push_str(&fence);
    }
}
