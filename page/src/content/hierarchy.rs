//! The nesting of containers, with groups of similar siblings.

use std::collections::HashMap;

use super::category_distances::CategoryDistances;
use super::text_blocks::{Container, NO_PARENT};
use super::text_counts::TextCounts;

/// Containers with the same name and class in the same parent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SiblingGroup {
    pub(super) members: u32,
    pub(super) counts: TextCounts,
}

/// The relations of every container, by its index. Nested containers with the same words count as one, the outermost.
pub(super) struct Hierarchy {
    parent: Vec<u32>,
    outermost: Vec<u32>,
    group_of: Vec<u32>,
    groups: Vec<SiblingGroup>,
    distances: Vec<CategoryDistances>,
}

impl Hierarchy {
    pub(super) fn of(containers: &[Container]) -> Self {
        let (parent, outermost, group_of) = (Vec::new(), Vec::new(), Vec::new());
        let mut hierarchy = Self { parent, outermost, group_of, groups: Vec::new(), distances: Vec::new() };
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        for (at, container) in containers.iter().enumerate() {
            let parent = containers.get(container.parent as usize);
            let is_merged = parent.is_some_and(|parent| parent.counts.words == container.counts.words);
            let parent_at = container.parent as usize;
            hierarchy.parent.push(if is_merged { hierarchy.parent[parent_at] } else { container.parent });
            hierarchy.outermost.push(if is_merged { hierarchy.outermost[parent_at] } else { at as u32 });
            let mut distances = parent.map_or(CategoryDistances::NONE, |_| hierarchy.distances[parent_at]);
            if !is_merged {
                distances.increment();
            }
            distances.reset(container.categories);
            hierarchy.distances.push(distances);
            if is_merged {
                hierarchy.group_of.push(hierarchy.group_of[parent_at]);
                continue;
            }
            let next = hierarchy.groups.len() as u32;
            let group = *known.entry((container.parent, container.kind)).or_insert(next);
            hierarchy.add_to_group(group, &container.counts);
        }
        hierarchy
    }

    fn add_to_group(&mut self, group: u32, counts: &TextCounts) {
        if group as usize == self.groups.len() {
            self.groups.push(SiblingGroup::default());
        }
        self.group_of.push(group);
        let group = &mut self.groups[group as usize];
        group.members += 1;
        group.counts.add(counts);
    }

    /// The nearest container around this one with more words.
    pub(super) fn larger_parent(&self, container: u32) -> Option<u32> {
        Some(self.parent[container as usize]).filter(|&parent| parent != NO_PARENT)
    }

    /// The outermost container with the same words.
    pub(super) fn outermost(&self, container: u32) -> u32 {
        self.outermost[container as usize]
    }

    pub(super) fn group(&self, container: u32) -> &SiblingGroup {
        &self.groups[self.group_of[container as usize] as usize]
    }

    /// Whether two containers are in the same group of similar siblings.
    pub(super) fn are_in_one_group(&self, one: u32, other: u32) -> bool {
        self.group_of[one as usize] == self.group_of[other as usize]
    }

    pub(super) fn distances(&self, container: u32) -> CategoryDistances {
        self.distances[container as usize]
    }
}
