//! What a model is told about each passage, as numbers.

use std::collections::HashMap;

use super::counts::Counts;
use super::marks::{KINDS, Marks};
use super::outline::Outline;
use super::passages::{Frame, Passage, Passages};
use crate::classify::heading_level;
use crate::tree::Tag;

/// Levels of boxes around a passage that are looked at, each larger than the one before.
const LEVELS: usize = 6;
/// Farther than any level.
const FAR: u8 = 12;

/// Takes the numbers of one row in their order and, for who wants to read them, their names.
struct Row<'a> {
    numbers: &'a mut Vec<f32>,
    names: Option<&'a mut Vec<String>>,
}

impl Row<'_> {
    #[inline]
    fn put(&mut self, name: &str, number: f32) {
        self.numbers.push(number);
        if let Some(names) = &mut self.names {
            names.push(name.to_owned());
        }
    }

    #[inline]
    fn put_at(&mut self, name: &str, at: impl std::fmt::Display, number: f32) {
        self.numbers.push(number);
        if let Some(names) = &mut self.names {
            names.push(format!("{name}{at}"));
        }
    }

    #[inline]
    fn flag(&mut self, name: &str, on: bool) {
        self.put(name, f32::from(u8::from(on)));
    }
}

/// All that the numbers of a passage are taken from.
pub(super) struct Scene<'a> {
    page: Vec<(&'static str, f32)>,
    found: &'a Passages,
    outline: &'a Outline,
    whole: Counts,
    /// Words before each passage, and of all.
    before: Vec<u32>,
    linked_before: Vec<u32>,
    prose_before: Vec<u32>,
    same: HashMap<u32, u32>,
    first_h1: Option<usize>,
    /// The last heading before each passage.
    heading: Vec<Option<usize>>,
    title_passage: Option<usize>,
}

