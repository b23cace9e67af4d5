//! Which content filter a caller may choose.

use serde::{Deserialize, Serialize};

/// What counts as the main content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentFilter {
    /// Our own: a model that knows pages of all kinds.
    Main,
    /// By density of text and of links, and by names of elements.
    Pruning(Pruning),
    /// What a query asks for.
    Bm25(Bm25),
}

/// As Crawl4AI's `PruningContentFilter` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pruning {
    /// Elements that score less are left out.
    pub threshold: f64,
    /// The threshold is eased for elements that tend to be content and for those with much text, and raised for those
    /// with many links.
    pub dynamic: bool,
    /// Elements with fewer words are left out; `0`: none for that.
    pub min_words: u32,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { threshold: 0.48, dynamic: false, min_words: 0 }
    }
}

/// As Crawl4AI's `BM25ContentFilter` has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bm25 {
    /// Blank: what the page says it is about (title, description, keywords, first heading).
    pub query: String,
    /// Passages that score less are left out.
    pub threshold: f64,
    /// Whose words' endings are taken off before they are compared; `None`: words are compared whole.
    pub stemming: Option<String>,
}

impl Default for Bm25 {
    fn default() -> Self {
        Self { query: String::new(), threshold: 1.0, stemming: Some("english".to_owned()) }
    }
}
