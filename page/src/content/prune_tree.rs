//! Removes from the tree what a filter did not keep.

use html5ever::{Attribute, QualName, local_name, ns};

use super::text_blocks::TextBlocks;
use crate::budget::Budget;
use crate::element_kind::is_preformatted;
use crate::error::ReadError;
use crate::index::{NodeFlags, PageIndex};
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Keeps the selected text blocks, the images between them, and the elements around both. Other nodes are replaced by
/// white space, so that the words around them stay apart. Kept elements are no longer hidden, and kept items of ordered
/// lists keep their numbers.
pub(super) fn prune_tree(
    tree: &mut Tree,
    index: &PageIndex,
    found: &TextBlocks,
    keep: &[bool],
    budget: &Budget,
) -> Result<(), ReadError> {
    let kept = kept_nodes(tree, index, found, keep, budget)?;
    let (mut removed, mut unhidden, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        let Visit::Enter(id) = step else { continue };
        budget.step()?;
        let flags = index.flags(id);
        match tree.data(id) {
            NodeData::Element(element) if kept[id.index()] => {
                if flags.any(NodeFlags::UNFOLDABLE) {
                    unhidden.push(id);
                }
                match element.tag {
                    tag if is_preformatted(tag) => walk.skip_children(id),
                    Tag::Ol => numbers.extend(kept_numbers(tree, id, &kept)),
                    _ => {}
                }
            }
            NodeData::Element(element) if is_removed_only_with_parent(element, flags) => {}
            NodeData::Element(_) => {
                removed.push(id);
                walk.skip_children(id);
            }
            NodeData::Text { .. } if !kept[id.index()] && flags.any(NodeFlags::TEXT) => removed.push(id),
            _ => {}
        }
    }
    for id in removed {
        match tree.parent(id).map(|parent| tree.tag(parent)) {
            Some(
                Tag::Html | Tag::Table | Tag::Thead | Tag::Tbody | Tag::Tfoot | Tag::Tr | Tag::Ul | Tag::Ol | Tag::Dl,
            ) => {
                tree.unlink(id);
            }
            _ => tree.replace_with_space(id),
        }
    }
    for id in unhidden {
        if let Some(element) = tree.element_mut(id) {
            element.attrs.retain(|attr| !matches!(attr.name.local, local_name!("hidden") | local_name!("style")));
        }
    }
    for (id, number) in numbers {
        if let Some(element) = tree.element_mut(id) {
            let name = QualName::new(None, ns!(), local_name!("value"));
            element.attrs.retain(|attr| attr.name.local != local_name!("value"));
            element.attrs.push(Attribute { name, value: number.to_string().into() });
        }
    }
    Ok(())
}

/// Whether an element is removed only with its parent: cells, because the others would change their column, and
/// elements that stand for white space or a mark between words.
fn is_removed_only_with_parent(element: &Element, flags: NodeFlags) -> bool {
    match element.tag {
        Tag::Td | Tag::Th | Tag::Br | Tag::Hr | Tag::Wbr => true,
        Tag::Input => element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")),
        Tag::Span | Tag::A | Tag::B | Tag::Strong | Tag::I | Tag::Em | Tag::U | Tag::Code | Tag::Font | Tag::Small => {
            !flags.any(NodeFlags::TEXT | NodeFlags::IMAGE | NodeFlags::BLOCK | NodeFlags::EXCLUDED | NodeFlags::HIDDEN)
        }
        _ => false,
    }
}

/// The kept items of an ordered list that follow a removed one, with their numbers.
fn kept_numbers(tree: &Tree, list: NodeId, kept: &[bool]) -> Vec<(NodeId, u64)> {
    let number = |id: NodeId, name: &str| tree.attr(id, name).and_then(|value| value.trim().parse::<u64>().ok());
    let mut next = number(list, "start").unwrap_or(1);
    let mut follows_removed = false;
    let mut numbers = Vec::new();
    for item in tree.children(list).filter(|&id| tree.tag(id) == Tag::Li) {
        let own = number(item, "value").unwrap_or(next);
        if kept[item.index()] && follows_removed {
            numbers.push((item, own));
        }
        follows_removed = !kept[item.index()];
        next = own.saturating_add(1);
    }
    numbers
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
