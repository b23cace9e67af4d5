//! Features of the containers around a text block.

use super::context::BlockContext;
use super::row::{FeatureRow, ratio};
use crate::content::class_lexicon::CATEGORIES;

/// Containers that are described, each larger than the one before.
const LEVELS: usize = 6;

const NAMES: [&str; 13] = [
    "share @",
    "linked @",
    "block words @",
    "prose @",
    "prose share @",
    "headings @",
    "images @",
    "controls @",
    "group @",
    "group words @",
    "group linked @",
    "group currency signs @",
    "sentence ends @",
];

pub(super) fn append(context: &BlockContext, at: usize, row: &mut FeatureRow<'_>) {
    let block = context.block(at);
    let mut container = Some(block.container);
    for level in 0..LEVELS {
        let values = container.map_or([-1.0; NAMES.len()], |container| describe(context, container));
        NAMES.iter().zip(values).for_each(|(name, value)| row.put_with(name, level, value));
        container = container.and_then(|container| context.hierarchy.larger_parent(container));
    }
    let mut distances = context.hierarchy.distances(block.container);
    distances.reset(block.categories);
    for (category, (name, _)) in CATEGORIES.iter().enumerate() {
        row.put_with("distance to ", name, f32::from(distances.of(category)));
    }
}

fn describe(context: &BlockContext, container: u32) -> [f32; NAMES.len()] {
    let counts = &context.found.containers[container as usize].counts;
    let group = context.hierarchy.group(container);
    [
        ratio(counts.words, context.total.words),
        ratio(counts.linked_words, counts.words),
        ratio(counts.words, counts.blocks),
        ratio(counts.prose_words, counts.words),
        ratio(counts.prose_words, context.total.prose_words),
        ratio(counts.headings, counts.blocks),
        ratio(counts.images, counts.blocks),
        counts.controls.min(50) as f32,
        group.members as f32,
        ratio(group.counts.words, group.members),
        ratio(group.counts.linked_words, group.counts.words),
        ratio(group.counts.currency_signs, group.members).min(4.0),
        ratio(counts.sentence_ends, counts.words),
    ]
}
