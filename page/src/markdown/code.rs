//! Code spans and fenced code blocks with their language.

use std::collections::HashSet;

use crate::element_kind::{class_of, is_block, is_excluded};
use crate::text::longest_run;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Prefixes of class names that contain a language.
const LANGUAGE_PREFIXES: [&str; 4] = ["language-", "lang-", "highlight-source-", "sourceCode-"];

/// Elements around a code block by Sphinx: with line numbers it is in a table.
const MAX_SPHINX_DEPTH: usize = 6;

/// Writes a code span, with more backticks than any run in the code.
pub(super) fn write_code_span(code: &str, in_cell: bool, out: &mut String) {
    let code = if code.contains(['\n', '\r', '\t', '\u{a0}']) { as_one_line(code) } else { code.to_owned() };
    let code = if in_cell { code.replace('|', "\\|") } else { code };
    let runs: HashSet<usize> = code.split(|c| c != '`').map(str::len).collect();
    let fence = (1..).find(|length| !runs.contains(length)).unwrap_or(1);
    let blank = code.trim_matches(' ').is_empty();
    let padded = code.starts_with('`') || code.ends_with('`') || !blank && code.starts_with(' ') && code.ends_with(' ');
    let pad = if padded { " " } else { "" };
    out.extend(std::iter::repeat_n('`', fence));
    out.extend([pad, &code, pad]);
    out.extend(std::iter::repeat_n('`', fence));
}

/// Replaces line ends and the indentation after them by one space.
fn as_one_line(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut after_line_end = false;
    for c in code.chars() {
        match c {
            '\n' | '\r' => after_line_end = true,
            ' ' | '\t' if after_line_end => {}
            c => {
                if std::mem::take(&mut after_line_end) && !out.is_empty() {
                    out.push(' ');
                }
                out.push(if matches!(c, '\t' | '\u{a0}') { ' ' } else { c });
            }
        }
    }
    if after_line_end && !out.is_empty() {
        out.push(' ');
    }
    out
}

/// The text of a preformatted element with its white space, without line numbers.
pub(super) fn preformatted_text(tree: &Tree, pre: NodeId) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(pre);
    while let Some(step) = walk.next() {
        let (id, enters) = match step {
            Visit::Enter(id) => (id, true),
            Visit::Leave(id) => (id, false),
        };
        match tree.data(id) {
            NodeData::Text { .. } if enters => out.push_str(tree.text(id).unwrap_or_default()),
            NodeData::Element(element) if id != pre => {
                if enters && (is_excluded(element) || is_line_number(element)) {
                    walk.skip_children(id);
                } else if is_block(element.tag) && !out.is_empty() && !out.ends_with('\n')
                    || enters && element.tag == Tag::Br
                {
                    out.push('\n');
                }
            }
            _ => {}
        }
    }
    out
}

fn is_line_number(element: &Element) -> bool {
    const NAMES: [&str; 7] =
        ["lineno", "linenos", "line-number", "line-numbers", "linenodiv", "gutter", "line-numbers-rows"];
    class_of(element).split_ascii_whitespace().any(|name| NAMES.contains(&name))
}

/// The language in the class of the element, of its `<code>`, or of the two elements around it.
pub(super) fn language(tree: &Tree, pre: NodeId) -> Option<&str> {
    let code = tree.children(pre).find(|&id| tree.tag(id) == Tag::Code);
    let around = tree.ancestors(pre).take(2);
    let mut elements = std::iter::once(pre).chain(code).chain(around).filter_map(|id| tree.element(id));
    elements.find_map(language_of).or_else(|| sphinx_language(tree, pre))
}

/// The language of a code block by Sphinx: `<div class="highlight-LANGUAGE"><div class="highlight"><pre>`.
fn sphinx_language(tree: &Tree, pre: NodeId) -> Option<&str> {
    const NO_LANGUAGE: [&str; 3] = ["default", "none", "text"];
    let mut boxes = tree.ancestors(pre).take(MAX_SPHINX_DEPTH).filter_map(|id| tree.element(id)).map(class_of);
    boxes.find(|class| class.split_ascii_whitespace().any(|name| name == "highlight"))?;
    let name = boxes.flat_map(str::split_ascii_whitespace).find_map(|name| name.strip_prefix("highlight-"))?;
    Some(name).filter(|name| !name.is_empty() && !NO_LANGUAGE.contains(name))
}

fn language_of(element: &Element) -> Option<&str> {
    let class = class_of(element);
    let named =
        |name: &'_ str| LANGUAGE_PREFIXES.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
    let by_prefix = class.split_ascii_whitespace().find(|name| named(name));
    let by_prefix = by_prefix.and_then(|name| LANGUAGE_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)));
    let pandoc = || class.strip_prefix("sourceCode ").and_then(|names| names.split_ascii_whitespace().next());
    let brush =
        || class.strip_prefix("brush:").map(|name| name.trim_start().split([';', ' ']).next().unwrap_or_default());
    let data = || element.attr("data-lang").or_else(|| element.attr("data-language"));
    by_prefix
        .or_else(pandoc)
        .or_else(brush)
        .or_else(data)
        .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// The fence for a code block, and the lines of the block.
pub(super) fn fenced_block<'a>(code: &'a str, language: Option<&'a str>) -> (String, impl Iterator<Item = &'a str>) {
    let language = language.unwrap_or_default();
    let mark = if language.contains('`') { '~' } else { '`' };
    let fence: String = std::iter::repeat_n(mark, longest_run(code, mark).max(2) + 1).collect();
    let body = code.strip_suffix('\n').unwrap_or(code);
    let lines = (!code.is_empty()).then(|| body.split('\n')).into_iter().flatten();
    (fence, lines)
}
