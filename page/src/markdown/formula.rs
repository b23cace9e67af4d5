//! Formulas: their TeX if the page contains it, or else MathML as one line of text.

use crate::text;
use crate::tree::{NodeData, NodeId, Tag, Tree, Visit};

/// `$TeX$`, or `$$TeX$$` for a formula on lines of its own; `None` if it is empty.
pub(super) fn formula(tree: &Tree, math: NodeId) -> Option<String> {
    if tree.tag(math) == Tag::Script {
        let display = tree.attr(math, "type").is_some_and(|kind| kind.contains("display"));
        return dollars(&text::raw_text(tree, math), display);
    }
    let display = tree.attr(math, "display") == Some("block");
    match tex_annotation(tree, math).or_else(|| tree.attr(math, "alttext").map(str::to_owned)) {
        Some(tex) => dollars(&tex, display),
        None => Some(linear_text(tree, math)).filter(|text| !text.is_empty()),
    }
}

fn dollars(tex: &str, display: bool) -> Option<String> {
    let mut tex = text::collapse_whitespace(tex);
    // Wikipedia wraps every formula in this.
    if let Some(inner) = tex.strip_prefix("{\\displaystyle ").and_then(|inner| inner.strip_suffix('}')) {
        tex = inner.trim_end().to_owned();
    }
    let mark = if display { "$$" } else { "$" };
    (!tex.is_empty()).then(|| format!("{mark}{tex}{mark}"))
}

fn tex_annotation(tree: &Tree, math: NodeId) -> Option<String> {
    let is_tex = |&id: &NodeId| {
        let encoding = tree.attr(id, "encoding").unwrap_or_default();
        tree.element(id).is_some_and(|element| &*element.name.local == "annotation") && encoding.contains("tex")
    };
    tree.descendants(math).find(is_tex).map(|id| text::raw_text(tree, id))
}

/// MathML as one line: `(a)/(b)`, `x^(2)`, `x_(i)`, `sqrt(x)`.
fn linear_text(tree: &Tree, math: NodeId) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(math);
    while let Some(step) = walk.next() {
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => out.push_str(tree.text(id).unwrap_or_default().trim()),
                NodeData::Element(element) if element.name.local.starts_with("annotation") => walk.skip_children(id),
                NodeData::Element(_) => out.push_str(before(tree, id)),
                NodeData::Document => {}
            },
            Visit::Leave(id) => out.push_str(after(tree, id)),
        }
    }
    text::collapse_whitespace(&out)
}

fn name(tree: &Tree, id: NodeId) -> &str {
    tree.element(id).map_or("", |element| &*element.name.local)
}

/// The number of elements before a node in its parent.
fn position(tree: &Tree, id: NodeId) -> usize {
    tree.siblings_before(id).take(8).filter(|&before| tree.element(before).is_some()).count()
}

/// The name of the parent, and the position in it.
fn parent_and_position(tree: &Tree, id: NodeId) -> (&str, usize) {
    (tree.parent(id).map_or("", |parent| name(tree, parent)), position(tree, id))
}

fn before(tree: &Tree, id: NodeId) -> &'static str {
    if tree.element(id).is_none() {
        return "";
    }
    let own = if name(tree, id) == "msqrt" { "sqrt(" } else { "" };
    match parent_and_position(tree, id) {
        ("mfrac", 0) => "(",
        ("mfrac", 1) => ")/(",
        ("msup", 1) | ("msubsup", 2) => "^(",
        ("msub" | "msubsup", 1) => "_(",
        _ => own,
    }
}

fn after(tree: &Tree, id: NodeId) -> &'static str {
    if tree.element(id).is_none() {
        return "";
    }
    let own = if name(tree, id) == "msqrt" { ")" } else { "" };
    match parent_and_position(tree, id) {
        ("mfrac", 1) | ("msup" | "msub", 1) | ("msubsup", 1 | 2) => ")",
        _ => own,
    }
}
