//! One walk over the tree that finds what each output needs: which elements there are, and what each holds.

use html5ever::local_name;

use crate::budget::Watch;
use crate::classify::{heading_level, is_block, is_hidden, is_left_out, is_structured};
use crate::tree::{Data, Element, Id, Step, Tag, Tree};
use crate::{ReadError, media, text};

/// What is hidden but says this much, in bytes and not counting links, is content that waits to be unfolded: an answer, a
/// tab, or a page that a script fades in.
const MUCH_HIDDEN: usize = 200;
/// A `<noscript>` that says this much is the page itself, for crawlers, rather than a call to switch scripts on.
const MUCH_FOR_CRAWLERS: usize = 500;

/// What is known of a node. The first group says what it holds, itself excluded; it is passed on to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds(u16);

impl Holds {
    pub(crate) const TEXT: Self = Self(1);
    pub(crate) const IMAGE: Self = Self(1 << 1);
    pub(crate) const BLOCK: Self = Self(1 << 2);
    pub(crate) const HEADING: Self = Self(1 << 3);
    /// A list, a table, a quote, code…
    pub(crate) const STRUCTURE: Self = Self(1 << 4);
    pub(crate) const TABLE: Self = Self(1 << 5);
    /// A cell that is a heading of its row or column.
    pub(crate) const HEADER_CELL: Self = Self(1 << 6);
    /// Something that makes it worth keeping in the cleaned HTML.
    pub(crate) const SUBSTANCE: Self = Self(1 << 7);

    /// It is no part of what the page says.
    pub(crate) const LEFT_OUT: Self = Self(1 << 14);
    /// It is not shown, but may be one day: left out of the Markdown, kept in the cleaned HTML.
    pub(crate) const HIDDEN: Self = Self(1 << 15);

    const PASSED_ON: u16 = (1 << 8) - 1;

    #[inline]
    pub(crate) fn any(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    fn add(&mut self, what: Self) {
        self.0 |= what.0;
    }
}

impl std::ops::BitOr for Holds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Default)]
pub(crate) struct Survey {
    holds: Vec<Holds>,
    /// `<a href>` and `<area href>`.
    pub(crate) anchors: Vec<Id>,
    pub(crate) images: Vec<Id>,
    /// `<video>` and `<audio>`.
    pub(crate) players: Vec<Id>,
    pub(crate) tables: Vec<Id>,
    pub(crate) metas: Vec<Id>,
    /// JSON-LD.
    pub(crate) data_blocks: Vec<Id>,
    /// There are microdata.
    pub(crate) has_items: bool,
    pub(crate) title: Option<Id>,
    base: Option<Id>,
    /// The bytes of text so far, that of links excluded.
    said: usize,
    open_links: usize,
    /// Hidden elements that are open, and what had been said before each.
    open_hidden: Vec<(Id, usize)>,
}

impl Survey {
    #[inline]
    pub(crate) fn holds(&self, id: Id) -> Holds {
        self.holds[id.index()]
    }

    pub(crate) fn base_href<'t>(&self, tree: &'t Tree) -> Option<&'t str> {
        tree.attr(self.base?, "href")
    }
}

pub(crate) fn survey(tree: &Tree, watch: &Watch) -> Result<Survey, ReadError> {
    let mut survey = Survey { holds: vec![Holds::default(); tree.len()], ..Survey::default() };
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => survey.note_text(tree, id),
                Data::Element(element) => {
                    watch.step()?;
                    if survey.note(tree, id, element) {
                        walk.pass_over(id);
                    }
                }
                Data::Document => {}
            },
            Step::Leave(id) => survey.pass_on(tree, id),
        }
    }
    Ok(survey)
}

impl Survey {
    fn note_text(&mut self, tree: &Tree, id: Id) {
        let seen = |c: char| !c.is_whitespace() && !matches!(c, '\u{ad}' | '\u{200b}' | '\u{feff}');
        let text = tree.text(id).unwrap_or_default();
        if text.contains(seen) {
            self.holds[id.index()].add(Holds::TEXT | Holds::SUBSTANCE);
            self.said += if self.open_links == 0 { text.len() } else { 0 };
        }
    }

