//! Walks over the tree once and converts its elements to blocks with inline content.

mod blocks;
mod inline_elements;
mod lists;
mod state;
mod table;
mod walk;

use super::citations::WrittenMarkdown;
use super::page_source::PageSource;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::tree::NodeId;
use state::Writer;

/// Writes a page. Elements that begin after `source.max_bytes` are left out.
pub(super) fn write<'t>(source: PageSource<'t>, budget: &'t Budget) -> Result<WrittenMarkdown, ReadError> {
    let mut writer = Writer::new(source, budget);
    writer.walk(NodeId::ROOT)?;
    writer.flush();
    let mut text = writer.output.text;
    if !text.is_empty() {
        text.push('\n');
    }
    Ok(WrittenMarkdown { text, edits: writer.edits })
}
