//! Writes HTML: escapes text and attribute values, and names elements so that the output parses to the same tree.

use crate::tree::{Element, Tag};

/// Whether an element has no end tag.
pub(crate) fn is_void(tag: Tag) -> bool {
    matches!(tag, Tag::Br | Tag::Hr | Tag::Img | Tag::Input | Tag::Source | Tag::Wbr | Tag::Col | Tag::Area)
}

/// The name to write for an element: `pre` for raw text elements, which cannot contain escaped text, and `span` for
/// names that would not survive another parse.
pub(crate) fn written_name(element: &Element) -> &str {
    let name = &*element.name.local;
    match element.tag {
        Tag::Listing | Tag::Plaintext | Tag::Xmp => "pre",
        Tag::Other if !is_plain_name(name) => "span",
        _ => name,
    }
}

/// Whether a name survives another parse.
pub(crate) fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

pub(crate) fn escape_text(text: &str, out: &mut String) {
    escape(text, b"&<>\xc2", usize::MAX, out);
}

/// [`escape_text`] until `out` has more than `max_bytes`.
pub(crate) fn escape_text_within(text: &str, max_bytes: usize, out: &mut String) {
    let left = max_bytes.saturating_sub(out.len());
    escape(&text[..text.floor_char_boundary(left)], b"&<>\xc2", max_bytes, out);
}

pub(crate) fn escape_attribute(value: &str, out: &mut String) {
    escape(value, b"&<\"\xc2", usize::MAX, out);
}

/// Ends when `out` has more than `max_bytes`. `\xc2` in `special` is the first byte of a no-break space, among other characters.
fn escape(text: &str, special: &[u8; 4], max_bytes: usize, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special.contains(&byte)) {
        if out.len() > max_bytes {
            return;
        }
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
