//! Features of the text blocks before and after a text block.

use super::block::tag_class;
use super::context::BlockContext;
use super::row::{FeatureRow, log, ratio};

pub(super) fn append(context: &BlockContext, at: usize, row: &mut FeatureRow<'_>) {
    for step in [-3isize, -2, -1, 1, 2, 3] {
        append_neighbour(context, at, step, row);
    }
    for reach in [3, 8, 20] {
        let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(context.found.blocks.len()));
        let words = context.words_before[to] - context.words_before[from];
        let linked = context.linked_before[to] - context.linked_before[from];
        let prose = context.prose_before[to] - context.prose_before[from];
        row.put_with("near words ", reach, words as f32 / (to - from) as f32);
        row.put_with("near linked ", reach, ratio(linked, words));
        row.put_with("near prose ", reach, ratio(prose, words));
    }
}

fn append_neighbour(context: &BlockContext, at: usize, step: isize, row: &mut FeatureRow<'_>) {
    let other = at.checked_add_signed(step).and_then(|other| context.found.blocks.get(other));
    row.put_with("words ", step, other.map_or(-1.0, |other| log(other.counts.words)));
    if step.abs() < 3 {
        let linked = other.map_or(-1.0, |other| ratio(other.counts.linked_words, other.counts.words));
        row.put_with("linked ", step, linked);
        let tag = other.map_or(-1.0, |other| f32::from(tag_class(context.container(other).tag)));
        row.put_with("tag ", step, tag);
        let parent = |container: u32| context.hierarchy.larger_parent(context.hierarchy.outermost(container));
        let are_siblings = other
            .map_or(-1.0, |other| f32::from(u8::from(parent(context.block(at).container) == parent(other.container))));
        row.put_with("siblings ", step, are_siblings);
    }
}
