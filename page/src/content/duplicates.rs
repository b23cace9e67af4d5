//! Finds repeated text blocks, such as copies for narrow and wide screens.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::hierarchy::Hierarchy;
use super::text_blocks::TextBlocks;
use crate::tree::Tag;

/// Shorter text blocks may be repeated on purpose: names, labels, answers.
const MIN_WORDS: u32 = 5;
/// Containers around two text blocks that are compared.
const LEVELS: usize = 4;

/// Which text blocks repeat a more probable one. Table cells, code, and parts of similar siblings that differ otherwise
/// (products, steps) are exempt.
pub(super) fn copies(found: &TextBlocks, hierarchy: &Hierarchy, probabilities: &[f32]) -> Vec<bool> {
    let mut copies = vec![false; found.blocks.len()];
    let mut kept: HashMap<_, usize> = HashMap::new();
    for (at, block) in found.blocks.iter().enumerate() {
        let counts = &block.counts;
        if counts.words < MIN_WORDS || matches!(found.container(block).tag, Tag::Td | Tag::Th | Tag::Pre) {
            continue;
        }
        match kept.entry((block.fingerprint, counts.words, counts.letters)) {
            Entry::Vacant(first) => drop(first.insert(at)),
            Entry::Occupied(before) if are_in_siblings(found, hierarchy, *before.get(), at) => {}
            Entry::Occupied(mut before) if probabilities[at] > probabilities[*before.get()] => {
                copies[before.insert(at)] = true;
            }
            Entry::Occupied(_) => copies[at] = true,
        }
    }
    copies
}

/// Whether two text blocks are in two similar siblings that differ.
fn are_in_siblings(found: &TextBlocks, hierarchy: &Hierarchy, one: usize, other: usize) -> bool {
    let mut pair = [one, other].map(|at| Some(hierarchy.outermost(found.blocks[at].container)));
    for _ in 0..LEVELS {
        let [Some(one), Some(other)] = pair else { return false };
        if one == other {
            return false;
        }
        let differ = found.containers[one as usize].counts.letters != found.containers[other as usize].counts.letters;
        if differ && hierarchy.are_in_one_group(one, other) {
            return true;
        }
        pair = [one, other].map(|at| hierarchy.larger_parent(at).map(|at| hierarchy.outermost(at)));
    }
    false
}
