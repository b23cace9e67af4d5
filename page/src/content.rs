//! Finds the main content of a page.
//!
//! The page is divided into text blocks (`segmenter`). A filter decides which of them to keep: the default one
//! describes each block by about 200 features, estimates with a trained model how likely it is content, and keeps the
//! blocks with the highest expected F1. All other nodes are removed from the tree, and the outputs are written again.

mod bm25_filter;
mod category_distances;
mod class_lexicon;
mod duplicates;
mod expected_f1;
mod explanation;
mod features;
mod hidden_controls;
mod hierarchy;
mod identifiers;
mod little_endian;
mod main_container;
mod main_content;
mod model;
mod name_weights;
mod phrase_lexicon;
mod prune_tree;
mod pruning_filter;
mod sections;
mod segmenter;
mod selection;
mod text_blocks;
mod text_counts;
mod title_heading;
mod topic_words;
mod training;
mod units;

pub use bm25_filter::STEMMING_LANGUAGES;
pub use explanation::BlockDecision;
pub(crate) use explanation::explain;
pub(crate) use main_content::retain_main_content;
pub(crate) use training::training_data;

#[cfg(test)]
mod tests;
