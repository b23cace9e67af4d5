//! Tables of data: which they are, and what their cells say.

use crate::budget::Watch;
use crate::index::{Holds, Survey};
use crate::tree::{Element, Id, Tag, Tree};
use crate::{ReadError, Table, TableMetadata, text};

/// Wider tables are cut.
const MAX_COLUMNS: usize = 256;
/// A cell's text is cut here, at a word.
const MAX_TEXT: usize = 4000;
/// Cells of a table without a heading that say more than this are parts of a layout.
const MAX_BARE_TEXT: usize = 400;

/// The rows of one table, those of nested ones excluded.
pub(crate) struct Rows {
    pub(crate) caption: Option<Id>,
    rows: Vec<Row>,
    columns: usize,
}

struct Row {
    cells: Vec<Id>,
    in_head: bool,
    all_headings: bool,
}

/// One place in the rectangle that a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Empty,
    Cell(Id),
    /// Covered by the cell to the left.
    FromLeft,
    /// Covered by the cell above.
    FromAbove,
}

impl Rows {
    pub(crate) fn of(tree: &Tree, table: Id) -> Self {
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

    fn push(&mut self, tree: &Tree, row: Id, in_head: bool) {
        if tree.tag(row) != Tag::Tr {
            return;
        }
        let cells: Vec<Id> = tree.children(row).filter(|&id| matches!(tree.tag(id), Tag::Td | Tag::Th)).collect();
        if cells.is_empty() {
            return;
        }
        let width = cells.iter().map(|&cell| span(tree, cell, "colspan")).sum::<usize>();
        self.columns = self.columns.max(width).min(MAX_COLUMNS);
        let all_headings = cells.iter().all(|&cell| tree.tag(cell) == Tag::Th);
        self.rows.push(Row { cells, in_head, all_headings });
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the first row names the columns.
    pub(crate) fn has_headers(&self) -> bool {
        self.rows.first().is_some_and(|row| row.in_head || row.all_headings && self.rows.len() > 1)
    }

    /// Whether it holds data, rather than the parts of a layout.
    pub(crate) fn are_data(&self, tree: &Tree, survey: &Survey, table: Id) -> bool {
        let Some(element) = tree.element(table) else { return false };
        let role = element.attr("role").unwrap_or_default();
        if matches!(role, "presentation" | "none") || survey.holds(table).any(Holds::TABLE) || self.rows.is_empty() {
            return false;
        }
        let headed = survey.holds(table).any(Holds::HEADER_CELL) || self.caption.is_some() || self.has_headers();
        if headed { self.columns > 1 || self.rows.len() > 1 } else { self.are_plain_data(tree, survey, element) }
    }

    /// Without headings: a real rectangle of short cells that nobody drew to place things.
    fn are_plain_data(&self, tree: &Tree, survey: &Survey, element: &Element) -> bool {
        let placed = ["border", "cellpadding"].iter().any(|&name| element.attr(name) == Some("0"));
        if placed || self.columns < 2 || self.rows.len() < 2 {
            return false;
        }
        let mut cells = self.rows.iter().take(1000).flat_map(|row| &row.cells);
        let complex = Holds::STRUCTURE | Holds::HEADING;
        cells
            .all(|&cell| !survey.holds(cell).any(complex) && text::text_of(tree, cell, MAX_TEXT).len() <= MAX_BARE_TEXT)
    }

    /// The cells laid out. Uses up `budget`, a number of slots; what does not fit is cut.
    pub(crate) fn grid(&self, tree: &Tree, budget: &mut usize) -> Vec<Vec<Slot>> {
        let mut below = vec![0usize; self.columns];
        let mut grid = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let Some(left) = budget.checked_sub(self.columns) else { break };
            *budget = left;
            grid.push(laid_out(tree, &row.cells, &mut below));
        }
        grid
    }
}

/// One row. `below` counts, for each column, the rows that a cell above still covers.
fn laid_out(tree: &Tree, cells: &[Id], below: &mut [usize]) -> Vec<Slot> {
    let mut cells = cells.iter();
    let mut slots = Vec::with_capacity(below.len());
    while slots.len() < below.len() {
        let column = slots.len();
        if below[column] > 0 {
            below[column] -= 1;
            slots.push(Slot::FromAbove);
            continue;
        }
        let Some(&cell) = cells.next() else {
            slots.push(Slot::Empty);
            continue;
        };
        let rows = span(tree, cell, "rowspan");
        let end = (column + span(tree, cell, "colspan")).min(below.len());
        below[column..end].fill(rows - 1);
        slots.push(Slot::Cell(cell));
        slots.resize(end, Slot::FromLeft);
    }
    slots
}

fn span(tree: &Tree, cell: Id, name: &str) -> usize {
    let span = tree.attr(cell, name).and_then(|value| value.trim().parse().ok());
    span.unwrap_or(1).clamp(1, MAX_COLUMNS)
}

/// `threshold`: tables that score less are left out.
pub(crate) fn tables(
    tree: &Tree,
    survey: &Survey,
    threshold: Option<u32>,
    watch: &Watch,
) -> Result<Vec<Table>, ReadError> {
    let mut tables = Vec::new();
    let mut budget = Budget { slots: tree.len() * 4, repeated_bytes: 1 << 20 };
    for &table in &survey.tables {
        watch.step()?;
        let rows = Rows::of(tree, table);
        if rows.are_data(tree, survey, table) {
            let table_read = budget.table(tree, table, &rows, watch)?;
            let headed = survey.holds(table).any(Holds::HEADER_CELL);
            if threshold.is_none_or(|least| score(&table_read, headed) >= least) {
                tables.push(table_read);
            }
        }
    }
    Ok(tables)
}

/// As [`Options::table_score_threshold`](crate::Options::table_score_threshold) says.
fn score(table: &Table, headed: bool) -> u32 {
    let cells = || table.rows.iter().flatten();
    let average = cells().map(String::len).sum::<usize>() / cells().count().max(1);
    let metadata = &table.metadata;
    let wide = metadata.column_count > 1 && metadata.row_count + usize::from(metadata.has_headers) > 1;
    let points = [metadata.has_headers, headed, metadata.has_caption, wide].into_iter().map(|is| 2 * u32::from(is));
    let said = match average {
        0..=10 => 0,
        11..=20 => 2,
        _ => 3,
    };
    points.sum::<u32>() + said
}

/// What all tables of a page together may use, so that spans cannot blow it up.
struct Budget {
    slots: usize,
    repeated_bytes: usize,
}

impl Budget {
    fn table(&mut self, tree: &Tree, id: Id, rows: &Rows, watch: &Watch) -> Result<Table, ReadError> {
        let mut texts: Vec<Vec<String>> = Vec::new();
        for slots in rows.grid(tree, &mut self.slots) {
            watch.step()?;
            let mut line: Vec<String> = Vec::with_capacity(slots.len());
            for (column, slot) in slots.into_iter().enumerate() {
                let text = match slot {
                    Slot::Empty => String::new(),
                    Slot::Cell(cell) => text::text_of(tree, cell, MAX_TEXT),
                    Slot::FromLeft => self.repeated(line.last()),
                    Slot::FromAbove => self.repeated(texts.last().and_then(|above| above.get(column))),
                };
                line.push(text);
            }
            texts.push(line);
        }
        let headers = if rows.has_headers() && !texts.is_empty() { texts.remove(0) } else { Vec::new() };
        Ok(described(tree, id, rows, headers, texts))
    }

