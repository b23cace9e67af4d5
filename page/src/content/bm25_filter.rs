//! Keeps the text blocks that are relevant to a query, by Okapi BM25 over the text blocks of the page.

use std::collections::{HashMap, HashSet};

use rust_stemmers::{Algorithm, Stemmer};

use super::text_blocks::TextBlocks;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::options::Bm25;
use crate::text;
use crate::tree::{Tag, Tree};

const K1: f64 = 1.5;
const B: f64 = 0.75;
/// Further words of a query are ignored.
const MAX_TERMS: usize = 64;

const LANGUAGES: [(&str, Algorithm); 18] = [
    ("arabic", Algorithm::Arabic),
    ("danish", Algorithm::Danish),
    ("dutch", Algorithm::Dutch),
    ("english", Algorithm::English),
    ("finnish", Algorithm::Finnish),
    ("french", Algorithm::French),
    ("german", Algorithm::German),
    ("greek", Algorithm::Greek),
    ("hungarian", Algorithm::Hungarian),
    ("italian", Algorithm::Italian),
    ("norwegian", Algorithm::Norwegian),
    ("portuguese", Algorithm::Portuguese),
    ("romanian", Algorithm::Romanian),
    ("russian", Algorithm::Russian),
    ("spanish", Algorithm::Spanish),
    ("swedish", Algorithm::Swedish),
    ("tamil", Algorithm::Tamil),
    ("turkish", Algorithm::Turkish),
];

/// The languages for [`Bm25::stemming`](crate::Bm25::stemming).
pub const STEMMING_LANGUAGES: [&str; LANGUAGES.len()] = {
    let mut names = [""; LANGUAGES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = LANGUAGES[at].0;
        at += 1;
    }
    names
};

/// Whether to keep each text block. If no word of the query occurs on the page, no block is kept.
pub(super) fn select(
    tree: &Tree,
    index: &PageIndex,
    found: &TextBlocks,
    filter: &Bm25,
    budget: &Budget,
) -> Result<Vec<bool>, ReadError> {
    let language = filter.stemming.as_deref();
    let algorithm = LANGUAGES.iter().find(|(name, _)| Some(*name) == language).map(|(_, algorithm)| *algorithm);
    let tokenizer = Tokenizer { stemmer: algorithm.map(Stemmer::create) };
    let query = if filter.query.trim().is_empty() { topic(tree, index, found) } else { filter.query.clone() };
    let terms: HashMap<String, usize> =
        tokenizer.terms(&query).into_iter().enumerate().map(|(at, term)| (term, at)).collect();
    let mut documents = Vec::with_capacity(found.blocks.len());
    for block in &found.blocks {
        budget.step()?;
        documents.push(tokenizer.term_counts(&found.text(tree, block), &terms));
    }
    let weights = weights(&documents, terms.len());
    let length = documents.iter().map(|document| document.words).sum::<usize>() as f64 / documents.len().max(1) as f64;
    let keep = documents.iter().zip(&found.blocks).map(|(document, block)| {
        let tag = found.container(block).tag;
        document.score(&weights, length) * tag_weight(tag, block.inline.strong) >= filter.threshold
    });
    Ok(keep.collect())
}

/// The number of words of a text block and how often it contains each term.
struct TermCounts {
    words: usize,
    counts: HashMap<usize, usize>,
}

impl TermCounts {
    fn score(&self, weights: &[f64], average: f64) -> f64 {
        let length = K1 * (1.0 - B + B * self.words as f64 / average.max(1.0));
        let of_term =
            |(term, count): (&usize, &usize)| weights[*term] * *count as f64 * (K1 + 1.0) / (*count as f64 + length);
        self.counts.iter().map(of_term).sum()
    }
}

/// The inverse document frequency of each term, always positive.
fn weights(documents: &[TermCounts], terms: usize) -> Vec<f64> {
    let mut frequencies = vec![0usize; terms];
    documents.iter().flat_map(|document| document.counts.keys()).for_each(|&term| frequencies[term] += 1);
    let all = documents.len() as f64;
    frequencies.iter().map(|&n| (1.0 + (all - n as f64 + 0.5) / (n as f64 + 0.5)).ln()).collect()
}

fn tag_weight(tag: Tag, strong: bool) -> f64 {
    match tag {
        Tag::H1 => 5.0,
        Tag::H2 => 4.0,
        Tag::H3 => 3.0,
        Tag::Blockquote => 2.0,
        Tag::Pre | Tag::Th => 1.5,
        _ if strong => 1.5,
        _ => 1.0,
    }
}

/// The topic of the page: its title, description, keywords and first heading.
fn topic(tree: &Tree, index: &PageIndex, found: &TextBlocks) -> String {
    let mut topic = index.title.map(|title| text::raw_text(tree, title)).unwrap_or_default();
    for meta in index.metas.iter().filter_map(|&meta| tree.element(meta)) {
        if matches!(meta.attr("name"), Some("description" | "keywords")) {
            topic.push(' ');
            topic.push_str(meta.attr("content").unwrap_or_default());
        }
    }
    if let Some(h1) = found.blocks.iter().find(|block| found.container(block).tag == Tag::H1) {
        topic.push(' ');
        topic.push_str(&found.text(tree, h1));
    }
    topic
}

/// Splits texts into words and stems them.
struct Tokenizer {
    stemmer: Option<Stemmer>,
}

impl Tokenizer {
    fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = String> + 't {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
            let word = word.to_lowercase();
            self.stemmer.as_ref().map_or_else(|| word.clone(), |stemmer| stemmer.stem(&word).into_owned())
        })
    }

    /// The distinct words of a query.
    fn terms(&self, query: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        self.words(query).filter(|term| seen.insert(term.clone())).take(MAX_TERMS).collect()
    }

    fn term_counts(&self, text: &str, terms: &HashMap<String, usize>) -> TermCounts {
        let mut document = TermCounts { words: 0, counts: HashMap::new() };
        for word in self.words(text) {
            document.words += 1;
            if let Some(&term) = terms.get(&word) {
                *document.counts.entry(term).or_default() += 1;
            }
        }
        document
    }
}
