//! What a page says several times, once for narrow screens and once for wide ones, is content once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::passages::Passages;
use crate::tree::Tag;

/// Shorter passages may well be meant each time: names, labels, answers.
const LEAST: u32 = 5;

/// Of passages of the same words only the likeliest stays likely. Cells and code say what they say where they stand.
pub(super) fn once(found: &Passages, likely: &mut [f32]) {
    let mut kept: HashMap<_, usize> = HashMap::new();
    for (at, passage) in found.list.iter().enumerate() {
        let counts = &passage.counts;
        if counts.words < LEAST || matches!(found.frames[passage.within as usize].tag, Tag::Td | Tag::Th | Tag::Pre) {
            continue;
        }
        match kept.entry((passage.print, counts.words, counts.letters)) {
            Entry::Vacant(first) => drop(first.insert(at)),
            Entry::Occupied(mut before) if likely[at] > likely[*before.get()] => likely[before.insert(at)] = 0.0,
            Entry::Occupied(_) => likely[at] = 0.0,
        }
    }
}
