//! Formulas: their TeX, where the page carries it, else what they say in a line.

use crate::text;
use crate::tree::{Data, Id, Step, Tag, Tree};

/// `$TeX$`, or `$$TeX$$` where it stands by itself; `None` where it says nothing.
pub(super) fn formula(tree: &Tree, math: Id) -> Option<String> {
    if tree.tag(math) == Tag::Script {
        let display = tree.attr(math, "type").is_some_and(|kind| kind.contains("display"));
        return dollars(&text::text_of_raw(tree, math), display);
    }
    let display = tree.attr(math, "display") == Some("block");
    match annotation(tree, math).or_else(|| tree.attr(math, "alttext").map(str::to_owned)) {
        Some(tex) => dollars(&tex, display),
        None => Some(spoken(tree, math)).filter(|text| !text.is_empty()),
    }
}

fn dollars(tex: &str, display: bool) -> Option<String> {
    let mut tex = text::collapsed(tex);
    // What Wikipedia wraps every formula in.
    if let Some(inner) = tex.strip_prefix("{\\displaystyle ").and_then(|inner| inner.strip_suffix('}')) {
        tex = inner.trim_end().to_owned();
    }
    let mark = if display { "$$" } else { "$" };
    (!tex.is_empty()).then(|| format!("{mark}{tex}{mark}"))
}

fn annotation(tree: &Tree, math: Id) -> Option<String> {
    let is_tex = |&id: &Id| {
        let encoding = tree.attr(id, "encoding").unwrap_or_default();
        tree.element(id).is_some_and(|element| &*element.name.local == "annotation") && encoding.contains("tex")
    };
    tree.descendants(math).find(is_tex).map(|id| text::text_of_raw(tree, id))
}

/// MathML in a line: `(a)/(b)`, `x^(2)`, `x_(i)`, `sqrt(x)`.
fn spoken(tree: &Tree, math: Id) -> String {
    let mut out = String::new();
    let mut walk = tree.walk(math);
    while let Some(step) = walk.next() {
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => out.push_str(tree.text(id).unwrap_or_default().trim()),
                Data::Element(element) if element.name.local.starts_with("annotation") => walk.pass_over(id),
                Data::Element(_) => out.push_str(before(tree, id)),
                Data::Document => {}
            },
            Step::Leave(id) => out.push_str(after(tree, id)),
        }
    }
    text::collapsed(&out)
}

fn name(tree: &Tree, id: Id) -> &str {
    tree.element(id).map_or("", |element| &*element.name.local)
}

/// Which child it is of its parent, elements counted.
fn place(tree: &Tree, id: Id) -> usize {
    tree.siblings_before(id).take(8).filter(|&before| tree.element(before).is_some()).count()
}

fn holder(tree: &Tree, id: Id) -> (&str, usize) {
    (tree.parent(id).map_or("", |parent| name(tree, parent)), place(tree, id))
}

fn before(tree: &Tree, id: Id) -> &'static str {
    if tree.element(id).is_none() {
        return "";
    }
    let own = if name(tree, id) == "msqrt" { "sqrt(" } else { "" };
    match holder(tree, id) {
        ("mfrac", 0) => "(",
        ("mfrac", 1) => ")/(",
        ("msup", 1) | ("msubsup", 2) => "^(",
        ("msub" | "msubsup", 1) => "_(",
        _ => own,
    }
}

fn after(tree: &Tree, id: Id) -> &'static str {
    if tree.element(id).is_none() {
        return "";
    }
    let own = if name(tree, id) == "msqrt" { ")" } else { "" };
    match holder(tree, id) {
        ("mfrac", 1) | ("msup" | "msub", 1) | ("msubsup", 1 | 2) => ")",
        _ => own,
    }
}
