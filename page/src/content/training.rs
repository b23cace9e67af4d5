//! Exports the features of a page for training the model.

use serde_json::{Value, json};

use super::features::FeatureExtractor;
use super::hierarchy::Hierarchy;
use super::segmenter::segment;
use super::text_blocks::Container;
use super::topic_words::TopicWords;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::tree::Tree;
use crate::urls::BaseUrl;

/// The text blocks of a page: the names of the features (`columns`), their values (`rows`), the texts, the containers
/// with their names, and the container of each block.
pub(crate) fn training_data(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    budget: &Budget,
) -> Result<Value, ReadError> {
    let found = segment(tree, index, &TopicWords::of_page(tree, index), budget)?;
    let hierarchy = Hierarchy::of(&found.containers);
    let extractor = FeatureExtractor::new(tree, index, base, &found, &hierarchy);
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    for at in 0..found.blocks.len() {
        let mut row = Vec::new();
        extractor.append_features(at, &mut row, (at == 0).then_some(&mut columns));
        rows.push(row);
    }
    let texts: Vec<String> = found.blocks.iter().map(|block| found.text(tree, block)).collect();
    let block_containers: Vec<u32> = found.blocks.iter().map(|block| block.container).collect();
    let container = |of: &Container| json!([of.parent.cast_signed(), found.names_of(of)]);
    let containers: Vec<Value> = found.containers.iter().map(container).collect();
    Ok(json!({
        "columns": columns,
        "rows": rows,
        "texts": texts,
        "block_containers": block_containers,
        "containers": containers,
    }))
}
