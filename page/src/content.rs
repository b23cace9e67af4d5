//! The main content of a page.
//!
//! The page is cut into passages; each is described by some hundred numbers, judged by a model, and kept or left out by
//! what is expected to make the best whole. What is left out is taken off the tree, and the tree is written once more.

mod bm25;
mod bytes;
mod choose;
mod counts;
mod features;
mod filter;
mod marks;
mod model;
mod names;
mod outline;
mod page_features;
mod passages;
mod prune;
mod pruning;
mod repeats;

use serde_json::{Value, json};

use crate::budget::Watch;
use crate::index::Survey;
use crate::tree::Tree;
use crate::urls::Base;
use crate::{ReadError, text};
use counts::Known;
use features::Scene;
use model::Model;
use outline::Outline;
use passages::{Frame, Passages};

pub use bm25::STEMMING_LANGUAGES;
pub use filter::{Bm25, ContentFilter, Pruning};

/// What judging one passage takes, in steps.
const JUDGED: usize = 64;
/// Passages that are judged at once: their numbers stay small and close.
const BATCH: usize = 64;

/// Leaves of the tree what the filter says is its content.
pub(crate) fn reduce(
    tree: &mut Tree,
    survey: &Survey,
    base: &Base,
    filter: &ContentFilter,
    watch: &Watch,
) -> Result<(), ReadError> {
    let found = passages::passages(tree, survey, &known(tree, survey), watch)?;
    let keep = match filter {
        ContentFilter::Main => main_content(tree, survey, base, &found, watch)?,
        ContentFilter::Pruning(pruning) => pruning::dense(tree, &found, pruning, watch)?,
        ContentFilter::Bm25(bm25) => bm25::asked_for(tree, survey, &found, bm25, watch)?,
    };
    prune::prune(tree, survey, &found, &keep, watch)
}

fn main_content(
    tree: &Tree,
    survey: &Survey,
    base: &Base,
    found: &Passages,
    watch: &Watch,
) -> Result<Vec<bool>, ReadError> {
    let outline = Outline::of(&found.frames);
    let scene = Scene::of(found, &outline, page_features::page_features(tree, survey, base, found));
    let mut likely = Vec::with_capacity(found.list.len());
    let mut numbers = Vec::new();
    for first in (0..found.list.len()).step_by(BATCH) {
        let batch = first..(first + BATCH).min(found.list.len());
        watch.work.spend(batch.len() * JUDGED);
        watch.check()?;
        numbers.clear();
        let count = batch.len();
        batch.for_each(|at| scene.describe(at, &mut numbers, None));
        likely.extend(Model::own().judge(&numbers, numbers.len() / count));
    }
    repeats::once(found, &mut likely);
    let words: Vec<f32> = found.list.iter().map(|passage| passage.counts.words as f32).collect();
    Ok(choose::choose(&likely, &words))
}

/// The words of the page's title and description.
fn known(tree: &Tree, survey: &Survey) -> Known {
    let title = survey.title.map(|title| text::text_of_raw(tree, title)).unwrap_or_default();
    let mut texts = vec![(title.as_str(), Known::TITLE)];
    for meta in survey.metas.iter().filter_map(|&meta| tree.element(meta)) {
        let name = meta.attr("property").or_else(|| meta.attr("name")).unwrap_or_default();
        let content = meta.attr("content").unwrap_or_default();
        match name {
            "og:title" => texts.push((content, Known::TITLE)),
            "description" | "og:description" => texts.push((content, Known::DESCRIPTION)),
            _ => {}
        }
    }
    Known::of_texts(&texts)
}

/// All that a model may learn from, for a program that trains one.
pub(crate) fn dump(tree: &Tree, survey: &Survey, base: &Base, watch: &Watch) -> Result<Value, ReadError> {
    let known = known(tree, survey);
    let found = passages::passages(tree, survey, &known, watch)?;
    let outline = outline::Outline::of(&found.frames);
    let scene = Scene::of(&found, &outline, page_features::page_features(tree, survey, base, &found));
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    for at in 0..found.list.len() {
        let mut row = Vec::new();
        scene.describe(at, &mut row, (at == 0).then_some(&mut columns));
        rows.push(row);
    }
    let texts: Vec<String> = (0..found.list.len()).map(|at| found.text(tree, at)).collect();
    let within: Vec<u32> = found.list.iter().map(|passage| passage.within).collect();
    let frame = |frame: &Frame| json!([frame.parent.cast_signed(), found.names_of(frame)]);
    let frames: Vec<Value> = found.frames.iter().map(frame).collect();
    Ok(json!({"columns": columns, "rows": rows, "texts": texts, "within": within, "frames": frames}))
}

#[cfg(test)]
mod tests;
