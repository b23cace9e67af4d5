//! Plain text: what an element says without its markup, and pages that are no HTML.

use crate::classify::{is_block, is_left_out};
use crate::tree::{Data, Id, Step, Tag, Tree};
use crate::{Markdown, Options, Page};

/// Says what a body that is no HTML says. `content_type_essence` is its media type without parameters
/// (`application/json`).
///
/// - Markdown and plain text are taken as they are: most plain text that is crawled (`llms.txt`, READMEs, robots.txt) is
///   meant to be read so, and escaping it would only harm.
/// - JSON, XML and other structured text go into a fenced block with their language, so that a reader, person or model,
///   sees where the data begins and ends and none of it is taken for markup.
///
/// There are no links, media or tables in it; `cleaned_html` is the text as a `<pre>`. Of `options` it is only asked whether
/// the main content is wanted: that is all of it, whatever the filter, as Markdown alone.
pub fn read_text(text: &str, content_type_essence: &str, options: &Options) -> Page {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let markdown = match language(content_type_essence) {
        Some(language) => fenced(text, language),
        None => text.to_owned(),
    };
    let mut cleaned_html = String::with_capacity(text.len() + 16);
    cleaned_html.push_str("<pre>");
    crate::cleaned::escape_text(text, &mut cleaned_html);
    cleaned_html.push_str("</pre>");
    let mut page =
        Page { markdown: Markdown::of_text(&markdown), metadata: crate::metadata::none(), ..Page::default() };
    if options.content_filter.is_some() {
        page.markdown.fit_markdown = markdown;
    }
    Page { cleaned_html, ..page }
}

/// `None`: text to be read as it is.
fn language(essence: &str) -> Option<&'static str> {
    let essence = essence.trim().to_ascii_lowercase();
    let (_, kind) = essence.split_once('/')?;
    Some(match kind {
        "json" | "x-json" | "x-ndjson" | "ndjson" | "jsonl" | "json-seq" => "json",
        "xml" | "x-xml" | "xml-dtd" => "xml",
        "csv" | "x-csv" => "csv",
        "tab-separated-values" => "tsv",
        "yaml" | "x-yaml" | "vnd.yaml" => "yaml",
        "javascript" | "x-javascript" | "ecmascript" => "javascript",
        "css" => "css",
        "toml" => "toml",
        kind if kind.ends_with("+json") => "json",
        kind if kind.ends_with("+xml") => "xml",
        kind if kind.ends_with("+yaml") => "yaml",
        _ => return None,
    })
}

fn fenced(text: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// The length of the longest run of a character.
pub(crate) fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// The text with each run of white space as one space, trimmed.
pub(crate) fn collapsed(text: &str) -> String {
    let mut line = Line::new(usize::MAX);
    line.push(text);
    line.text
}

/// What an element says, as one line, cut at a word before `max` bytes; blocks and line breaks are spaces. Looks at a
/// bounded number of nodes, and of spaces between words.
pub(crate) fn text_of(tree: &Tree, top: Id, max: usize) -> String {
    let spaces = max.saturating_mul(4).saturating_add(MANY_SPACES);
    let mut line = Line { spaces, ..Line::new(max) };
    let mut walk = tree.walk(top);
    for _ in 0..max.saturating_mul(4) {
        match walk.next() {
            Some(Step::Enter(id)) => match tree.data(id) {
                Data::Text { .. } => line.push(tree.text(id).unwrap_or_default()),
                Data::Element(element) if id != top && is_left_out(element) => walk.pass_over(id),
                Data::Element(element) => line.gap |= is_block(element.tag) || element.tag == Tag::Br,
                Data::Document => {}
            },
            Some(Step::Leave(id)) => line.gap |= is_block(tree.tag(id)),
            None => break,
        }
        if line.full {
            break;
        }
    }
    tree.work().spend_bytes(line.text.len() + spaces - line.spaces);
    line.text
}

/// The text of an element that holds nothing but text, as one line; also of what [`text_of`] leaves out.
pub(crate) fn text_of_raw(tree: &Tree, top: Id) -> String {
    let mut line = Line::new(usize::MAX);
    tree.children(top).filter_map(|child| tree.text(child)).for_each(|text| line.push(text));
    line.text
}

/// So many spaces may stand anywhere.
const MANY_SPACES: usize = 4096;

/// A line that grows by words, up to a length.
struct Line {
    text: String,
    gap: bool,
    max: usize,
    /// White space of so many bytes may still come between words.
    spaces: usize,
    full: bool,
}

impl Line {
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
            // A word that goes on beyond this does not fit.
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
    use crate::ContentFilter;

    #[test]
    fn a_body_that_is_no_html_is_taken_as_it_is_or_fenced() {
        for (essence, text, markdown) in [
            ("text/plain", "a *b*\n", "a *b*\n"),
            ("text/markdown", "# A\n", "# A\n"),
            ("", "x", "x"),
            ("application/json", "{\"a\": 1}", "```json\n{\"a\": 1}\n```\n"),
            ("application/LD+json", "{}\n", "```json\n{}\n```\n"),
            ("application/rss+xml", "<a>```</a>", "````xml\n<a>```</a>\n````\n"),
            ("text/csv", "a,b\n", "```csv\na,b\n```\n"),
        ] {
            let page = read_text(text, essence, &Options::default());
            assert_eq!(page.markdown.raw_markdown, markdown, "{essence}");
            assert_eq!(page.markdown.markdown_with_citations, markdown);
            assert!(page.metadata["title"].is_null());
        }
        let whole = read_text("a<b", "text/plain", &Options::default());
        assert_eq!(
            (&*whole.cleaned_html, &*whole.markdown.fit_markdown, whole.fit_html),
            ("<pre>a&lt;b</pre>", "", None)
        );
    }

    #[test]
    fn a_text_is_its_own_main_content() {
        for filter in [ContentFilter::Main, ContentFilter::Bm25(Default::default())] {
            let options = Options { content_filter: Some(filter), ..Options::default() };
            let page = read_text("a<b", "text/plain", &options);
            assert_eq!((&*page.markdown.fit_markdown, page.fit_html), ("a<b", None));
        }
    }

    #[test]
    fn white_space_is_collapsed_and_lines_are_cut_at_words() {
        assert_eq!(collapsed("  a \n b\u{a0}c  "), "a b c");
        let mut line = Line::new(8);
        line.push("one two three");
        assert_eq!((line.text.as_str(), line.full), ("one two", true));
        let mut line = Line { spaces: 6, ..Line::new(100) };
        line.push(" one    two  three");
        assert_eq!((line.text.as_str(), line.full), ("one two", true));
    }
}
