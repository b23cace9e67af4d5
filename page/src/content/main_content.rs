//! Reduces a page to its main content.

use super::bm25_filter;
use super::duplicates::suppress_duplicates;
use super::expected_f1;
use super::features::FeatureExtractor;
use super::hierarchy::Hierarchy;
use super::model::ContentModel;
use super::prune_tree::prune_tree;
use super::pruning_filter;
use super::segmenter::segment;
use super::text_blocks::TextBlocks;
use super::topic_words::TopicWords;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::options::ContentFilter;
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
    let found = segment(tree, index, &TopicWords::of_page(tree, index), budget)?;
    let keep = match filter {
        ContentFilter::Main => classify(tree, index, base, &found, budget)?,
        ContentFilter::Pruning(options) => pruning_filter::select(tree, &found, options, budget)?,
        ContentFilter::Bm25(options) => bm25_filter::select(tree, index, &found, options, budget)?,
    };
    prune_tree(tree, index, &found, &keep, budget)
}

/// Whether each text block is main content, according to the model.
fn classify(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    found: &TextBlocks,
    budget: &Budget,
) -> Result<Vec<bool>, ReadError> {
    let hierarchy = Hierarchy::of(&found.containers);
    let extractor = FeatureExtractor::new(tree, index, base, found, &hierarchy);
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
    suppress_duplicates(found, &mut probabilities);
    let words: Vec<f32> = found.blocks.iter().map(|block| block.counts.words as f32).collect();
    Ok(expected_f1::select(&probabilities, &words))
}
