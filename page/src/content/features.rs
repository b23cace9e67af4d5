//! The features from which the model classifies text blocks.

mod ancestors;
mod block;
mod context;
mod neighbours;
mod page;
mod position;
mod row;

use super::hierarchy::Hierarchy;
use super::text_blocks::TextBlocks;
use crate::index::PageIndex;
use crate::tree::Tree;
use crate::urls::BaseUrl;
use context::BlockContext;
use row::FeatureRow;

/// Computes the features of the text blocks of one page.
pub(super) struct FeatureExtractor<'a> {
    context: BlockContext<'a>,
    page: Vec<(&'static str, f32)>,
}

impl<'a> FeatureExtractor<'a> {
    pub(super) fn new(
        tree: &Tree,
        index: &PageIndex,
        base: &BaseUrl,
        found: &'a TextBlocks,
        hierarchy: &'a Hierarchy,
        title: Option<usize>,
    ) -> Self {
        let page = page::features(tree, index, base, found);
        Self { context: BlockContext::of(found, hierarchy, title), page }
    }

    /// Appends the features of a text block to `values`, and their names to `names`. Every block has the same features.
    pub(super) fn append_features(&self, at: usize, values: &mut Vec<f32>, names: Option<&mut Vec<String>>) {
        let mut row = FeatureRow { values, names };
        block::append(&self.context, at, &mut row);
        position::append(&self.context, at, &mut row);
        neighbours::append(&self.context, at, &mut row);
        ancestors::append(&self.context, at, &mut row);
        self.page.iter().for_each(|(name, value)| row.put(name, *value));
    }
}
