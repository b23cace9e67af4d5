//! Reduces a page to its structure with samples of its text, as input for writing an extraction schema.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::budget::Budget;
use crate::error::ReadError;
use crate::html::{escape_attribute, escape_text, is_void, written_name};
use crate::limits::Limits;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit, parse};

/// Characters of a text node.
const MAX_TEXT: usize = 100;
/// Characters of an attribute value.
const MAX_VALUE: usize = 200;
/// Bytes of the result; elements that begin later are left out.
const MAX_BYTES: usize = 100_000;

const KEPT_ATTRIBUTES: [&str; 14] = [
    "id",
    "class",
    "name",
    "type",
    "value",
    "href",
    "src",
    "alt",
    "title",
    "role",
    "itemprop",
    "itemtype",
    "itemscope",
    "datetime",
];

/// The HTML of the body without scripts, styles and media, with shortened text and attributes. Of elements with the
/// same name, class and text only the first is included.
///
/// # Errors
/// The page exceeds `limits`.
pub fn schema_html(html: &str, limits: &Limits) -> Result<String, ReadError> {
    let budget = Budget::start(limits);
    let tree = parse(html, limits, &budget)?.tree;
    let mut out = String::new();
    let mut seen = HashSet::new();
    let mut walk = tree.walk(NodeId::ROOT);
    let mut dropped = None;
    while let Some(step) = walk.next() {
        budget.step()?;
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => write_text(tree.text(id).unwrap_or_default(), &mut out),
                NodeData::Element(element)
                    if out.len() > MAX_BYTES || is_dropped(element) || is_repeated(&tree, id, &mut seen) =>
                {
                    dropped = Some(id);
                    walk.skip_children(id);
                }
                NodeData::Element(element) => open(element, &mut out),
                NodeData::Document => {}
            },
            Visit::Leave(id) if dropped == Some(id) => dropped = None,
            Visit::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    out.extend(["</", written_name(element), ">"]);
                }
            }
        }
    }
    budget.check()?;
    Ok(out)
}

fn is_dropped(element: &Element) -> bool {
    const NAMES: [&str; 16] = [
        "head", "script", "style", "noscript", "template", "iframe", "canvas", "svg", "video", "audio", "source",
        "track", "map", "area", "object", "embed",
    ];
    NAMES.contains(&&*element.name.local)
}

/// Whether an element with a class has the same name, class and text as an earlier one.
fn is_repeated(tree: &Tree, id: NodeId, seen: &mut HashSet<u64>) -> bool {
    let Some(element) = tree.element(id) else { return false };
    let Some(class) = element.attr("class").filter(|class| !class.is_empty()) else { return false };
    if element.tag == Tag::Body || element.tag == Tag::Html {
        return false;
    }
    let mut hasher = DefaultHasher::new();
    (&*element.name.local, class).hash(&mut hasher);
    // The first texts distinguish elements; hashing all of them would be quadratic on deep pages.
    tree.descendants(id).take(200).filter_map(|below| tree.text(below)).for_each(|text| text.trim().hash(&mut hasher));
    !seen.insert(hasher.finish())
}

fn open(element: &Element, out: &mut String) {
    out.extend(["<", written_name(element)]);
    for attr in &element.attrs {
        let key = &*attr.name.local;
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if KEPT_ATTRIBUTES.contains(&key) || (key.starts_with("data-") && plain) {
            out.extend([" ", key, "=\""]);
            escape_attribute(&truncated(&attr.value, MAX_VALUE), out);
            out.push('"');
        }
    }
    out.push('>');
}

fn write_text(text: &str, out: &mut String) {
    let text = text.trim();
    if !text.is_empty() {
        escape_text(&truncated(text, MAX_TEXT), out);
    }
}

fn truncated(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(html: &str) -> String {
        let reduced = schema_html(html, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
        let inner = reduced.strip_prefix("<html><body>").and_then(|inner| inner.strip_suffix("</body></html>"));
        inner.unwrap_or_else(|| panic!("{reduced}")).to_owned()
    }

    #[test]
    fn structure_and_short_texts_remain() {
        for (html, expected) in [
            (
                "<title>t</title><script>x</script><p style=a class=b id=c data-d=e>f</p>",
                r#"<p class="b" id="c" data-d="e">f</p>"#,
            ),
            ("<a href=/x onclick=y>l</a><img src=i.png><svg><path/></svg>", r#"<a href="/x">l</a><img src="i.png">"#),
            (
                "<li class=a>1</li><li class=a>1</li><li class=a>2</li><li>1</li><li>1</li>",
                r#"<li class="a">1</li><li class="a">2</li><li>1</li><li>1</li>"#,
            ),
            ("<p>a &lt;b&gt;\n</p>", "<p>a &lt;b&gt;</p>"),
        ] {
            assert_eq!(body(html), expected, "{html}");
        }
        let long = body(&format!("<p id={}>{}</p>", "i".repeat(300), "é".repeat(200)));
        assert_eq!(long, format!("<p id=\"{}...\">{}...</p>", "i".repeat(200), "é".repeat(100)));
    }

    #[test]
    fn huge_page_yields_bounded_well_formed_html() {
        let html = "<div>".repeat(50) + &(0..100_000).map(|n| format!("<p class=x>{n}</p>")).collect::<String>();
        let reduced = schema_html(&html, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
        assert!(reduced.len() < 110_000 && reduced.ends_with("</div></body></html>"));
    }
}
