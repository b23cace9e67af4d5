//! Keeps dense text with few links in elements that usually contain content, as Crawl4AI's `PruningContentFilter` does.

use super::text_blocks::{Container, NO_PARENT, TextBlocks};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::options::Pruning;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// The weights of the four parts of a score.
const DENSITY: f64 = 0.4;
const LINKS: f64 = 0.2;
const TAG: f64 = 0.2;
const LENGTH: f64 = 0.1;
/// Subtracted for a class or id such as `nav`.
const BAD_NAME: f64 = 0.05;

const BAD_NAMES: [&str; 10] =
    ["nav", "footer", "header", "sidebar", "ads", "comment", "promo", "advert", "social", "share"];

/// Whether to keep each text block: all elements around it must reach the threshold.
pub(super) fn select(
    tree: &Tree,
    found: &TextBlocks,
    filter: &Pruning,
    budget: &Budget,
) -> Result<Vec<bool>, ReadError> {
    let sizes = sizes(tree, found, budget)?;
    let mut kept = Vec::with_capacity(found.containers.len());
    for (container, size) in found.containers.iter().zip(&sizes) {
        let parent_kept = container.parent == NO_PARENT || kept[container.parent as usize];
        kept.push(parent_kept && is_kept(tree, container, size, filter));
    }
    Ok(found.blocks.iter().map(|block| kept[block.container as usize]).collect())
}

fn is_kept(tree: &Tree, container: &Container, size: &Size, filter: &Pruning) -> bool {
    match container.tag {
        Tag::Html | Tag::Body => return true,
        Tag::Nav | Tag::Footer | Tag::Header | Tag::Aside | Tag::Form | Tag::Button => return false,
        _ if container.counts.words < filter.min_words => return false,
        // If one part of a table were removed, the others would be in the wrong column.
        Tag::Tr | Tag::Td | Tag::Th | Tag::Tbody | Tag::Thead | Tag::Tfoot => return true,
        _ => {}
    }
    let text = size.text as f64;
    let (density, link_density) = (text / size.markup.max(1) as f64, size.linked as f64 / text.max(1.0));
    let has_bad_name = tree.element(container.id).is_some_and(has_bad_name_in);
    let score =
        DENSITY * density + LINKS * (1.0 - link_density) + TAG * weight(container.tag) + LENGTH * (text + 1.0).ln()
            - if has_bad_name { BAD_NAME } else { 0.0 };
    let mut threshold = filter.threshold;
    if filter.dynamic {
        threshold *= if weight(container.tag) > 1.0 { 0.8 } else { 1.0 };
        threshold *= if density > 0.4 { 0.9 } else { 1.0 };
        threshold *= if link_density > 0.6 { 1.2 } else { 1.0 };
    }
    score >= threshold
}

fn has_bad_name_in(element: &Element) -> bool {
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

/// The bytes of a container: its text, the text of its links, and the whole as HTML.
#[derive(Clone, Copy, Default)]
struct Size {
    text: usize,
    linked: usize,
    markup: usize,
}

fn sizes(tree: &Tree, found: &TextBlocks, budget: &Budget) -> Result<Vec<Size>, ReadError> {
    let mut sizes = vec![Size::default(); found.containers.len()];
    let mut containers = found.containers.iter().enumerate().peekable();
    let mut open: Vec<usize> = Vec::new();
    let mut links = 0;
    for step in tree.walk(NodeId::ROOT) {
        budget.step()?;
        match step {
            Visit::Enter(id) => {
                open.extend(containers.next_if(|(_, container)| container.id == id).map(|(at, _)| at));
                links += usize::from(tree.tag(id) == Tag::A);
                let Some(size) = open.last().map(|&at| &mut sizes[at]) else { continue };
                match tree.data(id) {
                    NodeData::Element(element) => size.markup += tag_bytes(element),
                    NodeData::Text { .. } => {
                        let text = tree.text(id).unwrap_or_default().trim().len();
                        size.text += text;
                        size.linked += if links > 0 { text } else { 0 };
                        size.markup += text;
                    }
                    NodeData::Document => {}
                }
            }
            Visit::Leave(id) => {
                links -= usize::from(tree.tag(id) == Tag::A);
                open.pop_if(|at| found.containers[*at].id == id);
            }
        }
    }
    for at in (0..sizes.len()).rev() {
        let Size { text, linked, markup } = sizes[at];
        if let Some(parent) = sizes.get_mut(found.containers[at].parent as usize) {
            parent.text += text;
            parent.linked += linked;
            parent.markup += markup;
        }
    }
    Ok(sizes)
}

/// The bytes of an element's tags.
fn tag_bytes(element: &Element) -> usize {
    let attrs: usize = element.attrs.iter().map(|attr| attr.name.local.len() + attr.value.len() + 4).sum();
    element.name.local.len() * 2 + 5 + attrs
}
