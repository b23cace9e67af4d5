//! Markdown with citations: numbers instead of link targets, and the list of references.
//!
//! The raw Markdown is written once. The edits that convert it to the form with citations are recorded while it is
//! written.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use crate::text::collapse_whitespace;

/// The raw Markdown and the edits that add citations.
pub(super) struct WrittenMarkdown {
    pub(super) text: String,
    pub(super) edits: CitationEdits,
}

/// The edits in text order, with the references.
#[derive(Default)]
pub(super) struct CitationEdits {
    edits: Vec<Edit>,
    numbers: HashMap<String, usize>,
    references: Vec<Reference>,
}

struct Edit {
    at: Range<usize>,
    change: Change,
}

enum Change {
    Keep,
    Drop,
    /// Replace by the number and a suffix.
    Number(usize, &'static str),
}

struct Reference {
    url: String,
    text: String,
}

impl CitationEdits {
    /// Records the `[` of a link. It is dropped once [`Self::link`] completes the link.
    pub(super) fn open_link(&mut self, at: usize) -> usize {
        self.edits.push(Edit { at: at..at + 1, change: Change::Keep });
        self.edits.len() - 1
    }

    /// Completes a link: `end` is the range from `](` on.
    pub(super) fn link(&mut self, open: usize, end: Range<usize>, url: &str, text: &str, title: &str) {
        let text = link_text(text);
        let text = match title {
            "" => text,
            title if title == text || text.is_empty() => title.to_owned(),
            title => format!("{title} - {text}"),
        };
        let number = self.number(url, text);
        if let Some(edit) = self.edits.get_mut(open) {
            edit.change = Change::Drop;
        }
        self.edits.push(Edit { at: end, change: Change::Number(number, "") });
    }

    /// Records an image: the range of its label, and its end.
    pub(super) fn image(&mut self, label: Range<usize>, end: usize, url: &str, alt: &str) {
        let number = self.number(url, alt.to_owned());
        self.edits.push(Edit { at: label.end..end, change: Change::Number(number, "]") });
    }

    /// The number of a target; equal targets have one number.
    fn number(&mut self, url: &str, text: String) -> usize {
        if let Some(&number) = self.numbers.get(url) {
            return number;
        }
        self.references.push(Reference { url: url.to_owned(), text });
        self.numbers.insert(url.to_owned(), self.references.len());
        self.references.len()
    }

    /// Adjusts the edits to `count` bytes inserted at `from`.
    pub(super) fn shift(&mut self, from: usize, count: usize) {
        for edit in self.edits.iter_mut().rev().take_while(|edit| edit.at.start >= from) {
            edit.at = edit.at.start + count..edit.at.end + count;
        }
    }

    /// Adjusts the edits to `count` bytes removed at `from`.
    pub(super) fn unshift(&mut self, from: usize, count: usize) {
        for edit in self.edits.iter_mut().rev().take_while(|edit| edit.at.start > from) {
            edit.at = edit.at.start - count..edit.at.end - count;
        }
    }
}

/// The text of a link; for an image in it, its label.
fn link_text(text: &str) -> String {
    let alt = text.strip_prefix("![").and_then(|image| image.split_once("](")).map(|(alt, _)| alt);
    collapse_whitespace(alt.unwrap_or(text))
}

/// The Markdown with citations, and the list of references.
pub(super) fn cite(written: &WrittenMarkdown) -> (String, String) {
    let WrittenMarkdown { text, edits: CitationEdits { edits, references, .. } } = written;
    let mut cited = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        if matches!(edit.change, Change::Keep) {
            continue;
        }
        cited.push_str(text.get(at..edit.at.start).unwrap_or_default());
        at = edit.at.end;
        if let Change::Number(number, after) = edit.change {
            push_number(number, &mut cited);
            cited.push_str(after);
        }
    }
    cited.push_str(text.get(at..).unwrap_or_default());
    (cited, reference_list(references))
}

fn reference_list(references: &[Reference]) -> String {
    let mut list = String::new();
    for (index, Reference { url, text }) in references.iter().enumerate() {
        list.push_str(if index == 0 { "\n\n## References\n\n" } else { "" });
        push_number(index + 1, &mut list);
        list.extend([" ", url]);
        if !text.is_empty() {
            list.extend([": ", text]);
        }
        list.push('\n');
    }
    list
}

fn push_number(number: usize, out: &mut String) {
    write!(out, "⟨{number}⟩").expect("writing to a string does not fail");
}
