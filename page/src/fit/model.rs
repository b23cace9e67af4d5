//! How likely a passage is content, by a model that was trained on pages whose content is known (`training/`).
//!
//! The model is a sum of small decision trees (gradient boosting), made by `training/train.py` and compiled in.

use std::sync::LazyLock;

use super::bytes::take;

/// What `training/train.py` wrote: little-endian; the number of trees as `u32`; for each its number of forks as `u32`,
/// then its forks (feature `u16`, ways `i16` twice, threshold `f32`), then one `f32` more than forks for its leaves.
static BYTES: &[u8] = include_bytes!("model.bin");

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::read(BYTES).expect("it was written by our own tool"));

/// Features beyond these are not read by any tree.
pub(super) struct Model {
    trees: Vec<Tree>,
}

struct Tree {
    forks: Vec<Fork>,
    leaves: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Fork {
    threshold: f32,
    feature: u16,
    /// Where to go on when the number is at most the threshold, and otherwise: a fork, or a leaf by its complement.
    ways: [i16; 2],
}

impl Model {
    pub(super) fn own() -> &'static Self {
        &MODEL
    }

    /// Probabilities, one a row.
    pub(super) fn judge(&self, rows: &[f32], width: usize) -> Vec<f32> {
        if width == 0 {
            return Vec::new();
        }
        let mut sums = vec![0.0; rows.len() / width];
        // Tree by tree, so that each stays close while all rows pass it.
        for tree in &self.trees {
            for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
                *sum += tree.value(row);
            }
        }
        sums.iter_mut().for_each(|sum| *sum = 1.0 / (1.0 + (-*sum).exp()));
        sums
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let trees = (0..count).map(|_| Tree::read(&mut rest)).collect::<Option<_>>()?;
        rest.is_empty().then_some(Self { trees })
    }
}

impl Tree {
    fn value(&self, row: &[f32]) -> f32 {
        let mut at = if self.forks.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let fork = &self.forks[at as usize];
            at = fork.ways[usize::from(row[usize::from(fork.feature)] > fork.threshold)];
        }
        self.leaves[!at as usize]
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let count = u32::from_le_bytes(take(rest)?);
        let mut forks = Vec::new();
        for _ in 0..count {
            let feature = u16::from_le_bytes(take(rest)?);
            let ways = [i16::from_le_bytes(take(rest)?), i16::from_le_bytes(take(rest)?)];
            forks.push(Fork { feature, ways, threshold: f32::from_le_bytes(take(rest)?) });
        }
        let leaves = (0..=count).map(|_| Some(f32::from_le_bytes(take(rest)?))).collect::<Option<_>>()?;
        Some(Self { forks, leaves })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_that_is_compiled_in_can_be_read_and_every_way_ends_at_a_leaf() {
        let model = Model::read(BYTES).expect("it is whole");
        assert!(!model.trees.is_empty());
        for tree in &model.trees {
            for (at, fork) in tree.forks.iter().enumerate() {
                let onwards = |way: i16| way < 0 && (!way as usize) < tree.leaves.len() || way as usize > at;
                assert!(fork.ways.into_iter().all(onwards));
            }
        }
    }
}
