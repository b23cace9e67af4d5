//! Data tables in GitHub's syntax.

use super::state::Writer;
use crate::element_kind::style_value;
use crate::error::ReadError;
use crate::index::NodeFlags;
use crate::markdown::inline_writer::{self, LineContext};
use crate::markdown::output_buffer::BlockKind;
use crate::table_grid::{GridCell, TableRows};
use crate::tree::Tree;

/// Rows whose cells may define the alignment of a column.
const ALIGNMENT_ROWS: usize = 2;

impl Writer<'_> {
    /// Writes a table. Without headers it gets an empty header row, which Markdown requires. Spanned positions are
    /// empty.
    pub(super) fn write_table(&mut self, rows: &TableRows) -> Result<(), ReadError> {
        if let Some(caption) = rows.caption {
            let items = self.collect_inlines(caption)?;
            if self.source.index.flags(caption).any(NodeFlags::TEXT | NodeFlags::IMAGE) {
                self.write_paragraph(&items);
            }
        }
        let grid = rows.grid(&mut self.table_cells_left);
        let Some(first) = grid.first() else { return Ok(()) };
        self.output.begin(BlockKind::Table);
        let body = if rows.has_headers() {
            self.write_row(first)?;
            &grid[1..]
        } else {
            self.output.text.push('|');
            self.output.text.extend(first.iter().map(|_| "  |"));
            &grid[..]
        };
        self.write_alignments(rows.columns(), &grid);
        for row in body {
            self.budget.step()?;
            if self.output.text.len() > self.source.max_bytes {
                break;
            }
            self.output.new_line();
            self.write_row(row)?;
        }
        Ok(())
    }

    fn write_alignments(&mut self, columns: usize, grid: &[Vec<GridCell>]) {
        self.output.new_line();
        self.output.text.push('|');
        for column in 0..columns {
            let cells = grid.iter().take(ALIGNMENT_ROWS).filter_map(|row| row.get(column));
            let alignment = cells.filter_map(|cell| alignment(self.source.tree, cell)).next();
            self.output.text.extend([" ", alignment.unwrap_or("---"), " |"]);
        }
    }

    fn write_row(&mut self, row: &[GridCell]) -> Result<(), ReadError> {
        self.output.text.push('|');
        for cell in row {
            self.output.text.push(' ');
            if let GridCell::Cell(cell) = cell {
                let items = self.collect_inlines(*cell)?;
                let (text, prefix) = self.output.text_and_prefix();
                inline_writer::write(text, prefix, &mut self.edits, self.source, &items, LineContext::Cell);
            }
            self.output.text.push_str(" |");
        }
        Ok(())
    }
}

/// The alignment of a cell, from `align` or else from its style.
fn alignment(tree: &Tree, cell: &GridCell) -> Option<&'static str> {
    let GridCell::Cell(cell) = *cell else { return None };
    let side = tree.attr(cell, "align").or_else(|| style_value(tree.attr(cell, "style")?, "text-align"))?;
    Some(match side.trim() {
        side if side.eq_ignore_ascii_case("left") => ":--",
        side if side.eq_ignore_ascii_case("center") => ":-:",
        side if side.eq_ignore_ascii_case("right") => "--:",
        _ => return None,
    })
}
