//! How boxes lie within each other, and which of them are alike.

use std::collections::HashMap;

use super::counts::Counts;
use super::features::{NOT_NEAR, Near, farther, set};
use super::passages::{Frame, NOWHERE};

/// Boxes of the same kind within the same box.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) members: u32,
    pub(super) counts: Counts,
}

/// For every box by its index. Boxes that hold the same words count as one, the outermost of them.
pub(super) struct Outline {
    up: Vec<u32>,
    top: Vec<u32>,
    group_of: Vec<u32>,
    groups: Vec<Group>,
    near: Vec<Near>,
}

impl Outline {
    pub(super) fn of(frames: &[Frame]) -> Self {
        let mut outline =
            Self { up: Vec::new(), top: Vec::new(), group_of: Vec::new(), groups: Vec::new(), near: Vec::new() };
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        for (at, frame) in frames.iter().enumerate() {
            let parent = frames.get(frame.parent as usize);
            let merged = parent.is_some_and(|parent| parent.counts.words == frame.counts.words);
            let parent_at = frame.parent as usize;
            outline.up.push(if merged { outline.up[parent_at] } else { frame.parent });
            outline.top.push(if merged { outline.top[parent_at] } else { at as u32 });
            let mut near = parent.map_or(NOT_NEAR, |_| outline.near[parent_at]);
            if !merged {
                farther(&mut near);
            }
            set(&mut near, frame.marks, 0);
            outline.near.push(near);
            if merged {
                outline.group_of.push(outline.group_of[parent_at]);
                continue;
            }
            let next = outline.groups.len() as u32;
            let group = *known.entry((frame.parent, frame.kind)).or_insert(next);
            if group == next {
                outline.groups.push(Group::default());
            }
            outline.group_of.push(group);
            let group = &mut outline.groups[group as usize];
            group.members += 1;
            group.counts.add(&frame.counts);
        }
        outline
    }

    /// The next box around it that holds more.
    pub(super) fn up(&self, frame: u32) -> Option<u32> {
        Some(self.up[frame as usize]).filter(|&up| up != NOWHERE)
    }

    /// The outermost box that holds the same.
    pub(super) fn top(&self, frame: u32) -> u32 {
        self.top[frame as usize]
    }

    pub(super) fn group(&self, frame: u32) -> &Group {
        &self.groups[self.group_of[frame as usize] as usize]
    }

    /// How many levels up the nearest box of each kind is.
    pub(super) fn near(&self, frame: u32) -> Near {
        self.near[frame as usize]
    }
}
