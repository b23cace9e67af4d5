//! The second form of the Markdown: numbers in place of links, and the list of what they stand for.
//!
//! The first form is written once; what has to change in it for the second is noted while it is written.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

/// A finished sheet, and how to cite it.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) notes: Notes,
}

/// The changes, in the order of the text.
#[derive(Default)]
pub(super) struct Notes {
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
    /// The number, and what comes after it.
    Number(usize, &'static str),
}

struct Reference {
    url: String,
    says: String,
}

impl Notes {
    /// A link begins here; whether it becomes one is seen at its end.
    pub(super) fn begin(&mut self, at: usize) -> usize {
        self.edits.push(Edit { at: at..at + 1, change: Change::Keep });
        self.edits.len() - 1
    }

    pub(super) fn link(&mut self, begin: usize, end: Range<usize>, url: &str, text: &str, title: &str) {
        let says = label(text);
        let says = match title {
            "" => says,
            title if title == says || says.is_empty() => title.to_owned(),
            title => format!("{title} - {says}"),
        };
        let number = self.number(url, says);
        if let Some(edit) = self.edits.get_mut(begin) {
            edit.change = Change::Drop;
        }
        self.edits.push(Edit { at: end, change: Change::Number(number, "") });
    }

    pub(super) fn image(&mut self, label: Range<usize>, end: usize, url: &str, alt: &str) {
        let number = self.number(url, alt.to_owned());
        self.edits.push(Edit { at: label.end..end, change: Change::Number(number, "]") });
    }

    /// The same target has the same number.
    fn number(&mut self, url: &str, says: String) -> usize {
        if let Some(&number) = self.numbers.get(url) {
            return number;
        }
        self.references.push(Reference { url: url.to_owned(), says });
        self.numbers.insert(url.to_owned(), self.references.len());
        self.references.len()
    }

    /// So many bytes were inserted at this place.
    pub(super) fn shift(&mut self, from: usize, by: usize) {
        for edit in self.edits.iter_mut().rev().take_while(|edit| edit.at.start >= from) {
            edit.at = edit.at.start + by..edit.at.end + by;
        }
    }

    /// So many bytes were taken away at this place.
    pub(super) fn unshift(&mut self, from: usize, by: usize) {
        for edit in self.edits.iter_mut().rev().take_while(|edit| edit.at.start > from) {
            edit.at = edit.at.start - by..edit.at.end - by;
        }
    }
}

/// What a link says, without the Markdown of an image in it.
fn label(text: &str) -> String {
    let alt = text.strip_prefix("![").and_then(|image| image.split_once("](")).map(|(alt, _)| alt);
    crate::text::collapsed(alt.unwrap_or(text))
}

/// The text with numbers, and the references.
pub(super) fn cite(written: &Written) -> (String, String) {
    let Written { text, notes } = written;
    let mut cited = String::with_capacity(text.len());
    let mut at = 0;
    for edit in &notes.edits {
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
    (cited, references(&notes.references))
}

fn references(references: &[Reference]) -> String {
    let mut list = String::new();
    for (index, Reference { url, says }) in references.iter().enumerate() {
        list.push_str(if index == 0 { "\n\n## References\n\n" } else { "" });
        push_number(index + 1, &mut list);
        list.extend([" ", url]);
        if !says.is_empty() {
            list.extend([": ", says]);
        }
        list.push('\n');
    }
    list
}

fn push_number(number: usize, out: &mut String) {
    write!(out, "⟨{number}⟩").expect("writing to a string does not fail");
}
