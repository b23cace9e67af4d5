//! Functions for benchmarks and for training the content classifier; not part of the public API.

use serde_json::Value;
use url::Url;

use crate::budget::Budget;
use crate::content;
use crate::error::ReadError;
use crate::index::build_index;
use crate::limits::Limits;
use crate::tree;
use crate::urls::BaseUrl;

/// Parses a page as [`read`](crate::read) does and returns the number of nodes: the baseline for the cost of `read`.
pub fn parse_only(html: &str) -> usize {
    let limits = Limits::default();
    let budget = Budget::start(&limits);
    tree::parse(html, &limits, &budget).map_or(0, |parsed| parsed.tree.len())
}

/// The text blocks of a page and the values of their features, as input for `training/train.py`.
///
/// # Errors
/// The page exceeds the default limits.
pub fn training_data(html: &str, url: &Url) -> Result<(Value, Vec<f32>), ReadError> {
    let limits = Limits::default();
    let budget = Budget::start(&limits);
    let tree = tree::parse(html, &limits, &budget)?.tree;
    let index = build_index(&tree, &budget)?;
    let base = BaseUrl::new(url, index.base_href(&tree));
    content::training_data(&tree, &index, &base, &budget)
}