fn ratio(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

fn log(number: u32) -> f32 {
    (number as f32 + 1.0).ln()
}

impl<'a> Scene<'a> {
    pub(super) fn of(found: &'a Passages, outline: &'a Outline, page: Vec<(&'static str, f32)>) -> Self {
        let mut scene = Self {
            page,
            found,
            outline,
            whole: Counts::default(),
            before: vec![0],
            linked_before: vec![0],
            prose_before: vec![0],
            same: HashMap::new(),
            first_h1: None,
            heading: Vec::new(),
            title_passage: None,
        };
        let mut heading = None;
        let mut best = 0.0;
        for (at, passage) in found.list.iter().enumerate() {
            scene.whole.add(&passage.counts);
            scene.before.push(scene.whole.words);
            scene.linked_before.push(scene.whole.linked);
            scene.prose_before.push(scene.whole.prose);
            *scene.same.entry(passage.print).or_default() += 1;
            scene.heading.push(heading);
            let tag = scene.frame(passage).tag;
            if heading_level(tag).is_some() {
                heading = Some(at);
            }
            if tag == Tag::H1 && scene.first_h1.is_none() {
                scene.first_h1 = Some(at);
            }
            let alike = ratio(passage.counts.in_title, passage.counts.words) * passage.counts.in_title as f32;
            if alike > best && heading_level(tag).is_some() {
                best = alike;
                scene.title_passage = Some(at);
            }
        }
        scene
    }

    /// Appends the numbers of a passage; the same number for every one.
    pub(super) fn describe(&self, at: usize, numbers: &mut Vec<f32>, names: Option<&mut Vec<String>>) {
        let mut row = Row { numbers, names };
        self.own(at, &mut row);
        self.place(at, &mut row);
        self.neighbours(at, &mut row);
        self.levels(at, &mut row);
        self.marks(at, &mut row);
        self.page.iter().for_each(|(name, number)| row.put(name, *number));
    }

    fn frame(&self, passage: &Passage) -> &'a Frame {
        &self.found.frames[passage.within as usize]
    }

    fn own(&self, at: usize, row: &mut Row<'_>) {
        let passage = &self.found.list[at];
        let (counts, frame) = (&passage.counts, self.frame(passage));
        row.put("words", log(counts.words));
        row.put("linked", ratio(counts.linked, counts.words));
        row.put("word length", ratio(counts.letters, counts.words));
        row.put("short", ratio(counts.short, counts.words));
        row.put("capitals", ratio(counts.capitals, counts.words));
        row.put("numbers", ratio(counts.numbers, counts.words));
        row.put("commas", counts.commas as f32);
        row.put("ends", counts.ends as f32);
        row.put("prices", counts.prices as f32);
        row.put("title words", counts.in_title as f32);
        row.put("title share", ratio(counts.in_title, counts.words));
        row.put("description words", counts.in_description as f32);
        row.put("description share", ratio(counts.in_description, counts.words));
        row.put("links", counts.links as f32);
        row.put("images", counts.images as f32);
        row.put(
            "last",
            match passage.last {
                '.' | '。' | '।' => 3.0,
                '!' | '?' | '！' | '？' => 4.0,
                ':' | '：' => 2.0,
                ',' | ';' | '…' => 1.0,
                c if c.is_alphanumeric() => 0.0,
                _ => 5.0,
            },
        );
        row.put("level", heading_level(frame.tag).unwrap_or(0) as f32);
        row.put("tag", f32::from(tag_class(frame.tag)));
        row.flag("strong", passage.inline.strong);
        row.flag("time", passage.inline.time);
        row.flag("code", passage.inline.code);
        row.flag("hidden", frame.hidden);
        row.put("same", self.same[&passage.print] as f32);
        row.put("depth", frame.depth as f32);
        row.put("names near", frame.near.sum);
        row.put("names near least", frame.near.least);
        row.put("names near most", frame.near.most);
        row.put("names far least", frame.far.least);
        row.put("names far most", frame.far.most);
        row.put("said", passage.said.sum);
        row.put("said least", passage.said.least);
    }

    fn place(&self, at: usize, row: &mut Row<'_>) {
        let total = self.found.list.len();
        row.put("place", at as f32 / total as f32);
        row.put("place in words", ratio(self.before[at], self.whole.words));
        row.put("place in prose", ratio(self.prose_before[at], self.whole.prose));
        row.put("from start", (at as f32).min(200.0));
        row.put("from end", ((total - at) as f32).min(200.0));
        let away = |from: Option<usize>| match from {
            Some(from) => (at as f32 - from as f32).clamp(-100.0, 200.0),
            None => -200.0,
        };
        row.put("from h1", away(self.first_h1));
        row.put("from title", away(self.title_passage));
        let heading = self.heading[at];
        row.put("from heading", heading.map_or(99.0, |heading| ((at - heading) as f32).min(50.0)));
        row.put(
            "heading level",
            heading.map_or(0.0, |heading| heading_level(self.frame(&self.found.list[heading]).tag).unwrap_or(0) as f32),
        );
        row.put("heading words", heading.map_or(-1.0, |heading| self.found.list[heading].counts.words as f32));
    }

    fn neighbours(&self, at: usize, row: &mut Row<'_>) {
        for step in [-3isize, -2, -1, 1, 2, 3] {
            let other = at.checked_add_signed(step).and_then(|other| self.found.list.get(other));
            row.put_at("words ", step, other.map_or(-1.0, |other| log(other.counts.words)));
            if step.abs() < 3 {
                row.put_at("linked ", step, other.map_or(-1.0, |other| ratio(other.counts.linked, other.counts.words)));
                row.put_at("tag ", step, other.map_or(-1.0, |other| f32::from(tag_class(self.frame(other).tag))));
                let together = other.map_or(-1.0, |other| {
                    let own = self.outline.top(self.found.list[at].within);
                    f32::from(u8::from(self.outline.up(own) == self.outline.up(self.outline.top(other.within))))
                });
                row.put_at("together ", step, together);
            }
        }
        for reach in [3, 8, 20] {
            let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(self.found.list.len()));
            let words = self.before[to] - self.before[from];
            row.put_at("near words ", reach, words as f32 / (to - from) as f32);
            row.put_at("near linked ", reach, ratio(self.linked_before[to] - self.linked_before[from], words));
            row.put_at("near prose ", reach, ratio(self.prose_before[to] - self.prose_before[from], words));
        }
    }

    fn levels(&self, at: usize, row: &mut Row<'_>) {
        let mut frame = Some(self.found.list[at].within);
        for level in 0..LEVELS {
            let Some(index) = frame else {
                (0..13).for_each(|n| row.put_at(LEVEL_NAMES[n], level, -1.0));
                continue;
            };
            let counts = &self.found.frames[index as usize].counts;
            let group = self.outline.group(index);
            row.put_at(LEVEL_NAMES[0], level, ratio(counts.words, self.whole.words));
            row.put_at(LEVEL_NAMES[1], level, ratio(counts.linked, counts.words));
            row.put_at(LEVEL_NAMES[2], level, ratio(counts.words, counts.passages));
            row.put_at(LEVEL_NAMES[3], level, ratio(counts.prose, counts.words));
            row.put_at(LEVEL_NAMES[4], level, ratio(counts.prose, self.whole.prose));
            row.put_at(LEVEL_NAMES[5], level, ratio(counts.headings, counts.passages));
            row.put_at(LEVEL_NAMES[6], level, ratio(counts.images, counts.passages));
            row.put_at(LEVEL_NAMES[7], level, counts.controls.min(50) as f32);
            row.put_at(LEVEL_NAMES[8], level, group.members as f32);
            row.put_at(LEVEL_NAMES[9], level, ratio(group.counts.words, group.members));
            row.put_at(LEVEL_NAMES[10], level, ratio(group.counts.linked, group.counts.words));
            row.put_at(LEVEL_NAMES[11], level, ratio(group.counts.prices, group.members).min(4.0));
            row.put_at(LEVEL_NAMES[12], level, ratio(counts.ends, counts.words));
            frame = self.outline.up(index);
        }
    }

    fn marks(&self, at: usize, row: &mut Row<'_>) {
        let passage = &self.found.list[at];
        let mut near = self.outline.near(passage.within);
        set(&mut near, passage.marks, 0);
        for (kind, (name, _)) in KINDS.iter().enumerate() {
            row.put_at("marked ", name, f32::from(near[kind]));
        }
    }
}

