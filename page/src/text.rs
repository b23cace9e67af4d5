//! The text of elements, without markup and with collapsed white space.

use crate::element_kind::{is_block, is_excluded};
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// White space that is read beyond the limit of [`text_content`], in bytes.
const MIN_SPACE_LIMIT: usize = 4096;

/// The length of the longest run of the character `of`.
pub(crate) fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// The text with each run of white space replaced by one space, trimmed.
pub(crate) fn collapse_whitespace(text: &str) -> String {
    let mut line = LineBuilder::new(usize::MAX);
    line.push(text);
    line.text
}

/// The text of an element as one line, cut at a word before `max` bytes; blocks and line breaks become spaces. The
/// number of nodes and the white space that it reads are bounded.
pub(crate) fn text_content(tree: &Tree, top: NodeId, max: usize) -> String {
    text_without(tree, top, max, |_, element| is_excluded(element))
}

/// [`text_content`] without the elements below `top` that `is_omitted` names.
pub(crate) fn text_without(
    tree: &Tree,
    top: NodeId,
    max: usize,
    is_omitted: impl Fn(NodeId, &Element) -> bool,
) -> String {
    let spaces = max.saturating_mul(4).saturating_add(MIN_SPACE_LIMIT);
    let mut line = LineBuilder { spaces, ..LineBuilder::new(max) };
    let mut walk = tree.walk(top);
    for _ in 0..max.saturating_mul(4) {
        match walk.next() {
            Some(Visit::Enter(id)) => match tree.data(id) {
                NodeData::Text { .. } => line.push(tree.text(id).unwrap_or_default()),
                NodeData::Element(element) if id != top && is_omitted(id, element) => walk.skip_children(id),
                NodeData::Element(element) => line.gap |= is_block(element.tag) || element.tag == Tag::Br,
                NodeData::Document => {}
            },
            Some(Visit::Leave(id)) => line.gap |= is_block(tree.tag(id)),
            None => break,
        }
        if line.full {
            break;
        }
    }
    tree.work().spend_bytes(line.text.len() + spaces - line.spaces);
    line.text
}

/// The text nodes that are children of an element, as one line; also of elements that [`text_content`] skips.
pub(crate) fn raw_text(tree: &Tree, top: NodeId) -> String {
    let mut line = LineBuilder::new(usize::MAX);
    tree.children(top).filter_map(|child| tree.text(child)).for_each(|text| line.push(text));
    line.text
}

/// A line of words, up to a length.
struct LineBuilder {
    text: String,
    /// A space precedes the next word.
    gap: bool,
    max: usize,
    /// Bytes of white space that may still be read.
    spaces: usize,
    /// A limit was reached.
    full: bool,
}

impl LineBuilder {
    fn new(max: usize) -> Self {
        Self { text: String::new(), gap: false, max, spaces: usize::MAX, full: false }
    }

    fn push(&mut self, text: &str) {
        let mut rest = text;
        loop {
            let looked = &rest[..rest.floor_char_boundary(self.spaces)];
            let word = looked.trim_start();
            let spaces = looked.len() - word.len();
            self.gap |= spaces > 0;
            self.spaces -= spaces;
            if word.is_empty() {
                self.full |= looked.len() < rest.len();
                return;
            }
            rest = &rest[spaces..];
            // Only this much is searched for the word's end: a longer word does not fit.
            let near = &rest[..rest.floor_char_boundary(self.max.saturating_add(4))];
            let (word, after) = rest.split_at(near.find(char::is_whitespace).unwrap_or(near.len()));
            rest = after;
            if self.text.len() + word.len() >= self.max {
                self.full = true;
                if self.text.is_empty() {
                    self.text.push_str(&word[..word.floor_char_boundary(self.max)]);
                }
                return;
            }
            if self.gap && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
            self.gap = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_collapsed_and_text_cut_at_words() {
        assert_eq!(collapse_whitespace("  a \n b\u{a0}c  "), "a b c");
        let mut line = LineBuilder::new(8);
        line.push("one two three");
        assert_eq!((line.text.as_str(), line.full), ("one two", true));
        let mut line = LineBuilder { spaces: 6, ..LineBuilder::new(100) };
        line.push(" one    two  three");
        assert_eq!((line.text.as_str(), line.full), ("one two", true));
    }
}
