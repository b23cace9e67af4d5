//! Divides a page into text blocks and their containers.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::class_lexicon::{Categories, ClassLexicon};
use super::hidden_controls::HiddenControls;
use super::name_weights::{NameWeights, WeightSummary};
use super::phrase_lexicon::phrases;
use super::text_blocks::{Container, InlineElements, NO_PARENT, TextBlock, TextBlocks};
use super::text_counts::{TextCounts, WordHashes};
use super::topic_words::TopicWords;
use crate::budget::Budget;
use crate::element_kind::{heading_level, is_block, is_preformatted};
use crate::error::ReadError;
use crate::index::{NodeFlags, PageIndex};
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Children of an element that are examined for text between them.
const EXAMINED_CHILDREN: usize = 64;
/// Words of a text block that counts as prose.
const MIN_PROSE_WORDS: u32 = 15;

/// Divides a page into text blocks and their containers.
pub(super) fn segment(
    tree: &Tree,
    index: &PageIndex,
    topic: &TopicWords,
    budget: &Budget,
) -> Result<TextBlocks, ReadError> {
    let mut segmenter = Segmenter::new(tree, index, topic);
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        budget.step()?;
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => segmenter.text(id),
                NodeData::Element(element) if segmenter.is_excluded(id, element) => walk.skip_children(id),
                NodeData::Element(element) => segmenter.enter(id, element),
                NodeData::Document => {}
            },
            Visit::Leave(id) => segmenter.leave(id),
        }
    }
    segmenter.end_block();
    Ok(segmenter.finish())
}

struct Segmenter<'t> {
    tree: &'t Tree,
    index: &'t PageIndex,
    topic: &'t TopicWords,
    lexicon: ClassLexicon,
    found: TextBlocks,
    open_containers: Vec<u32>,
    block: OpenBlock,
    /// The first text node of the open block.
    first_text: u32,
    /// The last visible character so far.
    last: char,
    open_links: u32,
    controls: HiddenControls,
    /// The open element whose content is one text block.
    open_whole: Option<NodeId>,
    /// White space, a line break or a block boundary follows the last visible character.
    is_separated: bool,
}

/// The text block that is being read.
#[derive(Default)]
struct OpenBlock {
    counts: TextCounts,
    hashes: WordHashes,
    categories: Categories,
    inline: InlineElements,
    is_joined: bool,
}

impl<'t> Segmenter<'t> {
    fn new(tree: &'t Tree, index: &'t PageIndex, topic: &'t TopicWords) -> Self {
        Self {
            tree,
            index,
            topic,
            lexicon: ClassLexicon::default(),
            found: TextBlocks::default(),
            open_containers: Vec::new(),
            block: OpenBlock::default(),
            first_text: 0,
            last: ' ',
            open_links: 0,
            controls: HiddenControls::default(),
            open_whole: None,
            is_separated: true,
        }
    }

    fn is_excluded(&self, id: NodeId, element: &Element) -> bool {
        self.index.flags(id).any(NodeFlags::EXCLUDED | NodeFlags::HIDDEN) || element.tag == Tag::Head
    }

    fn text(&mut self, id: NodeId) {
        let text = self.tree.text(id).unwrap_or_default();
        self.is_separated |= text.starts_with(char::is_whitespace);
        if !self.index.flags(id).any(NodeFlags::TEXT) {
            return;
        }
        if self.first_text as usize == self.found.texts.len() {
            self.block.is_joined = !self.is_separated;
        }
        self.is_separated = text.ends_with(char::is_whitespace);
        self.found.texts.push(id);
        self.block.counts.add_text(text, self.open_links > 0, self.topic, &mut self.block.hashes);
        self.last = text.trim_end().chars().next_back().unwrap_or(self.last);
    }

    fn enter(&mut self, id: NodeId, element: &Element) {
        self.controls.read(element);
        let OpenBlock { counts, inline, .. } = &mut self.block;
        match element.tag {
            Tag::A => {
                self.open_links += 1;
                counts.links += 1;
            }
            Tag::Img | Tag::Image | Tag::Svg => counts.images += 1,
            Tag::Input | Tag::Textarea | Tag::Select => counts.controls += 1,
            Tag::Strong | Tag::B => inline.strong = true,
            Tag::Code => inline.code = true,
            Tag::Other if &*element.name.local == "time" => inline.time = true,
            _ => {}
        }
        self.is_separated |= separates(element.tag);
        if self.is_container(id, element) {
            self.end_block();
            self.open_container(id, element);
            if self.open_whole.is_none() && self.is_whole(id, element.tag) {
                self.open_whole = Some(id);
            }
        } else if !element.attrs.is_empty() {
            self.block.categories |= self.lexicon.read(element, None);
        }
    }

    /// Whether an element is a block, a custom element, or a child of a container that splits its children.
    fn is_container(&self, id: NodeId, element: &Element) -> bool {
        if self.open_whole.is_some() {
            return false;
        }
        let is_own_block = is_block(element.tag) || matches!(element.tag, Tag::Button | Tag::Label);
        let is_custom = element.tag == Tag::Other && element.name.local.contains('-');
        is_own_block
            || is_custom
            || self.open_containers.last().is_some_and(|&open| {
                let open = &self.found.containers[open as usize];
                open.splits_children && Some(open.id) == self.tree.parent(id)
            })
    }

