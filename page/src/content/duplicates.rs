//! Suppresses repeated text blocks, such as copies for narrow and wide screens.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::text_blocks::TextBlocks;
use crate::tree::Tag;

/// Shorter text blocks may be repeated on purpose: names, labels, answers.
const MIN_WORDS: u32 = 5;

/// Sets the probability of every copy of a text block except the most probable one to 0. Table cells and code are
/// exempt.
pub(super) fn suppress_duplicates(found: &TextBlocks, probabilities: &mut [f32]) {
    let mut kept: HashMap<_, usize> = HashMap::new();
    for (at, block) in found.blocks.iter().enumerate() {
        let counts = &block.counts;
        if counts.words < MIN_WORDS || matches!(found.container(block).tag, Tag::Td | Tag::Th | Tag::Pre) {
            continue;
        }
        match kept.entry((block.fingerprint, counts.words, counts.letters)) {
            Entry::Vacant(first) => drop(first.insert(at)),
            Entry::Occupied(mut before) if probabilities[at] > probabilities[*before.get()] => {
                probabilities[before.insert(at)] = 0.0;
            }
            Entry::Occupied(_) => probabilities[at] = 0.0,
        }
    }
}
