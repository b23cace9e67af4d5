//! Scores images: content or decoration.

use crate::element_kind::{class_contains, class_of};
use crate::image_source::image_files;
use crate::tree::{Element, NodeId, Tag, Tree};

/// How likely an image is content: one point each for a large width, a large height, an `alt` text, a position in the
/// first half of the page's images, a known format, a `srcset`, and a `<picture>`. 0 if a name or class contains icon,
/// logo or button.
pub(super) fn score(tree: &Tree, image: NodeId, element: &Element, early: bool) -> u32 {
    let size =
        |name: &str| element.attr(name).and_then(|value| value.trim_end_matches("px").trim().parse::<u32>().ok());
    let tiny = |name: &str| size(name).is_some_and(|pixels| pixels <= 2);
    let parent = tree.parent(image);
    let decorates = |text: &str| ["button", "icon", "logo"].iter().any(|name| text.contains(name));
    let of_class = |id: NodeId| tree.element(id).is_some_and(|element| decorates(class_of(element)));
    let name = [element.attr("src"), element.attr("alt")].into_iter().flatten().any(decorates);
    let in_button = parent.is_some_and(|id| tree.tag(id) == Tag::Button || of_class(id));
    if name || in_button || tiny("width") && tiny("height") || class_contains(element, "emoji") {
        return 0;
    }
    let files = image_files(tree, image);
    let points = [
        size("width").is_some_and(|pixels| pixels > 150),
        size("height").is_some_and(|pixels| pixels > 150),
        element.attr("alt").is_some_and(|alt| !alt.is_empty()),
        early,
        files.iter().any(|(src, _)| format(src).is_some()),
        element.attr("srcset").or_else(|| element.attr("data-srcset")).is_some(),
        parent.is_some_and(|id| tree.tag(id) == Tag::Picture),
    ];
    points.into_iter().map(u32::from).sum()
}

/// The format of a file, from its extension.
pub(super) fn format(src: &str) -> Option<String> {
    const KNOWN: [&str; 17] = [
        "jpg", "jpeg", "png", "webp", "avif", "gif", "svg", "bmp", "mp4", "webm", "ogg", "ogv", "mov", "m3u8", "mp3",
        "wav", "m4a",
    ];
    let path = src.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    KNOWN.iter().find(|known| ending.eq_ignore_ascii_case(known)).map(|&known| known.to_owned())
}
