//! Which text blocks of a page are kept, and why.

use super::expected_f1;
use super::sections::keep_headings;
use super::segmenter::segment;
use super::text_blocks::TextBlocks;
use super::title_heading::title_heading;
use super::topic_words::TopicWords;
use super::units::Units;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::tree::Tree;

/// The text blocks of a page, their units and the title heading.
pub(super) struct SegmentedPage {
    pub(super) found: TextBlocks,
    pub(super) units: Units,
    /// The container of the title heading.
    pub(super) title: Option<usize>,
}

/// Why a text block is kept or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The filter's own decision.
    Filter,
    /// A more probable text block has the same words.
    Copy,
    /// It is kept with the other parts of its row, item or word.
    Unit,
    /// It is the heading of a section that is kept.
    Section,
    /// It is the page's title heading.
    Title,
}

/// The decision for each text block.
pub(super) struct Selection {
    pub(super) keep: Vec<bool>,
    pub(super) reasons: Vec<Reason>,
    /// The probability that each text block is content, if the filter estimates it.
    pub(super) probabilities: Option<Vec<f32>>,
}

impl SegmentedPage {
    pub(super) fn of(tree: &Tree, index: &PageIndex, budget: &Budget) -> Result<Self, ReadError> {
        let found = segment(tree, index, &TopicWords::of_page(tree, index), budget)?;
        let units = Units::of(tree, index, &found);
        let title = title_heading(tree, index, &found);
        Ok(Self { found, units, title })
    }

    /// The units with the highest expected F1. The probability of a unit is the mean over its words. `copies` are
    /// text blocks that repeat others.
    pub(super) fn most_probable(&self, probabilities: Vec<f32>, copies: &[bool], threshold: f32) -> Selection {
        let mut words = vec![0.0; self.units.count];
        let mut content = vec![0.0; self.units.count];
        for (at, (block, &unit)) in self.found.blocks.iter().zip(&self.units.of).enumerate() {
            // A block without letters and digits counts as a part of a word.
            let weight = (block.counts.words as f32).max(0.1);
            words[unit as usize] += weight;
            content[unit as usize] += if copies[at] { 0.0 } else { weight * probabilities[at] };
        }
        content.iter_mut().zip(&words).for_each(|(content, words)| *content /= words);
        let keep = expected_f1::select(&content, &words, threshold);
        let keep = self.units.of.iter().map(|&unit| keep[unit as usize]).collect();
        let mut selection = Selection::by_filter(keep);
        for (reason, _) in selection.reasons.iter_mut().zip(copies).filter(|(_, is_copy)| **is_copy) {
            *reason = Reason::Copy;
        }
        Selection { probabilities: Some(probabilities), ..selection }
    }

    /// Keeps whole units, headings of kept sections, and the title heading. An empty selection stays empty.
    pub(super) fn complete(&self, selection: &mut Selection) {
        if !selection.keep.contains(&true) {
            return;
        }
        selection.extend(Reason::Unit, |keep| self.units.complete(keep));
        selection.extend(Reason::Section, |keep| keep_headings(&self.found, keep));
        selection.extend(Reason::Title, |keep| {
            if let Some(title) = self.title.map(|title| &self.found.containers[title].blocks) {
                keep[title.start as usize..title.end as usize].fill(true);
            }
        });
        selection.extend(Reason::Unit, |keep| self.units.complete(keep));
    }
}

impl Selection {
    pub(super) fn by_filter(keep: Vec<bool>) -> Self {
        Self { reasons: vec![Reason::Filter; keep.len()], keep, probabilities: None }
    }

    fn extend(&mut self, reason: Reason, complete: impl FnOnce(&mut [bool])) {
        let before = self.keep.clone();
        complete(&mut self.keep);
        for (at, before) in before.into_iter().enumerate() {
            if self.keep[at] && !before {
                self.reasons[at] = reason;
            }
        }
    }
}
