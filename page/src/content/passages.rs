//! Cuts a page into passages, the texts between two block boundaries, and the boxes that hold them.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::counts::{Counts, Heard, Known};
use super::marks::{Lexicon, Marks};
use super::names::{Sums, Worth};
use crate::ReadError;
use crate::budget::Watch;
use crate::classify::{heading_level, is_block};
use crate::index::{Holds, Survey};
use crate::tree::{Data, Element, Id, Step, Tag, Tree};

/// Kept or left out as a whole.
pub(super) struct Passage {
    /// Its texts, in [`Passages::texts`].
    pub(super) texts: std::ops::Range<u32>,
    /// The innermost box that holds it.
    pub(super) within: u32,
    pub(super) counts: Counts,
    /// Equal for passages of the same words.
    pub(super) print: u32,
    /// Of the elements within the line.
    pub(super) marks: Marks,
    /// What kinds of elements there are within the line.
    pub(super) inline: Inline,
    /// The last visible character.
    pub(super) last: char,
    /// What its words are worth, where they are few.
    pub(super) said: Sums,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Inline {
    pub(super) strong: bool,
    pub(super) time: bool,
    pub(super) code: bool,
}

/// An element that holds passages.
pub(super) struct Frame {
    pub(super) id: Id,
    /// [`NOWHERE`] for the outermost.
    pub(super) parent: u32,
    pub(super) tag: Tag,
    pub(super) marks: Marks,
    /// The parts of its class and id, in [`Passages::names`].
    names: std::ops::Range<u32>,
    /// What the names of it and of the two boxes around it are worth; those of the boxes beyond; its own, to what lies
    /// deep within it.
    pub(super) near: Sums,
    pub(super) far: Sums,
    to_far: Sums,
    /// Equal for elements of the same name and first class.
    pub(super) kind: u32,
    pub(super) depth: u32,
    /// Its children are boxes, whatever they are.
    parted: bool,
    /// It, or what holds it, is not shown at first.
    pub(super) hidden: bool,
    /// Of all that it holds.
    pub(super) counts: Counts,
}

/// Of the children of an element no more are looked at to see whether there is text beside them.
const MANY_PARTS: usize = 64;

pub(super) const NOWHERE: u32 = u32::MAX;

#[derive(Default)]
pub(super) struct Passages {
    pub(super) texts: Vec<Id>,
    pub(super) list: Vec<Passage>,
    /// Every one comes after those that hold it.
    pub(super) frames: Vec<Frame>,
    names: Vec<u32>,
}

impl Passages {
    /// What names are worth near and farther out, of an element with such names in such a box.
    fn worth(&self, names: &std::ops::Range<u32>, parent: u32) -> (Sums, Sums, Sums) {
        let own = &self.names[names.start as usize..names.end as usize];
        let above = |frame: Option<&Frame>| frame.and_then(|frame| self.frames.get(frame.parent as usize));
        let first = self.frames.get(parent as usize);
        let (second, third) = (above(first), above(above(first)));
        let mut near = own.to_vec();
        for frame in [first, second].into_iter().flatten() {
            near.extend(self.names_of(frame));
        }
        let far = first.map_or(Sums::default(), |first| first.far);
        let far = third.map_or(far, |third| far.with(third.to_far));
        (Worth::own().nearby(&mut near), far, Worth::own().farther_out(own))
    }

    pub(super) fn names_of(&self, frame: &Frame) -> &[u32] {
        &self.names[frame.names.start as usize..frame.names.end as usize]
    }

    /// What a passage says.
    pub(super) fn text(&self, tree: &Tree, at: usize) -> String {
        let texts = &self.list[at].texts;
        let mut said = String::new();
        for &id in &self.texts[texts.start as usize..texts.end as usize] {
            if tree.siblings_before(id).next().is_some_and(|before| tree.tag(before) == Tag::Br) {
                said.push(' ');
            }
            said.push_str(tree.text(id).unwrap_or_default());
        }
        said
    }
}

pub(super) fn passages(tree: &Tree, survey: &Survey, known: &Known, watch: &Watch) -> Result<Passages, ReadError> {
    let mut cutter = Cutter::new(tree, survey, known);
    let mut walk = tree.walk(Id::ROOT);
    while let Some(step) = walk.next() {
        watch.step()?;
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => cutter.text(id),
                Data::Element(element) if cutter.is_left_out(id, element) => walk.pass_over(id),
                Data::Element(element) => cutter.enter(id, element),
                Data::Document => {}
            },
            Step::Leave(id) => cutter.leave(id),
        }
    }
    cutter.end();
    Ok(cutter.done())
}

struct Cutter<'t> {
    tree: &'t Tree,
    survey: &'t Survey,
    known: &'t Known,
    lexicon: Lexicon,
    found: Passages,
    /// The boxes that are open.
    open: Vec<u32>,
    /// What was gathered of the passage under way.
    counts: Counts,
    heard: Heard,
    marks: Marks,
    inline: Inline,
    last: char,
    first_text: u32,
    in_link: u32,
}

impl<'t> Cutter<'t> {
    fn new(tree: &'t Tree, survey: &'t Survey, known: &'t Known) -> Self {
        Self {
            tree,
            survey,
            known,
            lexicon: Lexicon::default(),
            found: Passages::default(),
            open: Vec::new(),
            counts: Counts::default(),
            heard: Heard::default(),
            marks: 0,
            inline: Inline::default(),
            last: ' ',
            first_text: 0,
            in_link: 0,
        }
    }

    fn is_left_out(&self, id: Id, element: &Element) -> bool {
        self.survey.holds(id).any(Holds::LEFT_OUT) || element.tag == Tag::Head
    }

