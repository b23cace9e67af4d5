//! Exports the features of a page for training the model.

use serde_json::{Value, json};

use super::features::FeatureExtractor;
use super::hierarchy::Hierarchy;
use super::selection::SegmentedPage;
use super::text_blocks::Container;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::tree::Tree;
use crate::urls::BaseUrl;

/// The text blocks of a page: the names of the features (`columns`), the texts, the containers with their names, and of
/// each block its container, its unit, its number of words and whether it is in the title heading. Also returns the
/// values of the features, block by block.
pub(crate) fn training_data(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    budget: &Budget,
) -> Result<(Value, Vec<f32>), ReadError> {
    let SegmentedPage { found, units, title } = SegmentedPage::of(tree, index, budget)?;
    let hierarchy = Hierarchy::of(&found.containers);
    let extractor = FeatureExtractor::new(tree, index, base, &found, &hierarchy, title);
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    for at in 0..found.blocks.len() {
        extractor.append_features(at, &mut rows, (at == 0).then_some(&mut columns));
    }
    let texts: Vec<String> = found.blocks.iter().map(|block| found.text(tree, block)).collect();
    let block_containers: Vec<u32> = found.blocks.iter().map(|block| block.container).collect();
    let words: Vec<u32> = found.blocks.iter().map(|block| block.counts.words).collect();
    let container = |of: &Container| json!([of.parent.cast_signed(), found.names_of(of)]);
    let containers: Vec<Value> = found.containers.iter().map(container).collect();
    let title = title.map(|title| &found.containers[title].blocks);
    let about = json!({
        "columns": columns,
        "texts": texts,
        "words": words,
        "units": units.of,
        "title": title.map(|title| [title.start, title.end]),
        "block_containers": block_containers,
        "containers": containers,
    });
    Ok((about, rows))
}