    /// True where what the element holds does not matter.
    fn note(&mut self, tree: &Tree, id: Id, element: &Element) -> bool {
        self.open_links += usize::from(element.tag == Tag::A);
        self.has_items |= element.attrs.iter().any(|attr| attr.name.local == local_name!("itemscope"));
        match element.tag {
            Tag::A | Tag::Area if element.attr("href").is_some() => self.anchors.push(id),
            Tag::Img | Tag::Image => self.images.push(id),
            Tag::Video | Tag::Audio => self.players.push(id),
            Tag::Table => self.tables.push(id),
            Tag::Meta => self.metas.push(id),
            Tag::Script if is_json_ld(element) => self.data_blocks.push(id),
            Tag::Title if self.title.is_none() => self.title = Some(id),
            Tag::Base if self.base.is_none() && element.attr("href").is_some() => self.base = Some(id),
            Tag::Noscript if says_much(tree, id) || replaces_a_lazy_image(tree, id) => return false,
            _ => {}
        }
        let holds = &mut self.holds[id.index()];
        if is_left_out(element) {
            holds.add(Holds::LEFT_OUT);
            return element.tag != Tag::Frameset;
        }
        if is_hidden(element) {
            holds.add(Holds::HIDDEN);
            self.open_hidden.push((id, self.said));
        }
        false
    }

    fn pass_on(&mut self, tree: &Tree, id: Id) {
        self.open_links -= usize::from(tree.tag(id) == Tag::A);
        if let Some((_, before)) = self.open_hidden.pop_if(|(hidden, _)| *hidden == id)
            && self.said - before >= MUCH_HIDDEN
        {
            self.holds[id.index()].0 &= !Holds::HIDDEN.0;
        }
        let Some(parent) = tree.parent(id) else { return };
        let own = self.holds(id);
        let passed = if own.any(Holds::LEFT_OUT) {
            0
        } else if own.any(Holds::HIDDEN) {
            own.0 & Holds::SUBSTANCE.0
        } else {
            (own.0 & Holds::PASSED_ON) | tree.element(id).map_or(0, |element| itself(element).0)
        };
        self.holds[parent.index()].0 |= passed;
    }
}

fn is_json_ld(script: &Element) -> bool {
    script.attr("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/ld+json"))
}

/// What an element adds to what its parent holds.
fn itself(element: &Element) -> Holds {
    let tag = element.tag;
    let mut holds = Holds::default();
    if heading_level(tag).is_some() {
        holds.add(Holds::HEADING | Holds::BLOCK);
    } else if is_structured(tag) {
        holds.add(Holds::STRUCTURE | Holds::BLOCK);
    } else if is_block(tag) {
        holds.add(Holds::BLOCK);
    }
    match tag {
        Tag::Table => holds.add(Holds::TABLE),
        Tag::Th => holds.add(Holds::HEADER_CELL),
        Tag::Img | Tag::Image => holds.add(Holds::IMAGE | Holds::SUBSTANCE),
        Tag::Math | Tag::Script => holds.add(Holds::TEXT | Holds::SUBSTANCE),
        Tag::A | Tag::Br | Tag::Hr | Tag::Input | Tag::Video | Tag::Audio | Tag::Picture => {
            holds.add(Holds::SUBSTANCE);
        }
        _ => {}
    }
    holds
}

fn says_much(tree: &Tree, noscript: Id) -> bool {
    text::text_of(tree, noscript, MUCH_FOR_CRAWLERS * 2).len() >= MUCH_FOR_CRAWLERS
}

/// `<noscript><img></noscript>` counts where no image with a source of its own stands right before it.
fn replaces_a_lazy_image(tree: &Tree, noscript: Id) -> bool {
    const NEAR: usize = 4;
    let mut images = tree.descendants(noscript).take(NEAR * NEAR).filter(|&id| tree.tag(id) == Tag::Img);
    let loaded = |id: Id| {
        let mut inside = tree.descendants(id).take(NEAR * NEAR);
        inside.any(|id| tree.tag(id) == Tag::Img && media::has_source(tree, id))
    };
    images.next().is_some() && !tree.siblings_before(noscript).take(NEAR).any(loaded)
}
