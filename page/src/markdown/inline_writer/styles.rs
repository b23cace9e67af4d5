//! Opens and closes styles, so that each takes effect in CommonMark.
//!
//! In CommonMark `*` opens emphasis only as part of a left-flanking run and closes it only as part of a right-flanking
//! one. If `**"a"**b` would not work, the delimiter moves to the other side of the punctuation; if that does not help,
//! the style is dropped and the words remain.

use super::state::{ClosedStyle, Gap, InlineWriter, OpenStyle};
use crate::markdown::escape;
use crate::markdown::inlines::{Inline, InlineStyle};

impl InlineWriter<'_, '_> {
    /// Whether the deferred styles can open before `next`. Drops them if they never can.
    pub(super) fn can_open_styles(&mut self, next: char, is_text: bool) -> bool {
        let before = self.before();
        if !escape::is_punctuation(next) || !is_word_character(before) || !self.defers_flanking_style() {
            return true;
        }
        if is_text {
            return false;
        }
        self.deferred.retain(|&item| !must_flank(&self.items[item]));
        true
    }

    fn defers_flanking_style(&self) -> bool {
        let before_link = self.deferred.iter().take_while(|&&item| !matches!(self.items[item], Inline::LinkOpen(_)));
        before_link.copied().any(|item| must_flank(&self.items[item]))
    }

    /// Links without anything between them are separated by a space.
    pub(super) fn open_deferred(&mut self) {
        let opens_link = self.deferred.iter().any(|&item| matches!(self.items[item], Inline::LinkOpen(_)));
        if opens_link && self.link_end == self.out.len() {
            self.out.push(' ');
        }
        for item in std::mem::take(&mut self.deferred) {
            match self.items[item] {
                Inline::LinkOpen(anchor) => self.open_link(anchor),
                Inline::Open(style) => self.open_style(style, item),
                _ => {}
            }
        }
    }

    fn open_style(&mut self, style: InlineStyle, item: usize) {
        let at = self.out.len();
        let before = if self.opens_directly_before() { self.open_styles.last().map(|open| open.before) } else { None };
        let before = before.unwrap_or_else(|| self.before());
        let delimiter = self.delimiter(style, item, before);
        match style {
            InlineStyle::Emphasis => self.out.push(delimiter),
            InlineStyle::Strong => self.out.extend([delimiter, delimiter]),
            InlineStyle::Strikethrough => self.out.push_str("~~"),
            InlineStyle::Subscript => self.out.push_str("<sub>"),
            InlineStyle::Superscript => self.out.push_str("<sup>"),
        }
        self.open_styles.push(OpenStyle { item, at, delimiter, before });
        self.plain_from = self.out.len();
    }

    /// `*`, or `_` if `*` would merge with the delimiter before it and `_` takes effect here. `outside` is the
    /// character before all styles that open here.
    fn delimiter(&self, style: InlineStyle, item: usize, outside: char) -> char {
        let before = self.before();
        let end = self.style_ends.get(item).copied().unwrap_or(self.items.len());
        let after = if end < self.items.len() { self.after(end) } else { ' ' };
        let closes_with = |other: &OpenStyle| self.style_ends.get(other.item).is_some_and(|&outer| outer == end + 1);
        let opens_with = |other: &OpenStyle| other.at + delimiter_length(&self.items[other.item]) == self.out.len();
        let inner_ends = matches!(self.items.get(end.wrapping_sub(1)), Some(Inline::Close(_)));
        let underscore_works = !is_word_character(outside) && !is_word_character(after);
        let same = self.open_styles.iter().rev().find(|other| self.items[other.item] == Inline::Open(style));
        let around = self.open_styles.last();
        let preferred = match (same, around) {
            (Some(same), _) if same.delimiter == '*' => '_',
            (Some(_), _) => '*',
            (None, Some(around)) if around.delimiter == '*' && opens_with(around) && closes_with(around) => '_',
            (None, Some(around)) if around.delimiter == '_' && opens_with(around) => '*',
            (None, _) if self.gap == Gap::None && before == '*' && !self.opens_directly_before() && !inner_ends => '_',
            _ => '*',
        };
        if preferred == '_' && underscore_works { '_' } else { '*' }
    }

    fn opens_directly_before(&self) -> bool {
        self.open_styles.last().is_some_and(|open| open.at + delimiter_length(&self.items[open.item]) == self.out.len())
    }

    pub(super) fn close_style(&mut self, style: InlineStyle, index: usize) {
        if let Some(position) = self.deferred.iter().rposition(|&item| self.style_ends[item] == index) {
            self.deferred.remove(position);
            return;
        }
        let Some(open) = self.open_styles.pop_if(|open| self.style_ends[open.item] == index) else { return };
        let ends_link = self.link_end == self.out.len();
        match style {
            InlineStyle::Subscript => self.out.push_str("</sub>"),
            InlineStyle::Superscript => self.out.push_str("</sup>"),
            InlineStyle::Emphasis | InlineStyle::Strong | InlineStyle::Strikethrough => {
                self.close_flanking(style, open, index);
            }
        }
        self.plain_from = self.plain_from.max(self.out.len());
        if ends_link {
            self.link_end = self.out.len();
        }
    }

    fn close_flanking(&mut self, style: InlineStyle, open: OpenStyle, index: usize) {
        let after = if self.gap == Gap::None { self.after(index) } else { ' ' };
        let last = self.last_before(open.delimiter);
        let (one, two) = ([open.delimiter; 1], [open.delimiter; 2]);
        let run: &[char] = match style {
            InlineStyle::Emphasis => &one,
            InlineStyle::Strikethrough => &['~'; 2],
            _ => &two,
        };
        if !(escape::is_punctuation(last) && is_word_character(after)) {
            self.out.extend(run);
            self.closed_style = Some(ClosedStyle { at: self.out.len(), delimiter: open.delimiter, last });
            return;
        }
        match self.before_punctuation(open) {
            Some(at) => self.out.insert_str(at, &run.iter().collect::<String>()),
            None => {
                self.out.replace_range(open.at..open.at + run.len(), "");
                self.edits.unshift(open.at, run.len());
                self.adjust_to_removal(open.at, run.len());
            }
        }
        self.plain_from = self.out.len();
    }

    /// The last character before closing delimiters of the same character.
    fn last_before(&self, delimiter: char) -> char {
        let closed = self.closed_style.filter(|closed| closed.at == self.out.len() && closed.delimiter == delimiter);
        closed.map_or_else(|| self.out.chars().next_back().unwrap_or(' '), |closed| closed.last)
    }

    /// The position of the punctuation at the end, if it is plain text after other text in the style.
    fn before_punctuation(&self, open: OpenStyle) -> Option<usize> {
        let from = self.plain_from.max(open.at);
        let plain = self.out.get(from..)?;
        let words = plain.trim_end_matches(escape::is_punctuation);
        let last = words.chars().next_back()?;
        (!escape::is_space(last)).then_some(from + words.len())
    }
}

/// Whether a character is neither white space nor punctuation.
fn is_word_character(c: char) -> bool {
    !escape::is_space(c) && !escape::is_punctuation(c)
}

/// Whether an item opens a style whose delimiter must be left-flanking.
fn must_flank(item: &Inline) -> bool {
    matches!(item, Inline::Open(InlineStyle::Emphasis | InlineStyle::Strong | InlineStyle::Strikethrough))
}

fn delimiter_length(item: &Inline) -> usize {
    match item {
        Inline::Open(InlineStyle::Emphasis) => 1,
        Inline::Open(InlineStyle::Strong | InlineStyle::Strikethrough) => 2,
        _ => 5,
    }
}
