//! The Markdown of a whole page, in its three forms.

use super::page_source::PageSource;
use super::{citations, wrap, writer};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::options::MarkdownOptions;
use crate::output::Markdown;
use crate::tree::Tree;
use crate::urls::BaseUrl;

/// Writes a page with citations and references. Elements that begin after `max_bytes` are left out.
pub(crate) fn write(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    options: &MarkdownOptions,
    max_bytes: usize,
    budget: &Budget,
) -> Result<Markdown, ReadError> {
    let written = writer::write(PageSource { tree, index, base, options, max_bytes }, budget)?;
    let mut markdown = Markdown::default();
    if options.citations {
        (markdown.markdown_with_citations, markdown.references_markdown) = citations::cite(&written);
    } else {
        markdown.markdown_with_citations = written.text.clone();
    }
    markdown.raw_markdown = written.text;
    let forms = [&markdown.raw_markdown, &markdown.markdown_with_citations, &markdown.references_markdown];
    budget.reserve_output(forms[0].len());
    budget.begin_output(usize::MAX);
    budget.reserve_output(forms[1].len() + forms[2].len());
    if options.body_width > 0 {
        for text in [&mut markdown.raw_markdown, &mut markdown.markdown_with_citations] {
            *text = wrap::wrapped(text, options.body_width, max_bytes);
        }
    }
    Ok(markdown)
}

/// Writes only the raw Markdown.
pub(crate) fn write_raw(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    options: &MarkdownOptions,
    max_bytes: usize,
    budget: &Budget,
) -> Result<String, ReadError> {
    let text = writer::write(PageSource { tree, index, base, options, max_bytes }, budget)?.text;
    budget.reserve_output(text.len());
    Ok(if options.body_width > 0 { wrap::wrapped(&text, options.body_width, max_bytes) } else { text })
}
