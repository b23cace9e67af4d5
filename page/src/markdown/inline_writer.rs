//! Writes the inline content of one paragraph, heading or cell: collapses white space, writes styles where they take
//! effect, and resolves links.
//!
//! White space and the start of styles and links are deferred until the next visible item, so a style never begins or
//! ends with a space, and invisible content leaves no trace.

mod links;
mod state;
mod styles;
mod text;

use std::borrow::Cow;

use super::citations::CitationEdits;
use super::code::write_code_span;
use super::escape;
use super::inlines::Inline;
use super::page_source::PageSource;
use state::{Gap, InlineWriter};

pub(super) use state::LineContext;

/// Appends inline content to `out`. `prefix` begins each further line.
pub(super) fn write<'t>(
    out: &mut String,
    prefix: &str,
    edits: &mut CitationEdits,
    source: PageSource<'t>,
    items: &[Inline<'t>],
    context: LineContext,
) {
    let mut writer = InlineWriter::new(out, prefix, edits, source, items, context);
    let mut index = 0;
    while index < items.len() {
        let is_full = writer.out.len() > source.max_bytes;
        match &items[index] {
            // Only what is open is closed.
            item if is_full && !matches!(item, Inline::Close(_) | Inline::LinkClose(_)) => {}
            Inline::Text(text) => writer.text(text, index),
            Inline::Open(_) | Inline::LinkOpen(_) => writer.deferred.push(index),
            Inline::Close(style) => writer.close_style(*style, index),
            Inline::LinkClose(anchor) => writer.close_link(*anchor),
            Inline::Image(image) => writer.image(*image),
            Inline::Code(_) => index = write_code(&mut writer, index),
            Inline::Raw(raw) => writer.raw(raw),
            Inline::Break => {
                writer.widen_gap(if writer.context == LineContext::Heading { Gap::Space } else { Gap::Break });
            }
            Inline::Boundary => {
                writer.widen_gap(if writer.context == LineContext::Cell { Gap::Break } else { Gap::Space });
            }
        }
        index += 1;
    }
    writer.finish_line();
    if writer.context == LineContext::Heading {
        let start = writer.line_start;
        escape::fix_heading_end(writer.out, start);
    }
}

/// Writes adjacent code items as one code span. Returns the index of the last one.
fn write_code(writer: &mut InlineWriter, index: usize) -> usize {
    let mut code = Cow::Borrowed("");
    let mut last = index;
    for (at, item) in writer.items.iter().enumerate().skip(index) {
        let Inline::Code(more) = item else { break };
        code = if code.is_empty() { more.clone() } else { code + more.as_ref() };
        last = at;
    }
    if !code.is_empty() {
        writer.write_deferred('`', false);
        write_code_span(&code, writer.context == LineContext::Cell, writer.out);
        writer.plain_from = writer.out.len();
    }
    last
}
