//! The index of a page, built in one walk: the elements that outputs need, and what each node contains.

use html5ever::local_name;

use crate::budget::Budget;
use crate::element_kind::{heading_level, is_block, is_excluded, is_hidden, is_multiline_block};
use crate::error::ReadError;
use crate::image_source::has_source;
use crate::text;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Hidden elements with this much text outside links, in bytes, count as visible: an answer or a tab to unfold, or a
/// page that a script fades in.
const MIN_HIDDEN_CONTENT: usize = 200;
/// A `<noscript>` with this much text, in bytes, is the content for crawlers, not a request to enable scripts.
const MIN_NOSCRIPT_CONTENT: usize = 500;

/// Properties of a node. The first group describes its descendants and is propagated to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeFlags(u16);

impl NodeFlags {
    pub(crate) const TEXT: Self = Self(1);
    pub(crate) const IMAGE: Self = Self(1 << 1);
    pub(crate) const BLOCK: Self = Self(1 << 2);
    pub(crate) const HEADING: Self = Self(1 << 3);
    /// A block that takes several lines in Markdown: a list, a table, a quote, code, …
    pub(crate) const STRUCTURE: Self = Self(1 << 4);
    pub(crate) const TABLE: Self = Self(1 << 5);
    /// A header cell of a table.
    pub(crate) const HEADER_CELL: Self = Self(1 << 6);
    /// Anything that keeps an element in the cleaned HTML.
    pub(crate) const CONTENT: Self = Self(1 << 7);

    /// The node's own attributes hide it, but it has enough text to count as visible.
    pub(crate) const UNFOLDABLE: Self = Self(1 << 13);
    /// The node is not part of the content.
    pub(crate) const EXCLUDED: Self = Self(1 << 14);
    /// The node is hidden: omitted from the Markdown, kept in the cleaned HTML.
    pub(crate) const HIDDEN: Self = Self(1 << 15);

    const PROPAGATED: u16 = (1 << 8) - 1;

    #[inline]
    pub(crate) fn any(self, flags: Self) -> bool {
        self.0 & flags.0 != 0
    }

    fn add(&mut self, flags: Self) {
        self.0 |= flags.0;
    }
}

impl std::ops::BitOr for NodeFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The elements that outputs need, in document order, and the flags of every node.
#[derive(Default)]
pub(crate) struct PageIndex {
    flags: Vec<NodeFlags>,
    /// `<a href>` and `<area href>`.
    pub(crate) anchors: Vec<NodeId>,
    pub(crate) images: Vec<NodeId>,
    /// `<video>` and `<audio>`.
    pub(crate) players: Vec<NodeId>,
    pub(crate) tables: Vec<NodeId>,
    pub(crate) metas: Vec<NodeId>,
    /// `<script>` elements with JSON-LD.
    pub(crate) json_ld_scripts: Vec<NodeId>,
    /// The page has microdata.
    pub(crate) has_microdata: bool,
    pub(crate) title: Option<NodeId>,
    base: Option<NodeId>,
    /// The bytes of text outside links so far.
    text_bytes: usize,
    open_links: usize,
    /// Open hidden elements with `text_bytes` at their start.
    open_hidden: Vec<(NodeId, usize)>,
}

impl PageIndex {
    #[inline]
    pub(crate) fn flags(&self, id: NodeId) -> NodeFlags {
        self.flags[id.index()]
    }

    pub(crate) fn base_href<'t>(&self, tree: &'t Tree) -> Option<&'t str> {
        tree.attr(self.base?, "href")
    }
}

/// Builds the index of a page.
pub(crate) fn build_index(tree: &Tree, budget: &Budget) -> Result<PageIndex, ReadError> {
    let mut index = PageIndex { flags: vec![NodeFlags::default(); tree.len()], ..PageIndex::default() };
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => index.add_text(tree, id),
                NodeData::Element(element) => {
                    budget.step()?;
                    if index.add_element(tree, id, element) {
                        walk.skip_children(id);
                    }
                }
                NodeData::Document => {}
            },
            Visit::Leave(id) => index.leave(tree, id),
        }
    }
    Ok(index)
}

