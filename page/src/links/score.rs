//! How likely a link leads to content, by what can be seen without following it.

use url::Url;

use crate::tree::{Id, Tag, Tree};

/// What says nothing of the target.
const EMPTY_WORDS: [&str; 12] = [
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

/// 0 to 10: up to three points for a text that says something, one for a title, up to three for an address that looks
/// like a page's, three for standing outside of navigation.
pub(super) fn score(tree: &Tree, anchor: Id, text: &str, url: &Url) -> f64 {
    let says_nothing = EMPTY_WORDS.contains(&text.to_lowercase().as_str());
    let text = match text.split_whitespace().count() {
        0 => 0.0,
        _ if says_nothing => 0.0,
        1 => 1.5,
        2..=15 => 3.0,
        _ => 2.0,
    };
    let title = tree.attr(anchor, "title").is_some_and(|title| !title.trim().is_empty());
    let depth = url.path_segments().map_or(0, |parts| parts.filter(|part| !part.is_empty()).count());
    let depth = if (1..=5).contains(&depth) { 2.0 } else { 0.5 };
    let frames = [Tag::Nav, Tag::Footer, Tag::Aside, Tag::Header, Tag::Menu];
    let in_frame = tree.ancestors(anchor).any(|id| frames.contains(&tree.tag(id)));
    let flag = |on: bool, points: f64| if on { points } else { 0.0 };
    text + depth + flag(title, 1.0) + flag(url.query().is_none(), 1.0) + flag(!in_frame, 3.0)
}
