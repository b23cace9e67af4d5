//! Removes from the tree what a filter did not keep.

use html5ever::local_name;

use super::text_blocks::TextBlocks;
use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::{NodeFlags, PageIndex};
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Keeps the selected text blocks, the images between them, and the elements around both. Kept elements are no longer
/// hidden.
pub(super) fn prune_tree(
    tree: &mut Tree,
    index: &PageIndex,
    found: &TextBlocks,
    keep: &[bool],
    budget: &Budget,
) -> Result<(), ReadError> {
    let kept = kept_nodes(tree, index, found, keep, budget)?;
    let (mut removed, mut unhidden) = (Vec::new(), Vec::new());
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        let Visit::Enter(id) = step else { continue };
        budget.step()?;
        match tree.data(id) {
            NodeData::Element(_) if kept[id.index()] && index.flags(id).any(NodeFlags::HIDDEN) => unhidden.push(id),
            NodeData::Element(element) if kept[id.index()] || is_removed_only_with_parent(element) => {}
            NodeData::Element(_) => {
                removed.push(id);
                walk.skip_children(id);
            }
            NodeData::Text { .. } if !kept[id.index()] && index.flags(id).any(NodeFlags::TEXT) => removed.push(id),
            _ => {}
        }
    }
    removed.into_iter().for_each(|id| tree.unlink(id));
    for id in unhidden {
        if let Some(element) = tree.element_mut(id) {
            element.attrs.retain(|attr| !matches!(attr.name.local, local_name!("hidden") | local_name!("style")));
        }
    }
    Ok(())
}

/// Whether an element is removed only with its parent, because its siblings would otherwise change their position.
fn is_removed_only_with_parent(element: &Element) -> bool {
    match element.tag {
        Tag::Td | Tag::Th | Tag::Tr | Tag::Br | Tag::Hr | Tag::Wbr => true,
        Tag::Input => element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")),
        _ => false,
    }
}

/// Which nodes are kept: the text nodes of selected blocks, images in containers with more kept words than removed
/// ones, and the ancestors of both.
fn kept_nodes(
    tree: &Tree,
    index: &PageIndex,
    found: &TextBlocks,
    keep: &[bool],
    budget: &Budget,
) -> Result<Vec<bool>, ReadError> {
    let mut kept = vec![false; tree.len()];
    for (block, _) in found.blocks.iter().zip(keep).filter(|(_, keep)| **keep) {
        found.text_nodes(block).iter().for_each(|&id| keep_with_ancestors(tree, id, &mut kept));
    }
    let words = kept_words(found, keep);
    let mut containers = found.containers.iter().enumerate().peekable();
    let mut open: Vec<usize> = Vec::new();
    for step in tree.walk(NodeId::ROOT) {
        budget.step()?;
        match step {
            Visit::Enter(id) => {
                open.extend(containers.next_if(|(_, container)| container.id == id).map(|(at, _)| at));
                if matches!(tree.tag(id), Tag::Img | Tag::Image) && !index.flags(id).any(NodeFlags::EXCLUDED) {
                    let around = open.iter().rev().find(|&&at| found.containers[at].counts.words > 0);
                    if around.is_some_and(|&at| words[at] * 2 > found.containers[at].counts.words) {
                        keep_with_ancestors(tree, id, &mut kept);
                    }
                }
            }
            Visit::Leave(id) => {
                open.pop_if(|at| found.containers[*at].id == id);
            }
        }
    }
    Ok(kept)
}

/// The kept words in each container.
fn kept_words(found: &TextBlocks, keep: &[bool]) -> Vec<u32> {
    let mut words = vec![0; found.containers.len()];
    for (block, _) in found.blocks.iter().zip(keep).filter(|(_, keep)| **keep) {
        words[block.container as usize] += block.counts.words;
    }
    for at in (0..words.len()).rev() {
        let own = words[at];
        if let Some(parent) = words.get_mut(found.containers[at].parent as usize) {
            *parent += own;
        }
    }
    words
}

fn keep_with_ancestors(tree: &Tree, id: NodeId, kept: &mut [bool]) {
    kept[id.index()] = true;
    for above in tree.ancestors(id) {
        if std::mem::replace(&mut kept[above.index()], true) {
            break;
        }
    }
}