impl PageIndex {
    fn add_text(&mut self, tree: &Tree, id: NodeId) {
        let is_visible = |c: char| !c.is_whitespace() && !matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}');
        let text = tree.text(id).unwrap_or_default();
        if text.contains(is_visible) {
            self.flags[id.index()].add(NodeFlags::TEXT | NodeFlags::CONTENT);
            self.text_bytes += if self.open_links == 0 { text.len() } else { 0 };
        }
    }

    /// Returns true if the element's descendants are to be skipped.
    fn add_element(&mut self, tree: &Tree, id: NodeId, element: &Element) -> bool {
        self.open_links += usize::from(element.tag == Tag::A);
        self.has_microdata |= element.attrs.iter().any(|attr| attr.name.local == local_name!("itemscope"));
        match element.tag {
            Tag::A | Tag::Area if element.attr("href").is_some() => self.anchors.push(id),
            Tag::Img | Tag::Image => self.images.push(id),
            Tag::Video | Tag::Audio => self.players.push(id),
            Tag::Table => self.tables.push(id),
            Tag::Meta => self.metas.push(id),
            Tag::Script if is_json_ld(element) => self.json_ld_scripts.push(id),
            Tag::Title if self.title.is_none() => self.title = Some(id),
            Tag::Base if self.base.is_none() && element.attr("href").is_some() => self.base = Some(id),
            Tag::Noscript if is_noscript_content(tree, id) || replaces_lazy_image(tree, id) => return false,
            _ => {}
        }
        let flags = &mut self.flags[id.index()];
        if is_excluded(element) {
            flags.add(NodeFlags::EXCLUDED);
            return element.tag != Tag::Frameset;
        }
        if is_hidden(element) {
            flags.add(NodeFlags::HIDDEN);
            self.open_hidden.push((id, self.text_bytes));
        }
        false
    }

    /// Propagates the flags of a finished node to its parent.
    fn leave(&mut self, tree: &Tree, id: NodeId) {
        self.open_links -= usize::from(tree.tag(id) == Tag::A);
        if let Some((_, before)) = self.open_hidden.pop_if(|(hidden, _)| *hidden == id)
            && self.text_bytes - before >= MIN_HIDDEN_CONTENT
        {
            let flags = &mut self.flags[id.index()];
            flags.0 &= !NodeFlags::HIDDEN.0;
            flags.add(NodeFlags::UNFOLDABLE);
        }
        let Some(parent) = tree.parent(id) else { return };
        let own = self.flags(id);
        let propagated = if own.any(NodeFlags::EXCLUDED) {
            0
        } else if own.any(NodeFlags::HIDDEN) {
            own.0 & NodeFlags::CONTENT.0
        } else {
            (own.0 & NodeFlags::PROPAGATED) | tree.element(id).map_or(0, |element| own_flags(element).0)
        };
        self.flags[parent.index()].0 |= propagated;
    }
}

fn is_json_ld(script: &Element) -> bool {
    script.attr("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/ld+json"))
}

/// What an element itself adds to the flags of its parent.
fn own_flags(element: &Element) -> NodeFlags {
    let tag = element.tag;
    let mut flags = NodeFlags::default();
    if heading_level(tag).is_some() {
        flags.add(NodeFlags::HEADING | NodeFlags::BLOCK);
    } else if is_multiline_block(tag) {
        flags.add(NodeFlags::STRUCTURE | NodeFlags::BLOCK);
    } else if is_block(tag) {
        flags.add(NodeFlags::BLOCK);
    }
    match tag {
        Tag::Table => flags.add(NodeFlags::TABLE),
        Tag::Th => flags.add(NodeFlags::HEADER_CELL),
        Tag::Img | Tag::Image => flags.add(NodeFlags::IMAGE | NodeFlags::CONTENT),
        Tag::Math | Tag::Script => flags.add(NodeFlags::TEXT | NodeFlags::CONTENT),
        Tag::A | Tag::Br | Tag::Hr | Tag::Input | Tag::Video | Tag::Audio | Tag::Picture => {
            flags.add(NodeFlags::CONTENT);
        }
        _ => {}
    }
    flags
}

fn is_noscript_content(tree: &Tree, noscript: NodeId) -> bool {
    text::text_content(tree, noscript, MIN_NOSCRIPT_CONTENT * 2).len() >= MIN_NOSCRIPT_CONTENT
}

/// Whether a `<noscript>` contains the image for a lazily loaded one: no image with a URL directly precedes it.
fn replaces_lazy_image(tree: &Tree, noscript: NodeId) -> bool {
    const NEAR: usize = 4;
    let mut images = tree.descendants(noscript).take(NEAR * NEAR).filter(|&id| tree.tag(id) == Tag::Img);
    let loaded = |id: NodeId| {
        let mut inside = tree.descendants(id).take(NEAR * NEAR);
        inside.any(|id| tree.tag(id) == Tag::Img && has_source(tree, id))
    };
    images.next().is_some() && !tree.siblings_before(noscript).take(NEAR).any(loaded)
}
