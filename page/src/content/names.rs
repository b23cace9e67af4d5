//! What the names of elements, and the words of short passages, were worth on the pages that the model was trained on.
//!
//! By the hash of each name or word that several sites use: the logarithm of the odds that what it stands at is content,
//! less what those odds are for any passage.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::bytes::take;

/// What `training/train.py` wrote, little-endian: the number of names as `u32`, then each (hash `u32`, worth nearby and
/// farther out, `f32` each); the number of words as `u32`, then each (hash `u32`, worth `f32`). Sorted.
static BYTES: &[u8] = include_bytes!("names.bin");

static WORTH: LazyLock<Worth> = LazyLock::new(|| Worth::read(BYTES).expect("it was written by our own tool"));

#[derive(Debug)]
pub(super) struct Worth {
    names: HashMap<u32, (f32, f32)>,
    words: HashMap<u32, f32>,
}

impl Worth {
    pub(super) fn own() -> &'static Self {
        &WORTH
    }

    fn read(bytes: &[u8]) -> Option<Self> {
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

    /// What the names of an element and of the two boxes around it are worth together.
    pub(super) fn nearby(&self, names: &mut Vec<u32>) -> Sums {
        names.sort_unstable();
        names.dedup();
        Sums::of(names.iter().filter_map(|name| self.names.get(name)).map(|(near, _)| *near))
    }

    /// What the names of one element are worth to what stands deep within it.
    pub(super) fn farther_out(&self, names: &[u32]) -> Sums {
        Sums::of(names.iter().filter_map(|name| self.names.get(name)).map(|(_, far)| *far))
    }

    pub(super) fn said(&self, words: &mut Vec<u32>) -> Sums {
        words.sort_unstable();
        words.dedup();
        Sums::of(words.iter().filter_map(|word| self.words.get(word)).copied())
    }
}

/// The sum of several worths, the least and the most of them; all `0` where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) sum: f32,
    pub(super) least: f32,
    pub(super) most: f32,
}

impl Sums {
    fn of(worths: impl Iterator<Item = f32>) -> Self {
        let mut all: Option<Self> = None;
        for worth in worths {
            let so_far = all.unwrap_or(Self { sum: 0.0, least: worth, most: worth });
            all = Some(Self { sum: so_far.sum + worth, least: so_far.least.min(worth), most: so_far.most.max(worth) });
        }
        all.unwrap_or_default()
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// FNV-1a over characters, letters of ASCII in lower case.
#[derive(Clone, Copy)]
pub(super) struct Hash(pub(super) u32);

impl Default for Hash {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Hash {
    #[inline]
    pub(super) fn push(&mut self, c: char) {
        self.0 = (self.0 ^ u32::from(c.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    }
}

/// The parts of a `class` or `id`, each as its hash: `relatedPosts-2` is `related`, `posts` and `2`.
pub(super) fn parts(names: &str, mut part: impl FnMut(&str)) {
    let mut start = None;
    let mut before = ' ';
    for (at, c) in names.char_indices().chain([(names.len(), ' ')]) {
        let joined = c.is_alphanumeric()
            && before.is_numeric() == c.is_numeric()
            && !(before.is_lowercase() && c.is_uppercase());
        if let Some(from) = start.filter(|_| !joined) {
            part(&names[from..at]);
            start = None;
        }
        if c.is_alphanumeric() && start.is_none() {
            start = Some(at);
        }
        before = c;
    }
}

pub(super) fn hash(part: &str) -> u32 {
    let mut hash = Hash::default();
    part.chars().for_each(|c| hash.push(c));
    hash.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_at_signs_capitals_and_digits() {
        for (names, expected) in [
            ("relatedPosts-2 nav_main", vec!["related", "Posts", "2", "nav", "main"]),
            ("h2", vec!["h", "2"]),
            ("BEM__element--x", vec!["BEM", "element", "x"]),
            ("", vec![]),
        ] {
            let mut found = Vec::new();
            parts(names, |part| found.push(part.to_owned()));
            assert_eq!(found, expected, "{names}");
        }
    }

    #[test]
    fn what_is_compiled_in_can_be_read() {
        let worth = Worth::read(BYTES).expect("it is whole");
        assert!(!worth.names.is_empty() && !worth.words.is_empty());
        assert_eq!(worth.nearby(&mut vec![]), Sums::default());
    }
}
