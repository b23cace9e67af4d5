//! Tables of data, as GitHub writes them.

use super::line::{self, Place};
use super::sheet::Block;
use super::writer::Writer;
use crate::ReadError;
use crate::classify;
use crate::tables::{Rows, Slot};
use crate::tree::{Id, Tree};

/// A table without headings gets an empty row of them: Markdown has no table without. Places that a cell spans are empty.
pub(super) fn write(writer: &mut Writer, rows: &Rows) -> Result<(), ReadError> {
    if let Some(caption) = rows.caption {
        writer.write_paragraph_of(caption)?;
    }
    let grid = rows.grid(writer.source.tree, &mut writer.slots);
    let Some(first) = grid.first() else { return Ok(()) };
    writer.sheet.begin(Block::Table);
    let body = if rows.has_headers() {
        write_row(writer, first)?;
        &grid[1..]
    } else {
        writer.sheet.text.push('|');
        writer.sheet.text.extend(first.iter().map(|_| "  |"));
        &grid[..]
    };
    writer.sheet.new_line();
    writer.sheet.text.push('|');
    for column in 0..rows.columns() {
        let cells = grid.iter().take(2).filter_map(|row| row.get(column));
        let side = cells.filter_map(|slot| alignment(writer.source.tree, slot)).next();
        writer.sheet.text.extend([" ", side.unwrap_or("---"), " |"]);
    }
    for row in body {
        writer.watch.step()?;
        if writer.sheet.text.len() > writer.budget {
            break;
        }
        writer.sheet.new_line();
        write_row(writer, row)?;
    }
    Ok(())
}

fn write_row(writer: &mut Writer, row: &[Slot]) -> Result<(), ReadError> {
    writer.sheet.text.push('|');
    for slot in row {
        writer.sheet.text.push(' ');
        if let Slot::Cell(cell) = slot {
            let pieces = writer.flat_pieces(*cell)?;
            let (text, prefix) = writer.sheet.parts();
            line::write(text, prefix, &mut writer.notes, writer.source, &pieces, Place::Cell);
        }
        writer.sheet.text.push_str(" |");
    }
    Ok(())
}

/// By the cell's `align`, else by its style.
fn alignment(tree: &Tree, slot: &Slot) -> Option<&'static str> {
    let Slot::Cell(cell) = slot else { return None };
    let cell: Id = *cell;
    let side = tree.attr(cell, "align").or_else(|| classify::declared(tree.attr(cell, "style")?, "text-align"))?;
    Some(match side.trim() {
        side if side.eq_ignore_ascii_case("left") => ":--",
        side if side.eq_ignore_ascii_case("center") => ":-:",
        side if side.eq_ignore_ascii_case("right") => "--:",
        _ => return None,
    })
}
