//! Keeps the passages that a query asks for, by Okapi BM25 over the page's own passages.

use std::collections::{HashMap, HashSet};

use rust_stemmers::{Algorithm, Stemmer};

use super::filter::Bm25;
use super::passages::Passages;
use crate::ReadError;
use crate::budget::Watch;
use crate::index::Survey;
use crate::tree::{Tag, Tree};

const K1: f64 = 1.5;
const B: f64 = 0.75;
/// Further words of a query are not looked for.
const MOST_TERMS: usize = 64;

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

/// The languages whose words can be stemmed.
pub const STEMMING_LANGUAGES: [&str; LANGUAGES.len()] = {
    let mut names = [""; LANGUAGES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = LANGUAGES[at].0;
        at += 1;
    }
    names
};

/// One flag a passage. With a query and a page of no words in common, nothing is kept.
pub(super) fn asked_for(
    tree: &Tree,
    survey: &Survey,
    found: &Passages,
    filter: &Bm25,
    watch: &Watch,
) -> Result<Vec<bool>, ReadError> {
    let language = filter.stemming.as_deref();
    let algorithm = LANGUAGES.iter().find(|(name, _)| Some(*name) == language).map(|(_, algorithm)| *algorithm);
    let reader = Reader { stemmer: algorithm.map(Stemmer::create) };
    let query = if filter.query.trim().is_empty() { topic(tree, survey, found) } else { filter.query.clone() };
    let terms: HashMap<String, usize> =
        reader.terms(&query).into_iter().enumerate().map(|(at, term)| (term, at)).collect();
    let mut documents = Vec::with_capacity(found.list.len());
    for at in 0..found.list.len() {
        watch.step()?;
        documents.push(reader.document(&found.text(tree, at), &terms));
    }
    let weights = weights(&documents, terms.len());
    let length = documents.iter().map(|document| document.words).sum::<usize>() as f64 / documents.len().max(1) as f64;
    let kept = documents.iter().zip(&found.list).map(|(document, passage)| {
        let tag = found.frames[passage.within as usize].tag;
        document.score(&weights, length) * weight_of(tag, passage.inline.strong) >= filter.threshold
    });
    Ok(kept.collect())
}

/// How often a passage has each term.
struct Document {
    words: usize,
    counts: HashMap<usize, usize>,
}

impl Document {
    fn score(&self, weights: &[f64], average: f64) -> f64 {
        let length = K1 * (1.0 - B + B * self.words as f64 / average.max(1.0));
        let of_term =
            |(term, count): (&usize, &usize)| weights[*term] * *count as f64 * (K1 + 1.0) / (*count as f64 + length);
        self.counts.iter().map(of_term).sum()
    }
}

/// What each term weighs: the more, the fewer passages have it, and never nothing.
fn weights(documents: &[Document], terms: usize) -> Vec<f64> {
    let mut having = vec![0usize; terms];
    documents.iter().flat_map(|document| document.counts.keys()).for_each(|&term| having[term] += 1);
    let all = documents.len() as f64;
    having.iter().map(|&n| (1.0 + (all - n as f64 + 0.5) / (n as f64 + 0.5)).ln()).collect()
}

fn weight_of(tag: Tag, strong: bool) -> f64 {
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

/// What the page says it is about.
fn topic(tree: &Tree, survey: &Survey, found: &Passages) -> String {
    let mut topic = survey.title.map(|title| crate::text::text_of_raw(tree, title)).unwrap_or_default();
    for meta in survey.metas.iter().filter_map(|&meta| tree.element(meta)) {
        if matches!(meta.attr("name"), Some("description" | "keywords")) {
            topic.push(' ');
            topic.push_str(meta.attr("content").unwrap_or_default());
        }
    }
    if let Some(h1) = found.list.iter().position(|passage| found.frames[passage.within as usize].tag == Tag::H1) {
        topic.push(' ');
        topic.push_str(&found.text(tree, h1));
    }
    topic
}

struct Reader {
    stemmer: Option<Stemmer>,
}

impl Reader {
    fn words<'t>(&'t self, text: &'t str) -> impl Iterator<Item = String> + 't {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
            let word = word.to_lowercase();
            self.stemmer.as_ref().map_or_else(|| word.clone(), |stemmer| stemmer.stem(&word).into_owned())
        })
    }

    /// The words of a query, each once.
    fn terms(&self, query: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        self.words(query).filter(|term| seen.insert(term.clone())).take(MOST_TERMS).collect()
    }

    fn document(&self, text: &str, terms: &HashMap<String, usize>) -> Document {
        let mut document = Document { words: 0, counts: HashMap::new() };
        for word in self.words(text) {
            document.words += 1;
            if let Some(&term) = terms.get(&word) {
                *document.counts.entry(term).or_default() += 1;
            }
        }
        document
    }
}
