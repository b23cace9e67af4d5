//! Log-odds weights of element names and of words in short text blocks, from the training pages.
//!
//! The weight of a name or word is the logarithm of the odds that a text block with it is content, minus the logarithm
//! of those odds for all text blocks. Only names and words that several sites use have a weight.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::little_endian::take;

/// Written by `training/train.py`, little-endian: the number of names as `u32`; per name its hash as `u32`, then the
/// weights for near and far text blocks as `f32`; the number of words as `u32`; per word its hash as `u32` and its
/// weight as `f32`.
static BYTES: &[u8] = include_bytes!("name_weights.bin");

static WEIGHTS: LazyLock<NameWeights> = LazyLock::new(|| NameWeights::parse(BYTES).expect("valid training output"));

/// The weights by hash.
#[derive(Debug)]
pub(super) struct NameWeights {
    names: HashMap<u32, (f32, f32)>,
    words: HashMap<u32, f32>,
}

impl NameWeights {
    pub(super) fn built_in() -> &'static Self {
        &WEIGHTS
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let number = |rest: &mut &[u8]| Some(f32::from_le_bytes(take(rest)?));
        let key = |rest: &mut &[u8]| Some(u32::from_le_bytes(take(rest)?));
        let names = (0..count)
            .map(|_| Some((key(&mut rest)?, (number(&mut rest)?, number(&mut rest)?))))
            .collect::<Option<_>>()?;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let words = (0..count).map(|_| Some((key(&mut rest)?, number(&mut rest)?))).collect::<Option<_>>()?;
        rest.is_empty().then_some(Self { names, words })
    }

    /// The weights of the names of a container and of the two around it. Sorts `names` and removes duplicates.
    pub(super) fn near(&self, names: &mut Vec<u32>) -> WeightSummary {
        names.sort_unstable();
        names.dedup();
        WeightSummary::of(names.iter().filter_map(|name| self.names.get(name)).map(|(near, _)| *near))
    }

    /// The weights of a container's names for text blocks more than two containers further in.
    pub(super) fn far(&self, names: &[u32]) -> WeightSummary {
        WeightSummary::of(names.iter().filter_map(|name| self.names.get(name)).map(|(_, far)| *far))
    }

    /// The weights of the words of a text block. Sorts `words` and removes duplicates.
    pub(super) fn words(&self, words: &mut Vec<u32>) -> WeightSummary {
        words.sort_unstable();
        words.dedup();
        WeightSummary::of(words.iter().filter_map(|word| self.words.get(word)).copied())
    }
}

/// The sum, minimum and maximum of several weights; `0` if there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct WeightSummary {
    pub(super) sum: f32,
    pub(super) min: f32,
    pub(super) max: f32,
}

impl WeightSummary {
    fn of(weights: impl Iterator<Item = f32>) -> Self {
        let mut all: Option<Self> = None;
        for weight in weights {
            let so_far = all.unwrap_or(Self { sum: 0.0, min: weight, max: weight });
            all = Some(Self { sum: so_far.sum + weight, min: so_far.min.min(weight), max: so_far.max.max(weight) });
        }
        all.unwrap_or_default()
    }

    pub(super) fn combine(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_weights_parse() {
        let weights = NameWeights::parse(BYTES).expect("valid training output");
        assert!(!weights.names.is_empty() && !weights.words.is_empty());
        assert_eq!(weights.near(&mut vec![]), WeightSummary::default());
    }
}
