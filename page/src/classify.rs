//! What an element is to a reader: left out, hidden, a block, a line's part.

use crate::tree::{Element, Tag};

/// Never part of what a page says, whatever it holds.
pub(crate) fn is_left_out(element: &Element) -> bool {
    match element.tag {
        Tag::Script => !element.attr("type").is_some_and(|kind| kind.starts_with("math/tex")),
        Tag::Template => element.attr("shadowrootmode").is_none(),
        Tag::Dialog => element.attr("open").is_none(),
        Tag::Applet
        | Tag::Canvas
        | Tag::Datalist
        | Tag::Embed
        | Tag::Frame
        | Tag::Frameset
        | Tag::Iframe
        | Tag::Link
        | Tag::Noembed
        | Tag::Noframes
        | Tag::Noscript
        | Tag::Object
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

/// Said to be hidden by its own attributes: a visitor does not see it, at least not at first.
pub(crate) fn is_hidden(element: &Element) -> bool {
    if matches!(element.tag, Tag::Html | Tag::Body | Tag::Main | Tag::Article) {
        return false;
    }
    for attr in &element.attrs {
        match &*attr.name.local {
            "hidden" if !attr.value.eq_ignore_ascii_case("until-found") => return !is_streamed(element),
            "style" if is_not_displayed(&attr.value) && !has_class_part(element, "mwe-math") => return true,
            "class" if attr.value.contains("katex-html") || attr.value.contains("mwe-math-fallback") => return true,
            _ => {}
        }
    }
    false
}

/// React sends parts of a page hidden, under such names, and puts them in their place by script.
fn is_streamed(element: &Element) -> bool {
    element.attr("id").is_some_and(|id| id.starts_with("S:"))
}

/// `display: none` among the declarations of a `style`. (`visibility: hidden` is what pages hide all they say by, until
/// a script has run.)
fn is_not_displayed(style: &str) -> bool {
    declared(style, "display").is_some_and(|value| value.eq_ignore_ascii_case("none"))
}

/// The value that a `style` declares for a property.
pub(crate) fn declared<'a>(style: &'a str, property: &str) -> Option<&'a str> {
    let mut declarations = style.split(';').filter_map(|declaration| declaration.split_once(':'));
    let (_, value) = declarations.find(|(name, _)| name.trim().eq_ignore_ascii_case(property))?;
    Some(value.trim().trim_end_matches("!important").trim_end())
}

/// The element's classes, cut where no author would go on: an element is asked for them once for each that it holds.
pub(crate) fn class_of(element: &Element) -> &str {
    const LONGEST: usize = 1000;
    element.attr("class").map_or("", |class| &class[..class.floor_char_boundary(LONGEST)])
}

/// One of the element's classes holds this text.
pub(crate) fn has_class_part(element: &Element, part: &str) -> bool {
    class_of(element).contains(part)
}

/// 1 to 6; `None` for what is not a heading.
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

/// Begins on a line of its own and ends its line.
pub(crate) fn is_block(tag: Tag) -> bool {
    heading_level(tag).is_some()
        || is_structured(tag)
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

/// A block that Markdown writes over several lines, so that it cannot stand within a line, a link or a cell.
pub(crate) fn is_structured(tag: Tag) -> bool {
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

/// Text that is shown as written, spaces and line ends included.
pub(crate) fn is_preformatted(tag: Tag) -> bool {
    matches!(tag, Tag::Pre | Tag::Listing | Tag::Plaintext | Tag::Xmp)
}

#[cfg(test)]
mod tests {
    use super::is_not_displayed;

    #[test]
    fn only_a_declaration_that_hides_hides() {
        for (style, hidden) in [
            ("display:none", true),
            ("color:red; DISPLAY : None !important;", true),
            ("display:block", false),
            ("--display:none", false),
            ("background:url(display:none)", false),
            ("", false),
        ] {
            assert_eq!(is_not_displayed(style), hidden, "{style}");
        }
    }
}
