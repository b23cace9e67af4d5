//! The model that estimates how likely a text block is content: gradient-boosted decision trees, trained by
//! `training/train.py` on pages with known content and compiled in.

use std::sync::LazyLock;

use super::little_endian::take;

/// Written by `training/train.py`, little-endian: the number of trees as `u32`; per tree the number of splits as `u32`,
/// the splits (feature as `u16`, two children as `i16`, negative for the complement of a leaf's index, threshold as
/// `f32`), and the leaves as `f32`, one more than splits.
static BYTES: &[u8] = include_bytes!("model.bin");

static MODEL: LazyLock<ContentModel> = LazyLock::new(|| ContentModel::parse(BYTES).expect("valid training output"));

/// Rows that are evaluated in parallel, so that the memory accesses of one overlap with those of the others.
const LANES: usize = 8;

/// A sum of decision trees.
pub(super) struct ContentModel {
    trees: Vec<DecisionTree>,
}

struct DecisionTree {
    /// The first node is the root.
    nodes: Vec<TreeNode>,
    /// Steps from the root to the deepest leaf.
    depth: usize,
}

/// A split, or a leaf: both children of a leaf are the leaf itself, and its threshold is its value.
#[derive(Clone, Copy)]
struct TreeNode {
    threshold: f32,
    feature: u16,
    /// The next node if the feature is at most the threshold, and otherwise.
    children: [u16; 2],
}

impl ContentModel {
    pub(super) fn built_in() -> &'static Self {
        &MODEL
    }

    /// One probability per row of `width` features.
    pub(super) fn predict(&self, rows: &[f32], width: usize) -> Vec<f32> {
        if width == 0 {
            return Vec::new();
        }
        let mut sums = vec![0.0; rows.len() / width];
        // One tree after the other, so that each stays in the CPU cache for all rows.
        for tree in &self.trees {
            let (groups, remainder) = sums.as_chunks_mut::<LANES>();
            let mut rows = rows.chunks_exact(width);
            for group in groups {
                let lanes = std::array::from_fn(|_| rows.next().unwrap_or_default());
                let values: [f32; LANES] = tree.values(lanes);
                group.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            for (sum, row) in remainder.iter_mut().zip(rows) {
                let [value] = tree.values([row]);
                *sum += value;
            }
        }
        sums.iter_mut().for_each(|sum| *sum = 1.0 / (1.0 + (-*sum).exp()));
        sums
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let trees = (0..count).map(|_| DecisionTree::parse(&mut rest)).collect::<Option<_>>()?;
        rest.is_empty().then_some(Self { trees })
    }
}

impl DecisionTree {
    /// Evaluates rows without data-dependent branches: every row takes the same number of steps and stays at its leaf
    /// once it is there.
    #[inline]
    fn values<const ROWS: usize>(&self, rows: [&[f32]; ROWS]) -> [f32; ROWS] {
        let mut at = [0; ROWS];
        for _ in 0..self.depth {
            for (at, row) in at.iter_mut().zip(rows) {
                let node = &self.nodes[usize::from(*at)];
                *at = node.children[usize::from(row[usize::from(node.feature)] > node.threshold)];
            }
        }
        at.map(|leaf| self.nodes[usize::from(leaf)].threshold)
    }

    fn parse(rest: &mut &[u8]) -> Option<Self> {
        let splits = u16::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
        let child = |index: i16| u16::try_from(index).unwrap_or_else(|_| splits + !index as u16);
        let mut nodes = Vec::new();
        for _ in 0..splits {
            let feature = u16::from_le_bytes(take(rest)?);
            let children = [i16::from_le_bytes(take(rest)?), i16::from_le_bytes(take(rest)?)].map(child);
            nodes.push(TreeNode { feature, children, threshold: f32::from_le_bytes(take(rest)?) });
        }
        for leaf in splits..=splits.checked_mul(2)? {
            nodes.push(TreeNode { feature: 0, children: [leaf; 2], threshold: f32::from_le_bytes(take(rest)?) });
        }
        let depth = depth(&nodes)?;
        Some(Self { nodes, depth })
    }
}

/// The number of steps to the deepest leaf; `None` if a child precedes its parent or does not exist.
fn depth(nodes: &[TreeNode]) -> Option<usize> {
    let mut below = vec![0; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        if node.children != [at as u16; 2] {
            let children = node.children.map(usize::from);
            let are_valid = children.iter().all(|&child| child > at && child < nodes.len());
            below[at] = 1 + children.iter().filter(|_| are_valid).map(|&child| below[child]).max()?;
        }
    }
    below.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_model_parses() {
        let model = ContentModel::parse(BYTES).expect("valid training output");
        assert!(!model.trees.is_empty());
        for tree in &model.trees {
            assert!(tree.depth < tree.nodes.len());
        }
    }

    #[test]
    fn rows_predict_the_same_alone_and_in_lanes() {
        let model = ContentModel::parse(BYTES).expect("valid training output");
        let width = 1 + model.trees.iter().flat_map(|tree| &tree.nodes).map(|node| node.feature).max().unwrap_or(0);
        let width = usize::from(width);
        let rows: Vec<f32> = (0..width * (LANES + 3)).map(|n| (n * 7919 % 101) as f32 / 10.0).collect();
        let one_by_one: Vec<f32> = rows.chunks_exact(width).flat_map(|row| model.predict(row, width)).collect();
        assert_eq!(model.predict(&rows, width), one_by_one);
    }
}