const LEVEL_NAMES: [&str; 13] = [
    "share @",
    "linked @",
    "passage words @",
    "prose @",
    "prose share @",
    "headings @",
    "images @",
    "controls @",
    "alike @",
    "alike words @",
    "alike linked @",
    "alike prices @",
    "ends @",
];

pub(super) type Near = [u8; KINDS.len()];
pub(super) const NOT_NEAR: Near = [FAR; KINDS.len()];

pub(super) fn set(near: &mut Near, mut marks: Marks, to: u8) {
    while marks != 0 {
        near[marks.trailing_zeros() as usize] = to;
        marks &= marks - 1;
    }
}

pub(super) fn farther(near: &mut Near) {
    near.iter_mut().for_each(|level| *level = (*level + 1).min(FAR));
}

/// Ordered so that likes stand beside each other.
fn tag_class(tag: Tag) -> u8 {
    match tag {
        Tag::Button => 0,
        Tag::Label | Tag::Legend => 1,
        Tag::A => 2,
        Tag::Other => 3,
        Tag::Span => 4,
        Tag::Li => 5,
        Tag::Div => 6,
        Tag::Section | Tag::Article | Tag::Main | Tag::Body => 7,
        Tag::Td => 8,
        Tag::Th => 9,
        Tag::Dt | Tag::Dd => 10,
        Tag::Figcaption | Tag::Caption => 11,
        Tag::H1 => 12,
        Tag::H2 => 13,
        Tag::H3 => 14,
        Tag::H4 | Tag::H5 | Tag::H6 => 15,
        Tag::P => 16,
        Tag::Blockquote => 17,
        Tag::Pre => 18,
        _ => 6,
    }
}
