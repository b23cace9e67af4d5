//! Code: spans whose backticks hold, and fenced blocks with their language.

use std::collections::HashSet;

use crate::classify::{class_of, is_block, is_left_out};
use crate::text::longest_run;
use crate::tree::{Data, Element, Id, Step, Tag, Tree};

/// How an element's class names its language.
const PREFIXES: [&str; 4] = ["language-", "lang-", "highlight-source-", "sourceCode-"];

pub(super) fn write_span(code: &str, in_cell: bool, out: &mut String) {
    let code = if code.contains(['\n', '\r', '\t', '\u{a0}']) { spaced(code) } else { code.to_owned() };
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

fn spaced(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut broken = false;
    for c in code.chars() {
        match c {
            '\n' | '\r' => broken = true,
            ' ' | '\t' if broken => {}
            c => {
                if std::mem::take(&mut broken) && !out.is_empty() {
                    out.push(' ');
                }
                out.push(if matches!(c, '\t' | '\u{a0}') { ' ' } else { c });
            }
        }
    }
    if broken && !out.is_empty() {
        out.push(' ');
    }
    out
}

/// What a preformatted element says, as it is written; line numbers left out.
pub(super) fn verbatim(tree: &Tree, pre: Id) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(pre);
    while let Some(step) = walk.next() {
        let (id, enters) = match step {
            Step::Enter(id) => (id, true),
            Step::Leave(id) => (id, false),
        };
        match tree.data(id) {
            Data::Text { .. } if enters => out.push_str(tree.text(id).unwrap_or_default()),
            Data::Element(element) if id != pre => {
                if enters && (is_left_out(element) || is_line_number(element)) {
                    walk.pass_over(id);
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

/// Said by the class of the element, of its `<code>`, or of what is right around it.
pub(super) fn language(tree: &Tree, pre: Id) -> Option<&str> {
    let code = tree.children(pre).find(|&id| tree.tag(id) == Tag::Code);
    let around = tree.ancestors(pre).take(2);
    std::iter::once(pre).chain(code).chain(around).filter_map(|id| tree.element(id)).find_map(language_of)
}

fn language_of(element: &Element) -> Option<&str> {
    let class = class_of(element);
    let named = |name: &'_ str| PREFIXES.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
    let by_prefix = class.split_ascii_whitespace().find(|name| named(name));
    let by_prefix = by_prefix.and_then(|name| PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)));
    let pandoc = || class.strip_prefix("sourceCode ").and_then(|rest| rest.split_ascii_whitespace().next());
    let brush =
        || class.strip_prefix("brush:").map(|rest| rest.trim_start().split([';', ' ']).next().unwrap_or_default());
    let data = || element.attr("data-lang").or_else(|| element.attr("data-language"));
    by_prefix
        .or_else(pandoc)
        .or_else(brush)
        .or_else(data)
        .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// The lines of a fenced block, the fences included.
pub(super) fn fenced<'a>(code: &'a str, language: Option<&'a str>) -> (String, impl Iterator<Item = &'a str>) {
    let language = language.unwrap_or_default();
    let mark = if language.contains('`') { '~' } else { '`' };
    let fence: String = std::iter::repeat_n(mark, longest_run(code, mark).max(2) + 1).collect();
    let body = code.strip_suffix('\n').unwrap_or(code);
    let lines = (!code.is_empty()).then(|| body.split('\n')).into_iter().flatten();
    (fence, lines)
}
