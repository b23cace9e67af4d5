//! How far the nearest container of each class category is.

use super::class_lexicon::{CATEGORIES, Categories};

/// Farther than any level that the features distinguish.
const FAR: u8 = 12;

/// For each category, the number of levels up to the nearest container in it.
#[derive(Clone, Copy)]
pub(super) struct CategoryDistances([u8; CATEGORIES.len()]);

impl CategoryDistances {
    pub(super) const NONE: Self = Self([FAR; CATEGORIES.len()]);

    /// Sets the distance to these categories to 0.
    pub(super) fn reset(&mut self, mut categories: Categories) {
        while categories != 0 {
            self.0[categories.trailing_zeros() as usize] = 0;
            categories &= categories - 1;
        }
    }

    /// Moves one level further in.
    pub(super) fn increment(&mut self) {
        self.0.iter_mut().for_each(|level| *level = (*level + 1).min(FAR));
    }

    pub(super) fn of(&self, category: usize) -> u8 {
        self.0[category]
    }
}
