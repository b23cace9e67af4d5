//! The page without what is not content: scripts, styles, empty elements, most attributes.

use crate::budget::Watch;
use crate::classify::is_preformatted;
use crate::index::{Holds, Survey};
use crate::tree::{Data, Element, Id, Step, Tag, Tree};
use crate::{ReadError, Selection};

const KEPT: [&str; 14] = [
    "src", "href", "alt", "title", "width", "height", "class", "id", "rowspan", "colspan", "lang", "dir", "start",
    "datetime",
];

/// Well-formed HTML; not much more than `budget` bytes, what comes later is left out.
pub(crate) fn write(
    tree: &Tree,
    survey: &Survey,
    selection: &Selection,
    budget: usize,
    watch: &Watch,
) -> Result<String, ReadError> {
    let mut out = String::with_capacity(tree.len() * 16);
    let mut walk = tree.walk(Id::ROOT);
    let mut verbatim = 0;
    let mut dropped = None;
    while let Some(step) = walk.next() {
        watch.step()?;
        match step {
            Step::Enter(id) => match tree.data(id) {
                Data::Text { .. } => write_text(tree.text(id).unwrap_or_default(), verbatim > 0, &mut out),
                Data::Element(element) if out.len() > budget || is_dropped(survey.holds(id), element) => {
                    dropped = Some(id);
                    walk.pass_over(id);
                }
                Data::Element(element) => {
                    verbatim += usize::from(is_verbatim(element.tag));
                    open(tree, id, element, selection, &mut out);
                    if element.tag == Tag::Iframe {
                        walk.pass_over(id);
                    }
                }
                Data::Document => {}
            },
            Step::Leave(id) if dropped == Some(id) => dropped = None,
            Step::Leave(id) => {
                if let Some(element) = tree.element(id).filter(|element| !is_void(element.tag)) {
                    verbatim -= usize::from(is_verbatim(element.tag));
                    out.extend(["</", name(element), ">"]);
                }
            }
        }
    }
    Ok(out)
}

fn is_dropped(holds: Holds, element: &Element) -> bool {
    match element.tag {
        Tag::Html | Tag::Head | Tag::Body | Tag::Title => false,
        Tag::Iframe => element.attr("src").is_none(),
        Tag::Base | Tag::Link | Tag::Meta | Tag::Script => true,
        Tag::A | Tag::Br | Tag::Hr | Tag::Img | Tag::Input | Tag::Wbr | Tag::Tr | Tag::Td | Tag::Th => false,
        Tag::Source | Tag::Picture | Tag::Video | Tag::Audio => false,
        _ => holds.any(Holds::LEFT_OUT) || !holds.any(Holds::SUBSTANCE),
    }
}

pub(crate) fn is_void(tag: Tag) -> bool {
    matches!(tag, Tag::Br | Tag::Hr | Tag::Img | Tag::Input | Tag::Source | Tag::Wbr | Tag::Col | Tag::Area)
}

fn open(tree: &Tree, id: Id, element: &Element, selection: &Selection, out: &mut String) {
    out.extend(["<", name(element)]);
    for attr in &element.attrs {
        let key = &*attr.name.local;
        let kept = KEPT.contains(&key)
            || selection.keep_data_attributes && key.starts_with("data-") && is_plain_name(key)
            || selection.keep_attrs.iter().any(|name| name == key) && is_plain_name(key);
        if kept && !(matches!(key, "src" | "href") && holds_code_or_data(&attr.value)) {
            out.extend([" ", key, "=\""]);
            escape_value(&attr.value, out);
            out.push('"');
        }
    }
    out.push('>');
    let first = tree.first_child(id).and_then(|child| tree.text(child));
    if is_preformatted(element.tag) && first.is_some_and(|text| text.starts_with('\n')) {
        // A parser drops the first line end.
        out.push('\n');
    }
}

/// Raw-text elements cannot hold escaped text, and odd names would not survive another parse.
pub(crate) fn name(element: &Element) -> &str {
    let name = &*element.name.local;
    match element.tag {
        Tag::Listing | Tag::Plaintext | Tag::Xmp => "pre",
        Tag::Other if !is_plain_name(name) => "span",
        _ => name,
    }
}

/// Survives another parse.
fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn holds_code_or_data(url: &str) -> bool {
    let url = url.trim_start_matches(|c: char| c <= ' ');
    ["data:", "javascript:", "vbscript:"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn is_verbatim(tag: Tag) -> bool {
    is_preformatted(tag) || tag == Tag::Code
}

fn write_text(text: &str, verbatim: bool, out: &mut String) {
    if verbatim || !text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        escape_text(text, out);
    } else if !out.ends_with(['\n', ' ']) {
        out.push(if text.contains('\n') { '\n' } else { ' ' });
    }
}

pub(crate) fn escape_text(text: &str, out: &mut String) {
    escape(text, b"&<>\xc2", out);
}

pub(crate) fn escape_value(value: &str, out: &mut String) {
    escape(value, b"&<\"\xc2", out);
}

/// The last special byte begins a no-break space, among other characters.
fn escape(text: &str, special: &[u8; 4], out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special.contains(&byte)) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some('\u{a0}') => out.push_str("&nbsp;"),
            c => out.extend(c),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Options, read};

    fn cleaned(html: &str) -> String {
        let url = url::Url::parse("https://a.example/").unwrap();
        read(html, &url, &Options::default(), &Limits::default()).unwrap().cleaned_html
    }

    #[test]
    fn what_is_not_content_goes_and_the_rest_stays_as_it_is() {
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
    fn cleaning_twice_changes_nothing() {
        let once =
            cleaned("<div><p>a<ul><li>b<pre>\n\n x</pre><table><td>c<a href=/?a&amp;b>d</a></table></div>&lt;p>");
        assert_eq!(cleaned(&once), once);
    }
}
