//! Keeps what stands in dense text with few links, in elements that tend to hold content.

use super::filter::Pruning;
use super::passages::{Frame, NOWHERE, Passages};
use crate::ReadError;
use crate::budget::Watch;
use crate::tree::{Data, Element, Id, Step, Tag, Tree};

/// How much each of the four judgements counts.
const DENSITY: f64 = 0.4;
const LINKS: f64 = 0.2;
const TAG: f64 = 0.2;
const LENGTH: f64 = 0.1;
/// Taken off for a name that says navigation or the like.
const BAD_NAME: f64 = 0.05;

const BAD_NAMES: [&str; 10] =
    ["nav", "footer", "header", "sidebar", "ads", "comment", "promo", "advert", "social", "share"];

/// One flag a passage: it is kept where all the elements around it score enough.
pub(super) fn dense(tree: &Tree, found: &Passages, filter: &Pruning, watch: &Watch) -> Result<Vec<bool>, ReadError> {
    let sizes = sizes(tree, found, watch)?;
    let mut kept = Vec::with_capacity(found.frames.len());
    for (frame, size) in found.frames.iter().zip(&sizes) {
        let parent_kept = frame.parent == NOWHERE || kept[frame.parent as usize];
        kept.push(parent_kept && stays(tree, frame, size, filter));
    }
    Ok(found.list.iter().map(|passage| kept[passage.within as usize]).collect())
}

fn stays(tree: &Tree, frame: &Frame, size: &Size, filter: &Pruning) -> bool {
    match frame.tag {
        Tag::Html | Tag::Body => return true,
        Tag::Nav | Tag::Footer | Tag::Header | Tag::Aside | Tag::Form | Tag::Button => return false,
        _ if frame.counts.words < filter.min_words => return false,
        // Where one part of a table goes, the others stand in the wrong place.
        Tag::Tr | Tag::Td | Tag::Th | Tag::Tbody | Tag::Thead | Tag::Tfoot => return true,
        _ => {}
    }
    let text = size.text as f64;
    let (density, linked) = (text / size.whole.max(1) as f64, size.linked as f64 / text.max(1.0));
    let bad = tree.element(frame.id).is_some_and(has_bad_name);
    let score = DENSITY * density + LINKS * (1.0 - linked) + TAG * weight(frame.tag) + LENGTH * (text + 1.0).ln()
        - if bad { BAD_NAME } else { 0.0 };
    let mut threshold = filter.threshold;
    if filter.dynamic {
        threshold *= if weight(frame.tag) > 1.0 { 0.8 } else { 1.0 };
        threshold *= if density > 0.4 { 0.9 } else { 1.0 };
        threshold *= if linked > 0.6 { 1.2 } else { 1.0 };
    }
    score >= threshold
}

fn has_bad_name(element: &Element) -> bool {
    ["class", "id"].into_iter().filter_map(|name| element.attr(name)).any(|names| {
        let names = names.get(..400).unwrap_or(names).to_ascii_lowercase();
        BAD_NAMES.iter().any(|bad| names.contains(bad))
    })
}

fn weight(tag: Tag) -> f64 {
    match tag {
        Tag::Article | Tag::Main => 1.5,
        Tag::H1 => 1.2,
        Tag::H2 => 1.1,
        Tag::P | Tag::Section | Tag::H3 | Tag::Pre | Tag::Blockquote | Tag::Table => 1.0,
        Tag::H4 => 0.9,
        Tag::H5 => 0.8,
        Tag::H6 => 0.7,
        Tag::Span => 0.3,
        _ => 0.5,
    }
}

/// Of a box, in bytes: its text, that of its links, and all of it as HTML.
#[derive(Clone, Copy, Default)]
struct Size {
    text: usize,
    linked: usize,
    whole: usize,
}

fn sizes(tree: &Tree, found: &Passages, watch: &Watch) -> Result<Vec<Size>, ReadError> {
    let mut sizes = vec![Size::default(); found.frames.len()];
    let mut frames = found.frames.iter().enumerate().peekable();
    let mut open: Vec<usize> = Vec::new();
    let mut links = 0;
    for step in tree.walk(Id::ROOT) {
        watch.step()?;
        match step {
            Step::Enter(id) => {
                open.extend(frames.next_if(|(_, frame)| frame.id == id).map(|(at, _)| at));
                links += usize::from(tree.tag(id) == Tag::A);
                let Some(size) = open.last().map(|&at| &mut sizes[at]) else { continue };
                match tree.data(id) {
                    Data::Element(element) => size.whole += markup(element),
                    Data::Text { .. } => {
                        let text = tree.text(id).unwrap_or_default().trim().len();
                        size.text += text;
                        size.linked += if links > 0 { text } else { 0 };
                        size.whole += text;
                    }
                    Data::Document => {}
                }
            }
            Step::Leave(id) => {
                links -= usize::from(tree.tag(id) == Tag::A);
                open.pop_if(|at| found.frames[*at].id == id);
            }
        }
    }
    for at in (0..sizes.len()).rev() {
        let Size { text, linked, whole } = sizes[at];
        if let Some(parent) = sizes.get_mut(found.frames[at].parent as usize) {
            parent.text += text;
            parent.linked += linked;
            parent.whole += whole;
        }
    }
    Ok(sizes)
}

/// Bytes of an element's tags.
fn markup(element: &Element) -> usize {
    let attrs: usize = element.attrs.iter().map(|attr| attr.name.local.len() + attr.value.len() + 4).sum();
    element.name.local.len() * 2 + 5 + attrs
}
