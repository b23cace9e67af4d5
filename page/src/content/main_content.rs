//! Reduces a page to its main content.

use super::bm25_filter;
use super::duplicates::suppress_duplicates;
use super::expected_f1;
use super::features::FeatureExtractor;
use super::hierarchy::Hierarchy;
use super::model::ContentModel;
use super::prune_tree::prune_tree;
use super::pruning_filter;
use super::sections::keep_headings;
use super::segmenter::segment;
use super::text_blocks::{Container, TextBlocks};
use super::title_heading::title_heading;
use super::topic_words::TopicWords;
use super::units::Units;
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
    let units = Units::of(tree, index, &found);
    let mut keep = match filter {
        ContentFilter::Main => classify(tree, index, base, &found, &units, budget)?,
        ContentFilter::Pruning(options) => pruning_filter::select(tree, &found, options, budget)?,
        ContentFilter::Bm25(options) => bm25_filter::select(tree, index, &found, options, budget)?,
    };
    if keep.contains(&true) {
        complete(tree, index, &found, &units, &mut keep);
    }
    prune_tree(tree, index, &found, &keep, budget)
}

/// Keeps whole units, headings of kept sections, and the title heading.
fn complete(tree: &Tree, index: &PageIndex, found: &TextBlocks, units: &Units, keep: &mut [bool]) {
    units.complete(keep);
    keep_headings(found, keep);
    if let Some(title) = title_heading(tree, index, found) {
        let Container { blocks, .. } = &found.containers[title];
        keep[blocks.start as usize..blocks.end as usize].fill(true);
    }
    units.complete(keep);
}

/// Whether each text block is main content, according to the model.
fn classify(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    found: &TextBlocks,
    units: &Units,
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
    Ok(select_units(found, units, &probabilities))
}

/// Keeps the units with the highest expected F1. The probability of a unit is the mean over its words.
fn select_units(found: &TextBlocks, units: &Units, probabilities: &[f32]) -> Vec<bool> {
    let mut words = vec![0.0; units.count];
    let mut content = vec![0.0; units.count];
    for ((block, &unit), probability) in found.blocks.iter().zip(&units.of).zip(probabilities) {
        // A block without letters and digits counts as a part of a word.
        let weight = (block.counts.words as f32).max(0.1);
        words[unit as usize] += weight;
        content[unit as usize] += weight * probability;
    }
    content.iter_mut().zip(&words).for_each(|(content, words)| *content /= words);
    let keep = expected_f1::select(&content, &words);
    units.of.iter().map(|&unit| keep[unit as usize]).collect()
}
