//! Keeps headings whose sections are kept.

use super::text_blocks::{NO_PARENT, TextBlocks};
use crate::element_kind::heading_level;
use crate::tree::Tag;

/// A container with at most this many words after a heading contains only the heading, perhaps with a link to edit it.
const MAX_WORDS_BESIDE_HEADING: u32 = 3;

/// Keeps each heading if more than half of the words in its section are kept: the text up to the next heading of the
/// same or a higher level, within the nearest container that has text after the heading.
pub(super) fn keep_headings(found: &TextBlocks, keep: &mut [bool]) {
    let mut words_before = vec![0];
    found.blocks.iter().for_each(|block| words_before.push(words_before[words_before.len() - 1] + block.counts.words));
    // The first text block of the following headings, by level.
    let mut next = [found.blocks.len(); 7];
    for (at, container) in found.containers.iter().enumerate().rev() {
        let Some(level) = heading_level(container.tag) else { continue };
        let (first, last) = (container.blocks.start as usize, container.blocks.end as usize);
        let limit = next[..=level].iter().copied().min().unwrap_or(last);
        next[level] = first;
        if let Some(end) = section_end(found, at, &words_before) {
            let section = last..end.min(limit).max(last);
            let kept: u32 = section.clone().filter(|&at| keep[at]).map(|at| found.blocks[at].counts.words).sum();
            if kept * 2 > words_before[section.end] - words_before[section.start] {
                keep[first..last].fill(true);
            }
        }
    }
}

/// Where the nearest container ends that has text after the heading. `None` if that is beyond a landmark.
fn section_end(found: &TextBlocks, heading: usize, words_before: &[u32]) -> Option<usize> {
    let last = found.containers[heading].blocks.end as usize;
    let mut at = found.containers[heading].parent;
    while at != NO_PARENT {
        let container = &found.containers[at as usize];
        let end = container.blocks.end as usize;
        if words_before[end] - words_before[last] > MAX_WORDS_BESIDE_HEADING {
            return Some(end);
        }
        if matches!(container.tag, Tag::Nav | Tag::Aside | Tag::Footer) {
            return None;
        }
        at = container.parent;
    }
    Some(last)
}
