//! Classifies elements: excluded, hidden, block, heading, preformatted.

use crate::tree::{Element, Tag};

/// Whether an element is never part of the content: scripts, styles, controls, embedded documents. The content of
/// `<object>` and `<applet>` is shown in place of what browsers cannot embed.
pub(crate) fn is_excluded(element: &Element) -> bool {
    match element.tag {
        Tag::Script => !element.attr("type").is_some_and(|kind| kind.starts_with("math/tex")),
        Tag::Template => element.attr("shadowrootmode").is_none(),
        Tag::Dialog => element.attr("open").is_none(),
        Tag::Canvas
        | Tag::Datalist
        | Tag::Embed
        | Tag::Frame
        | Tag::Frameset
        | Tag::Iframe
        | Tag::Link
        | Tag::Noembed
        | Tag::Noframes
        | Tag::Noscript
        | Tag::Param
        | Tag::Select
        | Tag::Style
        | Tag::Svg
        | Tag::Textarea
        | Tag::Title
        | Tag::Track => true,
        _ => false,
    }
}

/// Whether an element's own attributes hide it from visitors, at least at first.
pub(crate) fn is_hidden(element: &Element) -> bool {
    if matches!(element.tag, Tag::Html | Tag::Body | Tag::Main | Tag::Article) {
        return false;
    }
    for attr in &element.attrs {
        match &*attr.name.local {
            "hidden" if !attr.value.eq_ignore_ascii_case("until-found") => return !is_react_stream(element),
            "style" if has_display_none(&attr.value) && !class_contains(element, "mwe-math") => return true,
            "class" if attr.value.contains("katex-html") || attr.value.contains("mwe-math-fallback") => return true,
            _ => {}
        }
    }
    false
}

/// React streams parts of a page in hidden elements with such ids; a script moves them into view.
fn is_react_stream(element: &Element) -> bool {
    element.attr("id").is_some_and(|id| id.starts_with("S:"))
}

/// Whether a `style` declares `display: none`. `visibility: hidden` does not count: pages use it for their whole
/// content until a script has run.
fn has_display_none(style: &str) -> bool {
    style_value(style, "display").is_some_and(|value| value.eq_ignore_ascii_case("none"))
}

/// The value that a `style` attribute declares for a property.
pub(crate) fn style_value<'a>(style: &'a str, property: &str) -> Option<&'a str> {
    let mut declarations = style.split(';').filter_map(|declaration| declaration.split_once(':'));
    let (_, value) = declarations.find(|(name, _)| name.trim().eq_ignore_ascii_case(property))?;
    Some(value.trim().trim_end_matches("!important").trim_end())
}

/// The `class` attribute, truncated: an element's classes are read once for each of its descendants, so their length
/// must be bounded.
pub(crate) fn class_of(element: &Element) -> &str {
    const MAX_BYTES: usize = 1000;
    element.attr("class").map_or("", |class| &class[..class.floor_char_boundary(MAX_BYTES)])
}

/// Whether the `class` attribute contains `part`.
pub(crate) fn class_contains(element: &Element, part: &str) -> bool {
    class_of(element).contains(part)
}

/// 1 to 6; `None` if the tag is not a heading.
pub(crate) fn heading_level(tag: Tag) -> Option<usize> {
    Some(match tag {
        Tag::H1 => 1,
        Tag::H2 => 2,
        Tag::H3 => 3,
        Tag::H4 => 4,
        Tag::H5 => 5,
        Tag::H6 => 6,
        _ => return None,
    })
}

/// Whether an element begins and ends on lines of its own.
pub(crate) fn is_block(tag: Tag) -> bool {
    heading_level(tag).is_some()
        || is_multiline_block(tag)
        || matches!(
            tag,
            Tag::Address
                | Tag::Article
                | Tag::Aside
                | Tag::Body
                | Tag::Caption
                | Tag::Center
                | Tag::Dd
                | Tag::Details
                | Tag::Dialog
                | Tag::Div
                | Tag::Dt
                | Tag::Fieldset
                | Tag::Figcaption
                | Tag::Figure
                | Tag::Footer
                | Tag::Form
                | Tag::Header
                | Tag::Hgroup
                | Tag::Html
                | Tag::Legend
                | Tag::Li
                | Tag::Main
                | Tag::Nav
                | Tag::P
                | Tag::Search
                | Tag::Section
                | Tag::Summary
                | Tag::Tbody
                | Tag::Td
                | Tag::Tfoot
                | Tag::Th
                | Tag::Thead
                | Tag::Tr
        )
}

/// Whether an element is a block that takes several lines in Markdown, so it cannot be inside a line, a link or a cell.
pub(crate) fn is_multiline_block(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Blockquote
            | Tag::Dir
            | Tag::Dl
            | Tag::Hr
            | Tag::Listing
            | Tag::Menu
            | Tag::Ol
            | Tag::Plaintext
            | Tag::Pre
            | Tag::Table
            | Tag::Ul
            | Tag::Xmp
    )
}

/// Whether the element preserves white space.
pub(crate) fn is_preformatted(tag: Tag) -> bool {
    matches!(tag, Tag::Pre | Tag::Listing | Tag::Plaintext | Tag::Xmp)
}

#[cfg(test)]
mod tests {
    use super::has_display_none;

    #[test]
    fn display_none_is_found_only_as_a_declaration() {
        for (style, hidden) in [
            ("display:none", true),
            ("color:red; DISPLAY : None !important;", true),
            ("display:block", false),
            ("--display:none", false),
            ("background:url(display:none)", false),
            ("", false),
        ] {
            assert_eq!(has_display_none(style), hidden, "{style}");
        }
    }
}
