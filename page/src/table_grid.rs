//! The rows and cells of a table, laid out as a rectangle.

use crate::index::{NodeFlags, PageIndex};
use crate::text;
use crate::tree::{Element, NodeId, Tag, Tree};

/// Wider tables are cut.
const MAX_COLUMNS: usize = 256;
/// Bytes of a cell in a table without headers; a table with a longer cell is used for layout.
const MAX_DATA_CELL: usize = 400;
/// Bytes of a cell that are examined.
const EXAMINED_BYTES: usize = 4000;
/// Rows of a table without headers whose cells are examined.
const EXAMINED_ROWS: usize = 1000;

/// The rows of one table, without those of nested tables.
pub(crate) struct TableRows {
    pub(crate) caption: Option<NodeId>,
    rows: Vec<Row>,
    columns: usize,
}

struct Row {
    cells: Vec<NodeId>,
    in_head: bool,
    all_headers: bool,
}

/// One position in the rectangle of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GridCell {
    Empty,
    Cell(NodeId),
    /// Spanned by the cell to the left.
    SpannedFromLeft,
    /// Spanned by the cell above.
    SpannedFromAbove,
}

impl TableRows {
    pub(crate) fn of(tree: &Tree, table: NodeId) -> Self {
        let mut rows = Self { caption: None, rows: Vec::new(), columns: 0 };
        for child in tree.children(table) {
            match tree.tag(child) {
                Tag::Caption if rows.caption.is_none() => rows.caption = Some(child),
                Tag::Thead => tree.children(child).for_each(|row| rows.push(tree, row, true)),
                Tag::Tbody | Tag::Tfoot => tree.children(child).for_each(|row| rows.push(tree, row, false)),
                Tag::Tr => rows.push(tree, child, false),
                _ => {}
            }
        }
        rows
    }

    fn push(&mut self, tree: &Tree, row: NodeId, in_head: bool) {
        if tree.tag(row) != Tag::Tr {
            return;
        }
        let cells: Vec<NodeId> = tree.children(row).filter(|&id| matches!(tree.tag(id), Tag::Td | Tag::Th)).collect();
        if cells.is_empty() {
            return;
        }
        let width = cells.iter().map(|&cell| span(tree, cell, "colspan")).sum::<usize>();
        self.columns = self.columns.max(width).min(MAX_COLUMNS);
        let all_headers = cells.iter().all(|&cell| tree.tag(cell) == Tag::Th);
        self.rows.push(Row { cells, in_head, all_headers });
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the first row contains column headers.
    pub(crate) fn has_headers(&self) -> bool {
        self.rows.first().is_some_and(|row| row.in_head || row.all_headers && self.rows.len() > 1)
    }

    /// Whether the table contains data, as opposed to layout.
    pub(crate) fn is_data_table(&self, tree: &Tree, index: &PageIndex, table: NodeId) -> bool {
        let Some(element) = tree.element(table) else { return false };
        let role = element.attr("role").unwrap_or_default();
        if matches!(role, "presentation" | "none") || index.flags(table).any(NodeFlags::TABLE) || self.rows.is_empty() {
            return false;
        }
        let has_any_header =
            index.flags(table).any(NodeFlags::HEADER_CELL) || self.caption.is_some() || self.has_headers();
        if has_any_header {
            self.columns > 1 || self.rows.len() > 1
        } else {
            self.is_headerless_data(tree, index, element)
        }
    }

    /// Whether a table without headers contains data: several rows and columns of short, simple cells, without layout
    /// attributes.
    fn is_headerless_data(&self, tree: &Tree, index: &PageIndex, element: &Element) -> bool {
        let has_layout_attribute = ["border", "cellpadding"].iter().any(|&name| element.attr(name) == Some("0"));
        if has_layout_attribute || self.columns < 2 || self.rows.len() < 2 {
            return false;
        }
        let mut cells = self.rows.iter().take(EXAMINED_ROWS).flat_map(|row| &row.cells);
        let complex = NodeFlags::STRUCTURE | NodeFlags::HEADING;
        cells.all(|&cell| {
            !index.flags(cell).any(complex) && text::text_content(tree, cell, EXAMINED_BYTES).len() <= MAX_DATA_CELL
        })
    }

    /// The cells as a rectangle. Reduces `cells_left` by the cells it returns and cuts the table if none are left.
    pub(crate) fn grid(&self, tree: &Tree, cells_left: &mut usize) -> Vec<Vec<GridCell>> {
        let mut below = vec![0usize; self.columns];
        let mut grid = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let Some(left) = cells_left.checked_sub(self.columns) else { break };
            *cells_left = left;
            grid.push(grid_row(tree, &row.cells, &mut below));
        }
        grid
    }
}

/// One row. `below` counts for each column the rows that a cell above still spans.
fn grid_row(tree: &Tree, cells: &[NodeId], below: &mut [usize]) -> Vec<GridCell> {
    let mut cells = cells.iter();
    let mut row = Vec::with_capacity(below.len());
    while row.len() < below.len() {
        let column = row.len();
        if below[column] > 0 {
            below[column] -= 1;
            row.push(GridCell::SpannedFromAbove);
            continue;
        }
        let Some(&cell) = cells.next() else {
            row.push(GridCell::Empty);
            continue;
        };
        let rows = span(tree, cell, "rowspan");
        let end = (column + span(tree, cell, "colspan")).min(below.len());
        below[column..end].fill(rows - 1);
        row.push(GridCell::Cell(cell));
        row.resize(end, GridCell::SpannedFromLeft);
    }
    row
}

fn span(tree: &Tree, cell: NodeId, name: &str) -> usize {
    let span = tree.attr(cell, name).and_then(|value| value.trim().parse().ok());
    span.unwrap_or(1).clamp(1, MAX_COLUMNS)
}
