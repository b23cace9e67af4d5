//! Scores links by how likely they lead to content, without following them.

use url::Url;

use crate::tree::{NodeId, Tag, Tree};

/// Link texts that do not describe the target.
const GENERIC_TEXTS: [&str; 12] = [
    "click here",
    "here",
    "more",
    "read more",
    "learn more",
    "next",
    "previous",
    "login",
    "log in",
    "sign in",
    "sign up",
    "share",
];

/// A score from 0 to 10: up to three points for a descriptive text, one for a title, up to three for a URL that looks
/// like a page's, three for a position outside navigation.
pub(super) fn score(tree: &Tree, anchor: NodeId, text: &str, url: &Url) -> f64 {
    let is_generic = GENERIC_TEXTS.contains(&text.to_lowercase().as_str());
    let text = match text.split_whitespace().count() {
        0 => 0.0,
        _ if is_generic => 0.0,
        1 => 1.5,
        2..=15 => 3.0,
        _ => 2.0,
    };
    let title = tree.attr(anchor, "title").is_some_and(|title| !title.trim().is_empty());
    let depth = url.path_segments().map_or(0, |parts| parts.filter(|part| !part.is_empty()).count());
    let depth = if (1..=5).contains(&depth) { 2.0 } else { 0.5 };
    let navigation = [Tag::Nav, Tag::Footer, Tag::Aside, Tag::Header, Tag::Menu];
    let in_navigation = tree.ancestors(anchor).any(|id| navigation.contains(&tree.tag(id)));
    let flag = |on: bool, points: f64| if on { points } else { 0.0 };
    text + depth + flag(title, 1.0) + flag(url.query().is_none(), 1.0) + flag(!in_navigation, 3.0)
}
