//! Features of the position of a text block on the page.

use super::context::BlockContext;
use super::row::{FeatureRow, ratio};
use crate::content::phrase_lexicon::KINDS;
use crate::element_kind::heading_level;

pub(super) fn append(context: &BlockContext, at: usize, row: &mut FeatureRow<'_>) {
    let total = context.found.blocks.len();
    row.put("position", at as f32 / total as f32);
    row.put("position in words", ratio(context.words_before[at], context.total.words));
    row.put("position in prose", ratio(context.prose_before[at], context.total.prose_words));
    row.put("from start", (at as f32).min(200.0));
    row.put("from end", ((total - at) as f32).min(200.0));
    let distance = |from: Option<usize>| match from {
        Some(from) => (at as f32 - from as f32).clamp(-100.0, 200.0),
        None => -200.0,
    };
    row.put("from h1", distance(context.first_h1));
    row.put("from title", distance(context.title_block));
    let heading = context.heading_before[at];
    let block = heading.map(|heading| context.block(heading));
    row.put("from heading", heading.map_or(99.0, |heading| ((at - heading) as f32).min(50.0)));
    let level = block.and_then(|block| heading_level(context.container(block).tag)).unwrap_or(0);
    row.put("heading level", level as f32);
    row.put("heading words", block.map_or(-1.0, |block| block.counts.words as f32));
    row.put("heading weight", block.map_or(0.0, |block| block.word_weights.sum));
    let phrases = block.map_or(0, |block| block.phrases);
    for (kind, (name, _)) in KINDS.iter().enumerate() {
        row.flag_with("heading ", name, phrases & 1 << kind != 0);
    }
    let of = context.block(at);
    let (above, below) = context.main.levels(of.container);
    row.put("above main", above);
    row.put("below main", below);
    row.put("side of main", context.main.side(context.found, at));
    let main = context.main.index().map(|main| &context.found.containers[main].counts);
    row.put("main share", main.map_or(0.0, |main| ratio(main.words, context.total.words)));
    row.put("main prose share", main.map_or(0.0, |main| ratio(main.prose_words, context.total.prose_words)));
    row.put("main linked", main.map_or(0.0, |main| ratio(main.linked_words, main.words)));
}
