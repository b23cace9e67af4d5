//! Takes out of the tree what was not kept.

use html5ever::local_name;

use super::passages::Passages;
use crate::ReadError;
use crate::budget::Watch;
use crate::index::{Holds, Survey};
use crate::tree::{Data, Element, Id, Step, Tag, Tree};

/// Leaves the passages that are kept, the pictures among them, and what holds them. What is kept is no longer hidden.
pub(super) fn prune(
    tree: &mut Tree,
    survey: &Survey,
    found: &Passages,
    keep: &[bool],
    watch: &Watch,
) -> Result<(), ReadError> {
    let kept = kept_nodes(tree, survey, found, keep, watch)?;
    let (mut out, mut shown) = (Vec::new(), Vec::new());
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        let Step::Enter(id) = step else { continue };
        watch.step()?;
        match tree.data(id) {
            Data::Element(_) if kept[id.index()] && survey.holds(id).any(Holds::HIDDEN) => shown.push(id),
            Data::Element(element) if kept[id.index()] || is_frame_of_a_row(element) => {}
            Data::Element(_) => {
                out.push(id);
                walk.pass_over(id);
            }
            Data::Text { .. } if !kept[id.index()] && survey.holds(id).any(Holds::TEXT) => out.push(id),
            _ => {}
        }
    }
    out.into_iter().for_each(|id| tree.unlink(id));
    for id in shown {
        if let Some(element) = tree.element_mut(id) {
            element.attrs.retain(|attr| !matches!(attr.name.local, local_name!("hidden") | local_name!("style")));
        }
    }
    Ok(())
}

/// Goes only with what holds it: without it, what stands beside it would stand elsewhere.
fn is_frame_of_a_row(element: &Element) -> bool {
    match element.tag {
        Tag::Td | Tag::Th | Tag::Tr | Tag::Br | Tag::Hr | Tag::Wbr => true,
        Tag::Input => element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")),
        _ => false,
    }
}

/// By node: texts that are kept, pictures in boxes most of which is kept, and all that holds one of them.
fn kept_nodes(
    tree: &Tree,
    survey: &Survey,
    found: &Passages,
    keep: &[bool],
    watch: &Watch,
) -> Result<Vec<bool>, ReadError> {
    let mut kept = vec![false; tree.len()];
    let mut words = vec![0; found.frames.len()];
    for (passage, _) in found.list.iter().zip(keep).filter(|(_, keep)| **keep) {
        words[passage.within as usize] += passage.counts.words;
        let texts = &found.texts[passage.texts.start as usize..passage.texts.end as usize];
        texts.iter().for_each(|&id| keep_with_ancestors(tree, id, &mut kept));
    }
    for at in (0..words.len()).rev() {
        if let Some(of_parent) = words.get(found.frames[at].parent as usize).map(|more| more + words[at]) {
            words[found.frames[at].parent as usize] = of_parent;
        }
    }
    let mut frames = found.frames.iter().enumerate().peekable();
    let mut open: Vec<usize> = Vec::new();
    for step in tree.walk(Id::ROOT) {
        watch.step()?;
        match step {
            Step::Enter(id) => {
                open.extend(frames.next_if(|(_, frame)| frame.id == id).map(|(at, _)| at));
                if matches!(tree.tag(id), Tag::Img | Tag::Image) && !survey.holds(id).any(Holds::LEFT_OUT) {
                    let around = open.iter().rev().find(|&&at| found.frames[at].counts.words > 0);
                    if around.is_some_and(|&at| words[at] * 2 > found.frames[at].counts.words) {
                        keep_with_ancestors(tree, id, &mut kept);
                    }
                }
            }
            Step::Leave(id) => {
                open.pop_if(|at| found.frames[*at].id == id);
            }
        }
    }
    Ok(kept)
}

fn keep_with_ancestors(tree: &Tree, id: Id, kept: &mut [bool]) {
    kept[id.index()] = true;
    for above in tree.ancestors(id) {
        if std::mem::replace(&mut kept[above.index()], true) {
            break;
        }
    }
}