    fn text(&mut self, id: Id) {
        if !self.survey.holds(id).any(Holds::TEXT) {
            return;
        }
        let text = self.tree.text(id).unwrap_or_default();
        self.found.texts.push(id);
        self.counts.read(text, self.in_link > 0, self.known, &mut self.heard);
        self.last = text.trim_end().chars().next_back().unwrap_or(self.last);
    }

    fn enter(&mut self, id: Id, element: &Element) {
        match element.tag {
            Tag::A => {
                self.in_link += 1;
                self.counts.links += 1;
            }
            Tag::Img | Tag::Image | Tag::Svg => self.counts.images += 1,
            Tag::Input | Tag::Textarea | Tag::Select => self.counts.controls += 1,
            Tag::Strong | Tag::B => self.inline.strong = true,
            Tag::Code => self.inline.code = true,
            Tag::Other if &*element.name.local == "time" => self.inline.time = true,
            _ => {}
        }
        if self.is_frame(id, element) {
            self.end();
            self.open_frame(id, element);
        } else if !element.attrs.is_empty() {
            self.marks |= self.lexicon.read(element, None);
        }
    }

    /// A block, or one of several parts of a box that has no text beside them.
    fn is_frame(&self, id: Id, element: &Element) -> bool {
        let own = is_block(element.tag) || matches!(element.tag, Tag::Button | Tag::Label);
        let custom = element.tag == Tag::Other && element.name.local.contains('-');
        own || custom
            || self.open.last().is_some_and(|&open| {
                let open = &self.found.frames[open as usize];
                open.parted && Some(open.id) == self.tree.parent(id)
            })
    }

    /// Whether the box has several parts and no text beside them.
    fn is_parted(&self, id: Id, tag: Tag) -> bool {
        let is_line = matches!(tag, Tag::P | Tag::Pre | Tag::Blockquote | Tag::Dt | Tag::Figcaption | Tag::Summary);
        if is_line || heading_level(tag).is_some() {
            return false;
        }
        let holds_text = |id: &Id| self.survey.holds(*id).any(Holds::TEXT);
        let mut parts = self.tree.children(id).filter(holds_text).map(|child| self.tree.text(child).is_none());
        // One that is text settles it, as do two that are not.
        let mut parts = parts.by_ref().take(MANY_PARTS);
        let first = parts.next() == Some(true);
        let mut others = 0;
        first
            && parts.all(|part| {
                others += 1;
                part
            })
            && others > 0
    }

    fn open_frame(&mut self, id: Id, element: &Element) {
        let parent = self.open.last().copied().unwrap_or(NOWHERE);
        let (depth, hidden) =
            self.found.frames.get(parent as usize).map_or((0, false), |parent| (parent.depth + 1, parent.hidden));
        let start = self.found.names.len() as u32;
        let marks = self.lexicon.read(element, Some(&mut self.found.names));
        let names = start..self.found.names.len() as u32;
        let (near, far, to_far) = self.found.worth(&names, parent);
        let frame = Frame {
            id,
            parent,
            tag: element.tag,
            marks,
            names,
            near,
            far,
            to_far,
            kind: kind(element),
            depth,
            parted: self.is_parted(id, element.tag),
            hidden: hidden || self.survey.holds(id).any(Holds::HIDDEN),
            counts: Counts { controls: u32::from(element.tag == Tag::Button), ..Counts::default() },
        };
        self.open.push(self.found.frames.len() as u32);
        self.found.frames.push(frame);
    }

    fn leave(&mut self, id: Id) {
        let Some(element) = self.tree.element(id) else { return };
        if element.tag == Tag::A && !self.is_left_out(id, element) {
            self.in_link = self.in_link.saturating_sub(1);
        }
        if self.open.last().is_some_and(|&open| self.found.frames[open as usize].id == id) {
            self.end();
            self.open.pop();
        }
    }

    /// Ends the passage under way.
    fn end(&mut self) {
        let texts = self.first_text..self.found.texts.len() as u32;
        let mut counts = std::mem::take(&mut self.counts);
        let Some(&within) = self.open.last() else { return };
        let frame = &mut self.found.frames[within as usize];
        if !texts.is_empty() {
            counts.passages = 1;
            counts.headings = u32::from(heading_level(frame.tag).is_some());
            counts.prose = if counts.words >= 15 && counts.linked * 2 < counts.words { counts.words } else { 0 };
        }
        frame.counts.add(&counts);
        if texts.is_empty() {
            return;
        }
        self.first_text = texts.end;
        let mut heard = std::mem::take(&mut self.heard);
        let few = heard.first.len() <= Heard::FEW;
        let said = if few { Worth::own().said(&mut heard.first) } else { Sums::default() };
        self.found.list.push(Passage {
            texts,
            within,
            counts,
            print: heard.print,
            said,
            marks: std::mem::take(&mut self.marks),
            inline: std::mem::take(&mut self.inline),
            last: self.last,
        });
    }

    /// Adds up what each box holds.
    fn done(mut self) -> Passages {
        for at in (0..self.found.frames.len()).rev() {
            let Frame { parent, counts, .. } = self.found.frames[at];
            if let Some(parent) = self.found.frames.get_mut(parent as usize) {
                parent.counts.add(&counts);
            }
        }
        self.found
    }
}

fn kind(element: &Element) -> u32 {
    let class = element.attr("class").and_then(|class| class.split_ascii_whitespace().next()).unwrap_or_default();
    BuildHasherDefault::<DefaultHasher>::default().hash_one((element.tag as u8, class)) as u32
}
