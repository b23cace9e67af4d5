//! The container with most of the page's prose, and where other containers are relative to it.

use super::hierarchy::Hierarchy;
use super::text_blocks::{NO_PARENT, TextBlocks};

/// Containers around a paragraph that share its weight, each half of the one further in.
const LEVELS: usize = 4;
/// Words of a text block that counts.
const MIN_WORDS: u32 = 8;

/// The main container of a page and, for each container, the levels between both and the nearest container around both.
pub(super) struct MainContainer {
    /// By its index; `None` if the page has no prose.
    container: Option<usize>,
    /// Levels up from the main container.
    above: Vec<u8>,
    /// Levels down to this container.
    below: Vec<u8>,
}

impl MainContainer {
    pub(super) fn of(found: &TextBlocks, hierarchy: &Hierarchy) -> Self {
        let container = main_container(found, hierarchy);
        let count = found.containers.len();
        let (mut above, mut below) = (vec![u8::MAX; count], vec![0_u8; count]);
        let mut levels = 0;
        let mut next = container.map(|container| container as u32);
        while let Some(at) = next.filter(|&at| at != NO_PARENT) {
            above[at as usize] = levels;
            let outermost = hierarchy.outermost(at);
            levels = levels.saturating_add(u8::from(outermost == at)).min(u8::MAX - 1);
            next = Some(found.containers[at as usize].parent);
        }
        for at in 0..count {
            let parent = found.containers[at].parent as usize;
            if above[at] == u8::MAX && parent < count {
                above[at] = above[parent];
                below[at] = below[parent].saturating_add(u8::from(hierarchy.outermost(at as u32) == at as u32));
            }
        }
        Self { container, above, below }
    }

    /// The levels from the main container up to the nearest container around both, and from there down to this one.
    pub(super) fn levels(&self, container: u32) -> (f32, f32) {
        (f32::from(self.above[container as usize]), f32::from(self.below[container as usize]))
    }

    /// -1 before the main container, 0 in it, 1 after it.
    pub(super) fn side(&self, found: &TextBlocks, block: usize) -> f32 {
        let Some(main) = self.container.map(|main| &found.containers[main].blocks) else { return -2.0 };
        match block as u32 {
            at if at < main.start => -1.0,
            at if at < main.end => 0.0,
            _ => 1.0,
        }
    }

    pub(super) fn index(&self) -> Option<usize> {
        self.container
    }
}

/// The container with the highest sum of the prose in it, weighted by its level, and reduced by its links.
fn main_container(found: &TextBlocks, hierarchy: &Hierarchy) -> Option<usize> {
    let mut scores = vec![0.0f32; found.containers.len()];
    for block in &found.blocks {
        let counts = &block.counts;
        let text = counts.words - counts.linked_words.min(counts.words);
        if counts.words < MIN_WORDS || text * 2 < counts.words || found.container(block).unreachable {
            continue;
        }
        let mut share = (text.min(100) + counts.commas.min(10) + counts.sentence_ends.min(10)) as f32;
        let mut at = Some(hierarchy.outermost(block.container));
        for _ in 0..LEVELS {
            at = at.and_then(|at| hierarchy.larger_parent(at)).map(|at| hierarchy.outermost(at));
            let Some(at) = at else { break };
            scores[at as usize] += share;
            share /= 2.0;
        }
    }
    let weighted = scores.iter().zip(&found.containers).map(|(score, container)| {
        let counts = &container.counts;
        score * (1.0 - counts.linked_words as f32 / counts.words.max(1) as f32)
    });
    let best = weighted
        .enumerate()
        .fold((None, 0.0), |best, (at, score)| if score > best.1 { (Some(at), score) } else { best });
    best.0
}
