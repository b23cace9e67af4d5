//! Writes a page as Markdown: CommonMark with GitHub's tables, task lists and strikethrough.
//!
//! The crate has its own writer because the existing ones lose meaning: of CommonMark's 581 examples that are not HTML,
//! rendered, converted and rendered again, htmd preserves 548, html2text 468, this writer 574. It works on the crate's
//! tree, in one walk without recursion: `writer` converts elements to blocks and collects inline content (`inlines`),
//! `inline_writer` writes that content, and `output_buffer` maintains the layout of nested lists and quotes.
//!
//! Where Markdown has no syntax: `<sub>` and `<sup>` remain HTML, because without them the meaning changes
//! (`10<sup>6`); a definition list is written `Term` / `: definition`, or with bold terms if definitions contain
//! blocks; formulas are `$TeX$` if the page contains their TeX; a no-break space becomes a space, and soft hyphens are
//! removed.

mod citations;
mod code;
mod document;
mod escape;
mod formula;
mod inline_writer;
mod inlines;
mod output_buffer;
mod page_source;
mod wrap;
mod writer;

pub(crate) use document::{write, write_raw};

#[cfg(test)]
mod tests;
