//! The files of an image, including lazily loaded ones.

use crate::srcset::candidates;
use crate::tree::{NodeId, Tag, Tree};
use crate::urls::MAX_URL_BYTES;

/// A file of an image: its URL as written and its width in pixels, if known.
pub(crate) type MediaFile<'t> = (&'t str, Option<u32>);

/// Files of one element; more are ignored.
pub(crate) const MAX_FILES: usize = 32;
/// Attributes with the URL of an image that a script loads when it becomes visible.
const LAZY_SRC: [&str; 5] = ["data-src", "data-lazy-src", "data-original", "data-lazy", "data-img-src"];
const LAZY_SRCSET: [&str; 2] = ["data-srcset", "data-lazy-srcset"];

/// The URL that represents an image in Markdown.
pub(crate) fn source(tree: &Tree, image: NodeId) -> Option<&str> {
    image_files(tree, image).first().map(|&(src, _)| src)
}

/// Whether the element has a usable URL.
pub(crate) fn has_source(tree: &Tree, image: NodeId) -> bool {
    !image_files(tree, image).is_empty()
}

/// The files of an image, best first: its `src` unless that is a placeholder, then lazily loaded files, then the
/// candidates of its `srcset`s, widest first.
pub(crate) fn image_files(tree: &Tree, image: NodeId) -> Vec<MediaFile<'_>> {
    let mut files = Vec::new();
    let Some(element) = tree.element(image) else { return files };
    let own = element.attr("src").filter(|src| is_usable(src));
    files.extend(own.filter(|src| !is_placeholder(src)).map(|src| (src, None)));
    files.extend(
        LAZY_SRC.iter().filter_map(|&name| element.attr(name)).filter(|src| is_usable(src)).map(|src| (src, None)),
    );
    let sets = std::iter::once("srcset").chain(LAZY_SRCSET).filter_map(|name| element.attr(name));
    let picture = tree.parent(image).filter(|&parent| tree.tag(parent) == Tag::Picture);
    let sources = picture.into_iter().flat_map(|picture| tree.children(picture)).take(MAX_FILES);
    let sources = sources.filter(|&id| tree.tag(id) == Tag::Source);
    let of_sources = sources.filter_map(|id| tree.attr(id, "srcset").or_else(|| tree.attr(id, "data-srcset")));
    let start = files.len();
    for set in sets.chain(of_sources) {
        let usable = candidates(set).take(MAX_FILES).filter(|candidate| is_usable(candidate.url));
        files.extend(usable.map(|candidate| (candidate.url, candidate.width)));
    }
    files[start..].sort_by_key(|&(_, width)| std::cmp::Reverse(width));
    if files.is_empty() {
        files.extend(own.map(|src| (src, None)));
    }
    files
}

/// Whether a URL can be fetched: not empty, not too long, not inline data.
pub(crate) fn is_usable(src: &str) -> bool {
    let src = src.trim_start();
    let scheme = src.get(..5).unwrap_or_default();
    !src.is_empty()
        && src.len() <= MAX_URL_BYTES
        && !scheme.eq_ignore_ascii_case("data:")
        && !scheme.eq_ignore_ascii_case("blob:")
}

fn is_placeholder(src: &str) -> bool {
    const NAMES: [&str; 7] =
        ["placeholder", "blank.gif", "spacer.gif", "pixel.gif", "1x1.", "transparent.", "lazyload."];
    NAMES.iter().any(|name| src.contains(name))
}
