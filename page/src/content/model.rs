//! How likely a passage is content, by a model that was trained on pages whose content is known (`training/`).
//!
//! The model is a sum of small decision trees (gradient boosting), made by `training/train.py` and compiled in.

use std::sync::LazyLock;

use super::bytes::take;

/// What `training/train.py` wrote: little-endian; the number of trees as `u32`; for each its number of forks as `u32`,
/// then its forks (feature `u16`, ways `i16` twice: a fork, or a leaf by its complement; threshold `f32`), then one `f32`
/// more than forks for its leaves.
static BYTES: &[u8] = include_bytes!("model.bin");

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::read(BYTES).expect("it was written by our own tool"));

/// Rows that pass a tree side by side: the way of one is looked up while those of the others are on their way.
const ABREAST: usize = 8;

/// Features beyond these are not read by any tree.
pub(super) struct Model {
    trees: Vec<Tree>,
}

struct Tree {
    /// The first is the root.
    nodes: Vec<Node>,
    /// Steps from the root to the deepest leaf.
    depth: usize,
}

/// A fork, or a leaf: that leads to itself, and has its value for a threshold.
#[derive(Clone, Copy)]
struct Node {
    threshold: f32,
    feature: u16,
    /// Where to go on when the number is at most the threshold, and otherwise.
    ways: [u16; 2],
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
            let (groups, alone) = sums.as_chunks_mut::<ABREAST>();
            let mut rows = rows.chunks_exact(width);
            for group in groups {
                let abreast = std::array::from_fn(|_| rows.next().unwrap_or_default());
                let values: [f32; ABREAST] = tree.values(abreast);
                group.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            for (sum, row) in alone.iter_mut().zip(rows) {
                let [value] = tree.values([row]);
                *sum += value;
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
    /// Without a branch that depends on the numbers: all rows take as many steps, those that are at their leaf on the spot.
    #[inline]
    fn values<const ROWS: usize>(&self, rows: [&[f32]; ROWS]) -> [f32; ROWS] {
        let mut at = [0; ROWS];
        for _ in 0..self.depth {
            for (at, row) in at.iter_mut().zip(rows) {
                let node = &self.nodes[usize::from(*at)];
                *at = node.ways[usize::from(row[usize::from(node.feature)] > node.threshold)];
            }
        }
        at.map(|leaf| self.nodes[usize::from(leaf)].threshold)
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let forks = u16::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
        let place = |way: i16| u16::try_from(way).unwrap_or_else(|_| forks + !way as u16);
        let mut nodes = Vec::new();
        for _ in 0..forks {
            let feature = u16::from_le_bytes(take(rest)?);
            let ways = [i16::from_le_bytes(take(rest)?), i16::from_le_bytes(take(rest)?)].map(place);
            nodes.push(Node { feature, ways, threshold: f32::from_le_bytes(take(rest)?) });
        }
        for leaf in forks..=forks.checked_mul(2)? {
            nodes.push(Node { feature: 0, ways: [leaf; 2], threshold: f32::from_le_bytes(take(rest)?) });
        }
        let depth = depth(&nodes)?;
        Some(Self { nodes, depth })
    }
}

/// `None` where a way leads back, or nowhere.
fn depth(nodes: &[Node]) -> Option<usize> {
    let mut below = vec![0; nodes.len()];
    for (at, node) in nodes.iter().enumerate().rev() {
        if node.ways != [at as u16; 2] {
            let ways = node.ways.map(usize::from);
            let onwards = ways.iter().all(|&way| way > at && way < nodes.len());
            below[at] = 1 + ways.iter().filter(|_| onwards).map(|&way| below[way]).max()?;
        }
    }
    below.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_that_is_compiled_in_can_be_read() {
        let model = Model::read(BYTES).expect("it is whole");
        assert!(!model.trees.is_empty());
        for tree in &model.trees {
            assert!(tree.depth < tree.nodes.len());
        }
    }

    #[test]
    fn rows_come_to_the_same_leaf_alone_and_abreast() {
        let model = Model::read(BYTES).expect("it is whole");
        let width = 1 + model.trees.iter().flat_map(|tree| &tree.nodes).map(|node| node.feature).max().unwrap_or(0);
        let width = usize::from(width);
        let rows: Vec<f32> = (0..width * (ABREAST + 3)).map(|n| (n * 7919 % 101) as f32 / 10.0).collect();
        let one_by_one: Vec<f32> = rows.chunks_exact(width).flat_map(|row| model.judge(row, width)).collect();
        assert_eq!(model.judge(&rows, width), one_by_one);
    }
}
