//! Writes the cleaned HTML: the page without scripts, styles, empty elements and most attributes.

use crate::budget::Budget;
use crate::element_kind::is_preformatted;
use crate::error::ReadError;
use crate::html::{escape_attribute, escape_text_within, is_plain_name, is_void, written_name};
use crate::index::{NodeFlags, PageIndex};
use crate::options::Selection;
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

const KEPT_ATTRIBUTES: [&str; 14] = [
    "src", "href", "alt", "title", "width", "height", "class", "id", "rowspan", "colspan", "lang", "dir", "start",
    "datetime",
];

/// Writes well-formed HTML. Elements that begin after `max_bytes` are dropped, so the result may be slightly longer.
pub(crate) fn write(
    tree: &Tree,
    index: &PageIndex,
    selection: &Selection,
    max_bytes: usize,
    budget: &Budget,
) -> Result<String, ReadError> {
    let mut out = String::with_capacity(tree.len() * 16);
    let mut walk = tree.walk(NodeId::ROOT);
    let mut verbatim = 0;
    let mut dropped = None;
    while let Some(step) = walk.next() {
        budget.step()?;
        match step {
            Visit::Enter(id) => match tree.data(id) {
                NodeData::Text { .. } => {
                    write_text(tree.text(id).unwrap_or_default(), verbatim > 0, max_bytes, &mut out);
                }
                NodeData::Element(element) if out.len() > max_bytes || is_dropped(index.flags(id), element) => {
                    dropped = Some(id);
                    walk.skip_children(id);
                }
                NodeData::Element(element) => {
                    verbatim += usize::from(is_verbatim(element.tag));
                    open(tree, id, element, selection, &mut out);
                    if element.tag == Tag::Iframe {
                        walk.skip_children(id);
                    }
                }
                NodeData::Document => {}
            },
            Visit::Leave(id) if dropped == Some(id) => dropped = None,
            Visit::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    verbatim -= usize::from(is_verbatim(element.tag));
                    out.extend(["</", written_name(element), ">"]);
                }
            }
        }
    }
    Ok(out)
}

fn is_dropped(flags: NodeFlags, element: &Element) -> bool {
    match element.tag {
        Tag::Html | Tag::Head | Tag::Body | Tag::Title => false,
        Tag::Iframe => element.attr("src").is_none(),
        Tag::Base | Tag::Link | Tag::Meta | Tag::Script => true,
        Tag::A | Tag::Br | Tag::Hr | Tag::Img | Tag::Input | Tag::Wbr | Tag::Tr | Tag::Td | Tag::Th => false,
        Tag::Source | Tag::Picture | Tag::Video | Tag::Audio => false,
        _ => flags.any(NodeFlags::EXCLUDED) || !flags.any(NodeFlags::CONTENT),
    }
}

fn open(tree: &Tree, id: NodeId, element: &Element, selection: &Selection, out: &mut String) {
    out.extend(["<", written_name(element)]);
    for attr in &element.attrs {
        let key = &*attr.name.local;
        let kept = KEPT_ATTRIBUTES.contains(&key)
            || selection.keep_data_attributes && key.starts_with("data-") && is_plain_name(key)
            || selection.keep_attrs.iter().any(|name| name == key) && is_plain_name(key);
        if kept && !(matches!(key, "src" | "href") && is_script_or_data_url(&attr.value)) {
            out.extend([" ", key, "=\""]);
            escape_attribute(&attr.value, out);
            out.push('"');
        }
    }
    out.push('>');
    let first = tree.first_child(id).and_then(|child| tree.text(child));
    if is_preformatted(element.tag) && first.is_some_and(|text| text.starts_with('\n')) {
        // Parsers drop the first newline.
        out.push('\n');
    }
}

fn is_script_or_data_url(url: &str) -> bool {
    let url = url.trim_start_matches(|c: char| c <= ' ');
    ["data:", "javascript:", "vbscript:"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn is_verbatim(tag: Tag) -> bool {
    is_preformatted(tag) || tag == Tag::Code
}

fn write_text(text: &str, verbatim: bool, max_bytes: usize, out: &mut String) {
    if verbatim || !text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        escape_text_within(text, max_bytes, out);
    } else if !out.ends_with(['\n', ' ']) {
        out.push(if text.contains('\n') { '\n' } else { ' ' });
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Options, read};

    fn cleaned(html: &str) -> String {
        let url = url::Url::parse("https://a.example/").unwrap();
        read(html, &url, &Options::default(), &Limits::default()).unwrap().cleaned_html
    }

    #[test]
    fn only_content_and_kept_attributes_remain() {
        for (html, body) in [
            ("<p onclick=x style=y class=c id=i>a<!-- b --><script>c</script></p>", "<p class=\"c\" id=\"i\">a</p>"),
            ("<div><div> </div><span></span></div>x", "x"),
            ("<a href='javascript:x'>a</a><img src=data:x alt='\"&'>", "<a>a</a><img alt=\"&quot;&amp;\">"),
            ("<pre>\n\na  b\n</pre>", "<pre>\n\na  b\n</pre>"),
            ("<p>a</p>\n\n  <p>b</p>", "<p>a</p>\n<p>b</p>"),
            ("a &lt;b&gt; &amp; &nbsp;c", "a &lt;b&gt; &amp; &nbsp;c"),
            ("<iframe src=/v width=3>x</iframe>", "<iframe src=\"/v\" width=\"3\"></iframe>"),
            ("<xmp><b></xmp>", "<pre>&lt;b&gt;</pre>"),
            ("<x\"y>a</x\"y>", "<span>a</span>"),
            ("<table><tr><td><td>b</table>", "<table><tbody><tr><td></td><td>b</td></tr></tbody></table>"),
            ("<p hidden>later</p>", "<p>later</p>"),
        ] {
            assert_eq!(cleaned(html), format!("<html><head></head><body>{body}</body></html>"), "{html}");
        }
        assert_eq!(cleaned("<title>a<b</title>"), "<html><head><title>a&lt;b</title></head><body></body></html>");
    }

    #[test]
    fn cleaning_is_idempotent() {
        let once =
            cleaned("<div><p>a<ul><li>b<pre>\n\n x</pre><table><td>c<a href=/?a&amp;b>d</a></table></div>&lt;p>");
        assert_eq!(cleaned(&once), once);
    }
}
