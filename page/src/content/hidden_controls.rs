//! Which hidden containers a control on the page can show.

use std::collections::HashSet;

use super::identifiers::hash_word;
use super::text_blocks::Container;
use crate::tree::{Element, Tag};

/// The ids that controls name, and the hidden containers.
#[derive(Default)]
pub(super) struct HiddenControls {
    /// Hashes of ids in `aria-controls`, `data-target` and similar attributes, and of fragments in links.
    named: HashSet<u32>,
    /// Hidden containers by their index, with the hashes of their ids.
    hidden: Vec<(usize, Option<u32>)>,
}

impl HiddenControls {
    pub(super) fn read(&mut self, element: &Element) {
        for attr in &element.attrs {
            let names = match &*attr.name.local {
                "aria-controls" | "data-target" | "data-bs-target" | "data-toggle-target" | "for" => &*attr.value,
                "href" if element.tag == Tag::A && attr.value.starts_with('#') => &*attr.value,
                _ => continue,
            };
            self.named
                .extend(names.split_ascii_whitespace().take(4).map(|name| hash_word(name.trim_start_matches('#'))));
        }
    }

    pub(super) fn add_hidden(&mut self, container: usize, element: &Element) {
        self.hidden.push((container, element.attr("id").map(hash_word)));
    }

    pub(super) fn mark_unreachable(&self, containers: &mut [Container]) {
        if self.hidden.is_empty() {
            return;
        }
        for (container, id) in &self.hidden {
            containers[*container].unreachable = !id.is_some_and(|id| self.named.contains(&id));
        }
        for at in 0..containers.len() {
            let around = containers.get(containers[at].parent as usize);
            let in_unreachable = around.is_some_and(|around| around.unreachable);
            containers[at].unreachable |= in_unreachable;
        }
    }
}