    fn repeated(&mut self, text: Option<&String>) -> String {
        let text = text.cloned().unwrap_or_default();
        match self.repeated_bytes.checked_sub(text.len()) {
            Some(left) => self.repeated_bytes = left,
            None => return String::new(),
        }
        text
    }
}

fn described(tree: &Tree, id: Id, rows: &Rows, headers: Vec<String>, texts: Vec<Vec<String>>) -> Table {
    let caption = rows.caption.map(|caption| text::text_of(tree, caption, MAX_TEXT)).unwrap_or_default();
    let summary = tree.attr(id, "summary").map(text::collapsed).unwrap_or_default();
    let attr = |name| tree.attr(id, name).filter(|value| !value.is_empty()).map(str::to_owned);
    let metadata = TableMetadata {
        row_count: texts.len(),
        column_count: rows.columns(),
        has_headers: !headers.is_empty(),
        has_caption: !caption.is_empty(),
        has_summary: !summary.is_empty(),
        id: attr("id"),
        class: attr("class"),
    };
    Table { headers, rows: texts, caption, summary, metadata }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Options, Table, read};

    fn tables(html: &str) -> Vec<Table> {
        let url = url::Url::parse("https://a.example/").unwrap();
        read(html, &url, &Options::default(), &Limits::default()).unwrap().tables
    }

    #[test]
    fn a_table_is_a_rectangle_whatever_spans() {
        let tables = tables(
            "<table id=t class=c summary=S><caption>C</caption><thead><tr><th>A<th colspan=2>B</thead>
             <tr><th rowspan=2>x<td>1<td>2<tr><td colspan=2>3<tr><td>y</table>",
        );
        let expected = serde_json::json!([{
            "headers": ["A", "B", "B"],
            "rows": [["x", "1", "2"], ["x", "3", "3"], ["y", "", ""]],
            "caption": "C", "summary": "S",
            "metadata": {"row_count": 3, "column_count": 3, "has_headers": true, "has_caption": true,
                "has_summary": true, "id": "t", "class": "c"},
        }]);
        assert_eq!(serde_json::to_value(tables).unwrap(), expected);
    }

    #[test]
    fn layouts_are_no_tables() {
        for (html, count) in [
            ("<table><tr><td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>", 1),
            ("<table role=presentation><tr><th>a<th>b<tr><td>1<td>2</table>", 0),
            ("<table><tr><td>a<td>b<tr><td>1<td>2</table>", 1),
            ("<table border=0><tr><td>a<td>b<tr><td>1<td>2</table>", 0),
            ("<table><tr><td>a<td><ul><li>b</ul><tr><td>1<td>2</table>", 0),
            ("<table><tr><td>a</table>", 0),
            ("<table></table>", 0),
        ] {
            assert_eq!(tables(html).len(), count, "{html}");
        }
    }

    #[test]
    fn spans_cannot_blow_a_page_up() {
        let html =
            format!("<table><tr><th colspan=1000 rowspan=65000>{}{}", "long ".repeat(800), "<tr><td>".repeat(20_000));
        let tables = tables(&html);
        let slots: usize = tables.iter().flat_map(|table| &table.rows).map(Vec::len).sum();
        let bytes: usize = tables.iter().flat_map(|table| &table.rows).flatten().map(String::len).sum();
        assert!(slots < 300_000 && bytes < 2 << 20, "{slots} {bytes}");
    }
}
