//! Explains the selection of main content, text block by text block.

use super::main_content::select;
use super::selection::{Reason, SegmentedPage};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::options::ContentFilter;
use crate::text::collapse_whitespace;
use crate::tree::Tree;
use crate::urls::BaseUrl;

/// The decision of a content filter about one text block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockDecision {
    /// The text as one line.
    pub text: String,
    /// Whether it is main content.
    pub kept: bool,
    /// The estimated probability that it is content; `None` if the filter does not estimate it.
    pub probability: Option<f32>,
    /// Why it is kept or left out.
    pub reason: &'static str,
}

pub(crate) fn explain(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    filter: &ContentFilter,
    budget: &Budget,
) -> Result<Vec<BlockDecision>, ReadError> {
    let page = SegmentedPage::of(tree, index, budget)?;
    let selection = select(tree, index, base, &page, filter, budget)?;
    let decision = |at: usize| {
        let block = &page.found.blocks[at];
        let container = page.found.container(block);
        let reason = match (selection.reasons[at], selection.keep[at]) {
            (Reason::Title, _) => "title heading",
            (Reason::Section, _) => "heading of a kept section",
            (Reason::Unit, _) => "part of a kept row, item or word",
            (Reason::Copy, false) => "repeats another text block",
            (_, false) if container.unreachable => "not content; hidden, and no control shows it",
            (_, true) => "content",
            (_, false) => "not content",
        };
        let probability = selection.probabilities.as_ref().map(|probabilities| probabilities[at]);
        BlockDecision {
            text: collapse_whitespace(&page.found.text(tree, block)),
            kept: selection.keep[at],
            probability,
            reason,
        }
    };
    Ok((0..page.found.blocks.len()).map(decision).collect())
}
