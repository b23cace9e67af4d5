//! The content filters that a caller may choose.

use serde::{Deserialize, Serialize};

/// How the main content of a page is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentFilter {
    /// Opilio's own classifier, trained on pages of all types.
    Main(MainContent),
    /// Text density, link density and element names.
    Pruning(Pruning),
    /// Relevance to a query.
    Bm25(Bm25),
}

impl Default for ContentFilter {
    fn default() -> Self {
        Self::Main(MainContent::default())
    }
}

/// The parameters of `MainContentFilter`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MainContent {
    /// From 0 to 1: the weight of precision against recall. A higher value leaves out more text.
    pub threshold: f64,
}

impl Default for MainContent {
    fn default() -> Self {
        Self { threshold: 0.5 }
    }
}

/// The parameters of Crawl4AI's `PruningContentFilter`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pruning {
    /// Elements with a lower score are left out.
    pub threshold: f64,
    /// Lower the threshold for elements that are usually content and for dense text; raise it for elements with many
    /// links.
    pub dynamic: bool,
    /// Elements with fewer words are left out; `0`: no minimum.
    pub min_words: u32,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { threshold: 0.48, dynamic: false, min_words: 0 }
    }
}

/// The parameters of Crawl4AI's `BM25ContentFilter`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bm25 {
    /// Blank: the page's own topic (title, description, keywords, first heading).
    pub query: String,
    /// Text blocks with a lower score are left out.
    pub threshold: f64,
    /// The language whose stemmer is applied to both sides before words are compared; `None`: no stemming.
    pub stemming: Option<String>,
}

impl Default for Bm25 {
    fn default() -> Self {
        Self { query: String::new(), threshold: 1.0, stemming: Some("english".to_owned()) }
    }
}
