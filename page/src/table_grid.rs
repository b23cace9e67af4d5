//! The rows and cells of a table, laid out as a browser shows them.
//!
//! Cells are placed by the algorithm of the HTML standard ("forming a table"), on intervals of columns instead of slots, so
//! a large `colspan` costs nothing. Columns in which no cell begins have no width in a browser, and are omitted.

use std::ops::Range;

use crate::index::{NodeFlags, PageIndex};
use crate::text;
use crate::tree::{Element, NodeId, Tag, Tree};

/// The limits of the HTML standard.
const MAX_COLSPAN: usize = 1000;
const MAX_ROWSPAN: usize = 65_534;
/// Cells of all tables of a page, per node of the page.
const CELLS_PER_NODE: usize = 4;
/// Cells that the tables of every page may have.
const MIN_CELLS: usize = 1 << 16;
/// Bytes of a cell in a table without headers; a table with a longer cell is used for layout.
const MAX_DATA_CELL: usize = 400;
/// Bytes of a cell that are examined.
const EXAMINED_BYTES: usize = 4000;
/// Rows of a table without headers whose cells are examined.
const EXAMINED_ROWS: usize = 1000;

/// The cells that all tables of a page may have together, so that spans cannot multiply the size of a page.
pub(crate) fn cell_limit(tree: &Tree) -> usize {
    tree.len() * CELLS_PER_NODE + MIN_CELLS
}

/// The rows of one table, without those of nested tables. Rows without cells are omitted.
pub(crate) struct TableRows {
    pub(crate) caption: Option<NodeId>,
    rows: Vec<Row>,
    /// Where cells begin, in ascending order.
    columns: Vec<usize>,
}

struct Row {
    cells: Vec<PlacedCell>,
    /// The columns that cells of earlier rows span, in the order of their start.
    above: Vec<Range<usize>>,
    in_head: bool,
    all_headers: bool,
}

struct PlacedCell {
    id: NodeId,
    columns: Range<usize>,
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

/// The rows of a `<thead>`, `<tbody>` or `<tfoot>`, or rows directly in the table.
struct RowGroup {
    order: GroupOrder,
    in_head: bool,
    rows: Vec<NodeId>,
}

/// A browser shows the first `<thead>` first and the first `<tfoot>` last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GroupOrder {
    Head,
    Body,
    Foot,
    /// Rows directly in the table; joined with the next ones.
    Implied,
}

impl TableRows {
    /// Places the cells of a table. Reduces `cells_left` by the work; without any left, each row begins at the first column.
    pub(crate) fn of(tree: &Tree, index: &PageIndex, table: NodeId, cells_left: &mut usize) -> Self {
        let (caption, groups) = row_groups(tree, index, table);
        let mut rows = Vec::new();
        for group in groups {
            let mut placement = Placement { tree, cells_left: &mut *cells_left, spans: Vec::new() };
            for row in group.rows {
                let is_cell = |&id: &NodeId| matches!(tree.tag(id), Tag::Td | Tag::Th) && is_shown(index, id);
                let cells: Vec<NodeId> = tree.children(row).filter(is_cell).collect();
                let all_headers = cells.iter().all(|&cell| tree.tag(cell) == Tag::Th);
                let (cells, above) = placement.place(&cells);
                if !cells.is_empty() {
                    rows.push(Row { cells, above, in_head: group.in_head, all_headers });
                }
            }
        }
        let mut columns: Vec<usize> = rows.iter().flat_map(|row| &row.cells).map(|cell| cell.columns.start).collect();
        columns.sort_unstable();
        columns.dedup();
        Self { caption, rows, columns }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
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
            self.columns() > 1 || self.rows.len() > 1
        } else {
            self.is_headerless_data(tree, index, element)
        }
    }

    /// Whether a table without headers contains data: several rows and columns of short, simple cells, without layout
    /// attributes.
    fn is_headerless_data(&self, tree: &Tree, index: &PageIndex, element: &Element) -> bool {
        let has_layout_attribute = ["border", "cellpadding"].iter().any(|&name| element.attr(name) == Some("0"));
        if has_layout_attribute || self.columns() < 2 || self.rows.len() < 2 {
            return false;
        }
        let mut cells = self.rows.iter().take(EXAMINED_ROWS).flat_map(|row| &row.cells);
        let complex = NodeFlags::STRUCTURE | NodeFlags::HEADING;
        cells.all(|cell| {
            !index.flags(cell.id).any(complex)
                && text::text_content(tree, cell.id, EXAMINED_BYTES).len() <= MAX_DATA_CELL
        })
    }

    /// The cells as a rectangle. Reduces `cells_left` by the cells it returns. Without enough left, a row consists of its
    /// own cells only, so no text is lost. The first row always has all columns.
    pub(crate) fn grid(&self, cells_left: &mut usize) -> Vec<Vec<GridCell>> {
        let mut grid: Vec<Vec<GridCell>> = self.rows.iter().map(|row| self.grid_row(row, cells_left)).collect();
        if let Some(first) = grid.first_mut() {
            first.resize(self.columns(), GridCell::Empty);
        }
        grid
    }

    fn grid_row(&self, row: &Row, cells_left: &mut usize) -> Vec<GridCell> {
        let Some(left) = cells_left.checked_sub(self.columns()) else {
            return row.cells.iter().map(|cell| GridCell::Cell(cell.id)).collect();
        };
        *cells_left = left;
        let mut cells = vec![GridCell::Empty; self.columns()];
        let mut filled = 0;
        for columns in row.above.iter().map(|columns| self.positions(columns)) {
            if columns.end > filled {
                cells[columns.start.max(filled)..columns.end].fill(GridCell::SpannedFromAbove);
                filled = columns.end;
            }
        }
        for cell in &row.cells {
            let columns = self.positions(&cell.columns);
            cells[columns.clone()].fill(GridCell::SpannedFromLeft);
            cells[columns.start] = GridCell::Cell(cell.id);
        }
        cells
    }

    /// The positions of columns among those in which a cell begins.
    fn positions(&self, columns: &Range<usize>) -> Range<usize> {
        let position = |column: usize| self.columns.partition_point(|&start| start < column);
        position(columns.start)..position(columns.end)
    }
}

