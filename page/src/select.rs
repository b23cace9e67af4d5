//! Applies a caller's [`Selection`](crate::Selection) to the tree, before any output is produced.

pub(crate) mod css;
mod narrow;
mod remove;
mod require;
pub(crate) mod xpath;

pub(crate) use narrow::narrow;
pub(crate) use remove::remove_unwanted;
pub(crate) use require::{require_match, require_match_in_text};

#[cfg(test)]
mod tests;
