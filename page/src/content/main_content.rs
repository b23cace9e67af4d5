//! Reduces a page to its main content.

use super::bm25_filter;
use super::duplicates::copies;
use super::features::FeatureExtractor;
use super::hierarchy::Hierarchy;
use super::model::ContentModel;
use super::prune_tree::prune_tree;
use super::pruning_filter;
use super::selection::{SegmentedPage, Selection};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::options::{ContentFilter, MainContent};
use crate::tree::Tree;
use crate::urls::BaseUrl;

/// Steps of work to classify one text block.
const STEPS_PER_BLOCK: usize = 64;
/// Text blocks that are classified at once, so that their features stay in the CPU cache.
const BATCH: usize = 64;

/// Removes from the tree what the filter does not count as main content.
pub(crate) fn retain_main_content(
    tree: &mut Tree,
    index: &PageIndex,
    base: &BaseUrl,
    filter: &ContentFilter,
    budget: &Budget,
) -> Result<(), ReadError> {
    let page = SegmentedPage::of(tree, index, budget)?;
    let selection = select(tree, index, base, &page, filter, budget)?;
    prune_tree(tree, index, &page.found, &selection.keep, budget)
}

/// Which text blocks are main content according to the filter.
pub(super) fn select(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    page: &SegmentedPage,
    filter: &ContentFilter,
    budget: &Budget,
) -> Result<Selection, ReadError> {
    let found = &page.found;
    let mut selection = match filter {
        ContentFilter::Main(options) => classify(tree, index, base, page, options, budget)?,
        ContentFilter::Pruning(options) => Selection::by_filter(pruning_filter::select(tree, found, options, budget)?),
        ContentFilter::Bm25(options) => Selection::by_filter(bm25_filter::select(tree, index, found, options, budget)?),
    };
    page.complete(&mut selection);
    Ok(selection)
}

/// The text blocks that are main content according to the model.
fn classify(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    page: &SegmentedPage,
    options: &MainContent,
    budget: &Budget,
) -> Result<Selection, ReadError> {
    let found = &page.found;
    let hierarchy = Hierarchy::of(&found.containers);
    let extractor = FeatureExtractor::new(tree, index, base, found, &hierarchy, page.title);
    let mut probabilities = Vec::with_capacity(found.blocks.len());
    let mut features = Vec::new();
    for first in (0..found.blocks.len()).step_by(BATCH) {
        let batch = first..(first + BATCH).min(found.blocks.len());
        budget.work.spend(batch.len() * STEPS_PER_BLOCK);
        budget.check()?;
        features.clear();
        let count = batch.len();
        batch.for_each(|at| extractor.append_features(at, &mut features, None));
        probabilities.extend(ContentModel::built_in().predict(&features, features.len() / count));
    }
    let copies = copies(found, &hierarchy, &probabilities);
    Ok(page.most_probable(probabilities, &copies, options.threshold as f32))
}