/// The caption and the groups of rows in the order in which a browser shows them.
fn row_groups(tree: &Tree, index: &PageIndex, table: NodeId) -> (Option<NodeId>, Vec<RowGroup>) {
    let mut caption = None;
    let mut groups: Vec<RowGroup> = Vec::new();
    for child in tree.children(table).filter(|&child| is_shown(index, child)) {
        let (order, in_head) = match tree.tag(child) {
            Tag::Caption => {
                caption = caption.or(Some(child));
                continue;
            }
            Tag::Tr => {
                match groups.last_mut() {
                    Some(group) if group.order == GroupOrder::Implied => group.rows.push(child),
                    _ => groups.push(RowGroup { order: GroupOrder::Implied, in_head: false, rows: vec![child] }),
                }
                continue;
            }
            Tag::Thead => (GroupOrder::Head, true),
            Tag::Tbody => (GroupOrder::Body, false),
            Tag::Tfoot => (GroupOrder::Foot, false),
            _ => continue,
        };
        let is_first = !groups.iter().any(|group| group.order == order);
        let order = if is_first { order } else { GroupOrder::Body };
        let is_row = |&id: &NodeId| tree.tag(id) == Tag::Tr && is_shown(index, id);
        groups.push(RowGroup { order, in_head, rows: tree.children(child).filter(is_row).collect() });
    }
    groups.sort_by_key(|group| match group.order {
        GroupOrder::Head => 0,
        GroupOrder::Body | GroupOrder::Implied => 1,
        GroupOrder::Foot => 2,
    });
    (caption, groups)
}

fn is_shown(index: &PageIndex, id: NodeId) -> bool {
    !index.flags(id).any(NodeFlags::HIDDEN | NodeFlags::EXCLUDED)
}

/// Places the cells of one group of rows.
struct Placement<'a> {
    tree: &'a Tree,
    cells_left: &'a mut usize,
    /// The cells that span the next row, in the order of their first column.
    spans: Vec<Span>,
}

struct Span {
    columns: Range<usize>,
    rows_left: usize,
}

impl Placement<'_> {
    /// Places the cells of the next row. Also returns the columns that earlier rows span.
    fn place(&mut self, cells: &[NodeId]) -> (Vec<PlacedCell>, Vec<Range<usize>>) {
        let Some(left) = self.cells_left.checked_sub(cells.len() + self.spans.len()) else {
            self.spans.clear();
            let unaligned = cells.iter().enumerate().map(|(at, &id)| PlacedCell { id, columns: at..at + 1 });
            return (unaligned.collect(), Vec::new());
        };
        *self.cells_left = left;
        let above: Vec<Range<usize>> = self.spans.iter().map(|span| span.columns.clone()).collect();
        self.spans.retain_mut(|span| {
            span.rows_left -= 1;
            span.rows_left > 0
        });
        let (mut column, mut occupied) = (0, above.iter().peekable());
        let mut placed = Vec::with_capacity(cells.len());
        for &id in cells {
            while let Some(columns) = occupied.next_if(|columns| columns.start <= column) {
                column = column.max(columns.end);
            }
            let columns = column..column + colspan(self.tree, id);
            column = columns.end;
            match rowspan(self.tree, id) {
                1 => {}
                rows => self.spans.push(Span { columns: columns.clone(), rows_left: rows - 1 }),
            }
            placed.push(PlacedCell { id, columns });
        }
        self.spans.sort_by_key(|span| span.columns.start);
        (placed, above)
    }
}

fn colspan(tree: &Tree, cell: NodeId) -> usize {
    leading_number(tree, cell, "colspan").filter(|&columns| columns > 0).unwrap_or(1).min(MAX_COLSPAN)
}

/// 0 reaches to the end of the group.
fn rowspan(tree: &Tree, cell: NodeId) -> usize {
    match leading_number(tree, cell, "rowspan") {
        None => 1,
        Some(0) => usize::MAX,
        Some(rows) => rows.min(MAX_ROWSPAN),
    }
}

/// The number at the start of an attribute, by the rules of the HTML standard; `None` if there is none.
fn leading_number(tree: &Tree, cell: NodeId, name: &str) -> Option<usize> {
    let value = tree.attr(cell, name)?.trim_ascii_start();
    let value = value.strip_prefix('+').unwrap_or(value);
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| value[..digits].parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
