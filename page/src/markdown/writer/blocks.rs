//! Headings, code blocks, containers, and blocks that are written inline.

use std::borrow::Cow;

use super::state::{OnLeave, Writer};
use crate::element_kind::is_preformatted;
use crate::error::ReadError;
use crate::markdown::code;
use crate::markdown::inlines::{Inline, OpenInline};
use crate::markdown::output_buffer::{BlockKind, OutputBuffer};
use crate::table_grid::TableRows;
use crate::tree::{NodeId, Tag};

impl Writer<'_> {
    /// Returns false if the element's children are to be skipped.
    pub(super) fn enter_inline_block(&mut self, id: NodeId, tag: Tag) -> bool {
        self.inlines.boundary();
        self.push_on_leave(id, OnLeave::EndInlineBlock);
        if is_preformatted(tag) {
            let text = code::preformatted_text(self.source.tree, id);
            if !text.trim().is_empty() {
                self.inlines.push_visible(Inline::Code(Cow::Owned(text.trim().to_owned())));
            }
            return false;
        }
        true
    }

    pub(super) fn enter_heading(&mut self, id: NodeId, level: usize) {
        self.flush();
        if let Some(anchor) = self.heading_link.take() {
            self.inlines.open(OpenInline::Link { anchor, once: false });
            self.push_on_leave(id, OnLeave::CloseInline);
        }
        self.inline_depth += 1;
        self.inlines.visible |= self.source.tree.first_child(id).is_none();
        self.push_on_leave(id, OnLeave::EndHeading(level));
    }

    /// Writes a data table and returns false. Returns true if the cells of a layout table are to be written as blocks.
    pub(super) fn enter_table(&mut self, id: NodeId) -> Result<bool, ReadError> {
        self.flush();
        let rows = TableRows::of(self.source.tree, self.source.index, id, &mut self.table_cells_left);
        if rows.is_data_table(self.source.tree, self.source.index, id) {
            self.write_table(&rows)?;
            return Ok(false);
        }
        self.push_on_leave(id, OnLeave::EndBlock);
        Ok(true)
    }

    pub(super) fn enter_container(&mut self, id: NodeId, open: fn(&mut OutputBuffer)) {
        self.flush();
        if self.output.can_nest() {
            open(&mut self.output);
            self.push_on_leave(id, OnLeave::CloseContainer { show_if_empty: self.source.is_blank(id) });
        } else {
            self.push_on_leave(id, OnLeave::EndBlock);
        }
    }

    pub(super) fn write_code_block(&mut self, id: NodeId) {
        let text = code::preformatted_text(self.source.tree, id);
        if text.trim().is_empty() && !self.source.starts_with_code(id) {
            return;
        }
        let language = code::language(self.source.tree, id);
        let (fence, lines) = code::fenced_block(&text, language);
        self.output.begin(BlockKind::SelfContained);
        self.output.text.extend([&fence, language.unwrap_or_default()]);
        for line in lines {
            if line.is_empty() {
                self.output.empty_line();
            } else {
                self.output.new_line();
                self.output.text.push_str(line);
            }
        }
        self.output.new_line();
        self.output.text.push_str(&fence);
    }
}
