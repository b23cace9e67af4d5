//! A page's structure with examples of its text: what somebody who writes selectors for it needs to see.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::budget::Watch;
use crate::cleaned::{escape_text, escape_value, is_void, name};
use crate::tree::{Data, Element, Id, Step, Tag, Tree, parse};
use crate::{Limits, ReadError};

/// Characters of a text, and of an attribute's value.
const TEXT: usize = 100;
const VALUE: usize = 200;
/// Bytes of the whole; elements that begin later are left out.
const WHOLE: usize = 100_000;

const KEPT: [&str; 14] = [
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

/// HTML of the body without scripts, styles and pictures, its texts and attributes shortened, and repeated elements
/// (same name, same class, same text) shown once.
///
/// # Errors
/// The page takes longer than `limits` allow.
pub fn schema_html(html: &str, limits: &Limits) -> Result<String, ReadError> {
    let watch = Watch::start(limits);
    let tree = parse(html, limits, &watch)?.tree;
    let mut out = String::new();
    let mut seen = HashSet::new();
    let mut walk = tree.walk(Id::ROOT);
    let mut dropped = None;
    while let Some(step) = walk.next() {
        watch.step()?;
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => write_text(tree.text(id).unwrap_or_default(), &mut out),
                Data::Element(element)
                    if out.len() > WHOLE || is_dropped(element) || is_repeated(&tree, id, &mut seen) =>
                {
                    dropped = Some(id);
                    walk.pass_over(id);
                }
                Data::Element(element) => open(element, &mut out),
                Data::Document => {}
            },
            Step::Leave(id) if dropped == Some(id) => dropped = None,
            Step::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    out.extend(["</", name(element), ">"]);
                }
            }
        }
    }
    watch.check()?;
    Ok(out)
}

fn is_dropped(element: &Element) -> bool {
    const NAMES: [&str; 16] = [
        "head", "script", "style", "noscript", "template", "iframe", "canvas", "svg", "video", "audio", "source",
        "track", "map", "area", "object", "embed",
    ];
    NAMES.contains(&&*element.name.local)
}

/// Whether an element with a class looks and says the same as one before it.
fn is_repeated(tree: &Tree, id: Id, seen: &mut HashSet<u64>) -> bool {
    let Some(element) = tree.element(id) else { return false };
    let Some(class) = element.attr("class").filter(|class| !class.is_empty()) else { return false };
    if element.tag == Tag::Body || element.tag == Tag::Html {
        return false;
    }
    let mut hasher = DefaultHasher::new();
    (&*element.name.local, class).hash(&mut hasher);
    // The first texts tell elements apart; all of them would make deep pages quadratic.
    tree.descendants(id).take(200).filter_map(|below| tree.text(below)).for_each(|text| text.trim().hash(&mut hasher));
    !seen.insert(hasher.finish())
}

fn open(element: &Element, out: &mut String) {
    out.extend(["<", name(element)]);
    for attr in &element.attrs {
        let key = &*attr.name.local;
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if KEPT.contains(&key) || (key.starts_with("data-") && plain) {
            out.extend([" ", key, "=\""]);
            escape_value(&shortened(&attr.value, VALUE), out);
            out.push('"');
        }
    }
    out.push('>');
}

fn write_text(text: &str, out: &mut String) {
    let text = text.trim();
    if !text.is_empty() {
        escape_text(&shortened(text, TEXT), out);
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(html: &str) -> String {
        let schema_html = schema_html(html, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
        let inner = schema_html.strip_prefix("<html><body>").and_then(|rest| rest.strip_suffix("</body></html>"));
        inner.unwrap_or_else(|| panic!("{schema_html}")).to_owned()
    }

    #[test]
    fn structure_and_short_texts_stay_and_the_rest_goes() {
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
    fn a_huge_page_comes_out_bounded_and_well_formed() {
        let html = "<div>".repeat(50) + &(0..100_000).map(|n| format!("<p class=x>{n}</p>")).collect::<String>();
        let schema_html = schema_html(&html, &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
        assert!(schema_html.len() < 110_000 && schema_html.ends_with("</div></body></html>"));
    }
}