    /// Whether the content of an element is one text block: code, and headings without blocks in them.
    fn is_whole(&self, id: NodeId, tag: Tag) -> bool {
        is_preformatted(tag) || heading_level(tag).is_some() && !self.index.flags(id).any(NodeFlags::BLOCK)
    }

    /// Whether an element has at least two children with text, all of them elements.
    fn splits_children(&self, id: NodeId, tag: Tag) -> bool {
        let is_line = matches!(tag, Tag::P | Tag::Pre | Tag::Blockquote | Tag::Dt | Tag::Figcaption | Tag::Summary);
        if is_line || heading_level(tag).is_some() {
            return false;
        }
        let has_text = |id: &NodeId| self.index.flags(*id).any(NodeFlags::TEXT);
        let mut are_elements = self.tree.children(id).filter(has_text).map(|child| self.tree.text(child).is_none());
        // The walk ends at the first text node.
        let mut are_elements = are_elements.by_ref().take(EXAMINED_CHILDREN);
        let first = are_elements.next() == Some(true);
        let mut others = 0;
        first
            && are_elements.all(|is_element| {
                others += 1;
                is_element
            })
            && others > 0
    }

    fn open_container(&mut self, id: NodeId, element: &Element) {
        let parent = self.open_containers.last().copied().unwrap_or(NO_PARENT);
        let (depth, in_hidden) =
            self.found.containers.get(parent as usize).map_or((0, false), |parent| (parent.depth + 1, parent.hidden));
        let start = self.found.names.len() as u32;
        let categories = self.lexicon.read(element, Some(&mut self.found.names));
        let names = start..self.found.names.len() as u32;
        let weights = self.found.weights(&names, parent);
        let container = Container {
            id,
            parent,
            tag: element.tag,
            categories,
            names,
            weights,
            kind: kind(element),
            depth,
            blocks: self.found.blocks.len() as u32..0,
            splits_children: self.splits_children(id, element.tag),
            unreachable: false,
            hidden: in_hidden || self.index.flags(id).any(NodeFlags::UNFOLDABLE),
            counts: TextCounts { controls: u32::from(element.tag == Tag::Button), ..TextCounts::default() },
        };
        if self.index.flags(id).any(NodeFlags::UNFOLDABLE) {
            self.controls.add_hidden(self.found.containers.len(), element);
        }
        self.open_containers.push(self.found.containers.len() as u32);
        self.found.containers.push(container);
    }

    fn leave(&mut self, id: NodeId) {
        let Some(element) = self.tree.element(id) else { return };
        if element.tag == Tag::A && !self.is_excluded(id, element) {
            self.open_links = self.open_links.saturating_sub(1);
        }
        self.is_separated |= separates(element.tag);
        if self.open_containers.last().is_some_and(|&open| self.found.containers[open as usize].id == id) {
            self.end_block();
            self.open_whole = self.open_whole.filter(|&open| open != id);
            if let Some(closed) = self.open_containers.pop() {
                self.found.containers[closed as usize].blocks.end = self.found.blocks.len() as u32;
            }
        }
    }

    fn end_block(&mut self) {
        let texts = self.first_text..self.found.texts.len() as u32;
        let mut counts = std::mem::take(&mut self.block.counts);
        let Some(&container) = self.open_containers.last() else { return };
        let of_container = &mut self.found.containers[container as usize];
        if !texts.is_empty() {
            let is_prose = counts.words >= MIN_PROSE_WORDS && counts.linked_words * 2 < counts.words;
            counts.blocks = 1;
            counts.headings = u32::from(heading_level(of_container.tag).is_some());
            counts.prose_words = if is_prose { counts.words } else { 0 };
        }
        of_container.counts.add(&counts);
        if texts.is_empty() {
            return;
        }
        self.first_text = texts.end;
        let OpenBlock { mut hashes, categories, inline, is_joined, .. } = std::mem::take(&mut self.block);
        let is_short = hashes.first.len() <= WordHashes::MAX_WEIGHTED_WORDS;
        let word_weights =
            if is_short { NameWeights::built_in().words(&mut hashes.first) } else { WeightSummary::default() };
        let phrases = if is_short { phrases(&hashes.first) } else { 0 };
        let (fingerprint, last) = (hashes.fingerprint, self.last);
        self.found.blocks.push(TextBlock {
            texts,
            container,
            counts,
            fingerprint,
            categories,
            inline,
            is_joined,
            last,
            phrases,
            word_weights,
        });
    }

    /// Adds the counts of each container to its parent.
    fn finish(mut self) -> TextBlocks {
        for at in (0..self.found.containers.len()).rev() {
            let Container { parent, counts, .. } = self.found.containers[at];
            if let Some(parent) = self.found.containers.get_mut(parent as usize) {
                parent.counts.add(&counts);
            }
        }
        self.controls.mark_unreachable(&mut self.found.containers);
        self.found
    }
}

/// Whether an element separates the words before and after its start and its end.
fn separates(tag: Tag) -> bool {
    is_block(tag) || tag == Tag::Br
}

fn kind(element: &Element) -> u32 {
    let class = element.attr("class").and_then(|class| class.split_ascii_whitespace().next()).unwrap_or_default();
    BuildHasherDefault::<DefaultHasher>::default().hash_one((element.tag as u8, class)) as u32
}
