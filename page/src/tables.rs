//! Lists the data tables of a page with the text of their cells.

use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::{NodeFlags, PageIndex};
use crate::output::{Table, TableMetadata};
use crate::table_grid::{self, GridCell, TableRows};
use crate::text;
use crate::tree::{NodeId, Tree};

/// Cell texts are cut at a word before this many bytes.
const MAX_TEXT: usize = 4000;
/// Bytes of a cell in addition to its text.
const CELL_BYTES: usize = 27;
/// Bytes of repeated cell texts in all tables of a page.
const MAX_REPEATED_BYTES: usize = 1 << 20;

/// The data tables of a page, without those that score less than `threshold`.
pub(crate) fn tables(
    tree: &Tree,
    index: &PageIndex,
    threshold: Option<u32>,
    budget: &Budget,
) -> Result<Vec<Table>, ReadError> {
    let mut tables = Vec::new();
    let mut limits = TableLimits { cells: table_grid::cell_limit(tree), repeated_bytes: MAX_REPEATED_BYTES };
    for &table in &index.tables {
        budget.step()?;
        let rows = TableRows::of(tree, index, table, &mut limits.cells);
        if rows.is_data_table(tree, index, table) {
            let listed = limits.table(tree, index, table, &rows, budget)?;
            let has_header_cell = index.flags(table).any(NodeFlags::HEADER_CELL);
            if threshold.is_none_or(|threshold| score(&listed, has_header_cell) >= threshold) {
                tables.push(listed);
            }
        }
    }
    Ok(tables)
}

/// The score that [`Options::table_score_threshold`](crate::Options::table_score_threshold) describes.
fn score(table: &Table, has_header_cell: bool) -> u32 {
    let cells = || table.rows.iter().flatten();
    let average = cells().map(String::len).sum::<usize>() / cells().count().max(1);
    let metadata = &table.metadata;
    let has_grid = metadata.column_count > 1 && metadata.row_count + usize::from(metadata.has_headers) > 1;
    let points =
        [metadata.has_headers, has_header_cell, metadata.has_caption, has_grid].into_iter().map(|is| 2 * u32::from(is));
    let text_points = match average {
        0..=10 => 0,
        11..=20 => 2,
        _ => 3,
    };
    points.sum::<u32>() + text_points
}

/// What all tables of a page together may still use, so that spans cannot multiply the size of a page.
struct TableLimits {
    cells: usize,
    repeated_bytes: usize,
}

impl TableLimits {
    fn table(
        &mut self,
        tree: &Tree,
        index: &PageIndex,
        id: NodeId,
        rows: &TableRows,
        budget: &Budget,
    ) -> Result<Table, ReadError> {
        let is_omitted = |id, _: &_| index.flags(id).any(NodeFlags::EXCLUDED | NodeFlags::HIDDEN);
        let mut texts: Vec<Vec<String>> = Vec::new();
        for row in rows.grid(&mut self.cells) {
            budget.step()?;
            let mut texts_of_row: Vec<String> = Vec::with_capacity(row.len());
            for (column, cell) in row.into_iter().enumerate() {
                let text = match cell {
                    GridCell::Empty => String::new(),
                    GridCell::Cell(cell) => text::text_without(tree, cell, MAX_TEXT, is_omitted),
                    GridCell::SpannedFromLeft => self.repeated(texts_of_row.last()),
                    GridCell::SpannedFromAbove => self.repeated(texts.last().and_then(|above| above.get(column))),
                };
                texts_of_row.push(text);
            }
            if !budget.reserve_output(texts_of_row.iter().map(|text| text.len() + CELL_BYTES).sum()) {
                break;
            }
            texts.push(texts_of_row);
        }
        let headers = if rows.has_headers() && !texts.is_empty() { texts.remove(0) } else { Vec::new() };
        Ok(table(tree, id, rows, headers, texts))
    }

    /// The text of a cell that spans another position; empty once the limit is reached.
    fn repeated(&mut self, text: Option<&String>) -> String {
        let text = text.cloned().unwrap_or_default();
        match self.repeated_bytes.checked_sub(text.len()) {
            Some(left) => self.repeated_bytes = left,
            None => return String::new(),
        }
        text
    }
}

fn table(tree: &Tree, id: NodeId, rows: &TableRows, headers: Vec<String>, texts: Vec<Vec<String>>) -> Table {
    let caption = rows.caption.map(|caption| text::text_content(tree, caption, MAX_TEXT)).unwrap_or_default();
    let summary = tree.attr(id, "summary").map(text::collapse_whitespace).unwrap_or_default();
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
    fn spanning_cells_are_repeated_in_a_rectangle() {
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
    fn layout_tables_are_not_listed() {
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
    fn spans_cannot_multiply_the_size_of_a_page() {
        let html =
            format!("<table><tr><th colspan=1000 rowspan=65000>{}{}", "long ".repeat(800), "<tr><td>".repeat(20_000));
        let tables = tables(&html);
        let cells: usize = tables.iter().flat_map(|table| &table.rows).map(Vec::len).sum();
        let bytes: usize = tables.iter().flat_map(|table| &table.rows).flatten().map(String::len).sum();
        assert!(cells < 300_000 && bytes < 2 << 20, "{cells} {bytes}");
    }
}
