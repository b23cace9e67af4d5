//! Finds the page's title heading: the `h1`, or the heading that matches `og:title` or `<title>`.

use super::text_blocks::{Container, NO_PARENT, TextBlocks};
use crate::element_kind::heading_level;
use crate::index::PageIndex;
use crate::text;
use crate::tree::{NodeId, Tag, Tree};

/// Titles and headings are cut at this many bytes before they are compared.
const MAX_BYTES: usize = 400;

/// Titles, and `<meta>` elements that are searched for them. Each heading is compared with each title.
const MAX_TITLES: usize = 32;
const MAX_METAS: usize = 1000;
/// Headings that are compared with the title.
const MAX_HEADINGS: usize = 200;

/// The container of the title heading, by its index.
pub(super) fn title_heading(tree: &Tree, index: &PageIndex, found: &TextBlocks) -> Option<usize> {
    let titles = Titles::of(tree, index);
    let mut best: Option<(i32, usize)> = None;
    let headings = found.containers.iter().enumerate().filter(|(_, container)| heading_level(container.tag).is_some());
    for (at, container) in headings.filter(|(_, container)| !container.blocks.is_empty()).take(MAX_HEADINGS) {
        let score = score(tree, found, container, &titles);
        if score > best.map_or(0, |(best, _)| best) {
            best = Some((score, at));
        }
    }
    best.map(|(_, at)| at)
}

/// How likely a heading is the title; not positive if it is not.
fn score(tree: &Tree, found: &TextBlocks, heading: &Container, titles: &Titles) -> i32 {
    let words = Words::of(&text::text_content(tree, heading.id, MAX_BYTES));
    if words.joined.is_empty() {
        return 0;
    }
    let is_h1 = heading.tag == Tag::H1;
    let level = if is_h1 { 15 } else { 6 - heading_level(heading.tag).unwrap_or(6) as i32 };
    let similarity = titles.similarity(&words);
    if similarity < 50 && !is_h1 {
        return 0;
    }
    let around = Around::of(tree, found, heading);
    let is_site_name = titles.site_name.as_ref().is_some_and(|name| name.joined == words.joined);
    let mut score = similarity + level + if around.in_content { 8 } else { 0 };
    if is_site_name || around.links_to_start {
        score = (score / 4).min(20);
    }
    if around.in_landmark { (score / 4).min(20) } else { score }
}

/// What a heading is in.
struct Around {
    /// In `<main>` or `<article>`.
    in_content: bool,
    /// In `<nav>`, `<aside>` or `<footer>`, or hidden.
    in_landmark: bool,
    /// It contains, or is in, a link to the start page.
    links_to_start: bool,
}

impl Around {
    fn of(tree: &Tree, found: &TextBlocks, heading: &Container) -> Self {
        let (mut in_content, mut in_landmark, mut at) = (false, heading.hidden, heading.parent);
        while at != NO_PARENT {
            let container = &found.containers[at as usize];
            in_content |= matches!(container.tag, Tag::Main | Tag::Article);
            in_landmark |= matches!(container.tag, Tag::Nav | Tag::Aside | Tag::Footer);
            at = container.parent;
        }
        Self { in_content, in_landmark, links_to_start: links_to_start(tree, heading.id) }
    }
}

fn links_to_start(tree: &Tree, heading: NodeId) -> bool {
    const EXAMINED: usize = 16;
    let inside = tree.descendants(heading).take(EXAMINED);
    let mut links = inside.chain(tree.ancestors(heading).take(3)).filter(|&id| tree.tag(id) == Tag::A);
    links.any(|link| tree.attr(link, "href").is_some_and(is_start_page))
}

fn is_start_page(href: &str) -> bool {
    let path = match href.trim().split_once("//") {
        Some((_, host)) => host.find('/').map_or("", |at| &host[at..]),
        None => href.trim(),
    };
    matches!(path, "" | "/" | "./" | "index.html" | "/index.html" | "index.php" | "/index.php")
}

/// The titles that a page declares.
#[derive(Default)]
struct Titles {
    /// `og:title`, and `<title>` with its parts between separators.
    titles: Vec<Words>,
    site_name: Option<Words>,
}

impl Titles {
    fn of(tree: &Tree, index: &PageIndex) -> Self {
        let mut titles = Self::default();
        for meta in index.metas.iter().take(MAX_METAS).filter_map(|&meta| tree.element(meta)) {
            let content = Words::of(meta.attr("content").unwrap_or_default());
            match meta.attr("property").or_else(|| meta.attr("name")) {
                Some("og:title") if !content.joined.is_empty() && titles.titles.is_empty() => {
                    titles.titles.push(content)
                }
                Some("og:site_name") if !content.joined.is_empty() => titles.site_name = Some(content),
                _ => {}
            }
        }
        let title = index.title.map(|title| text::raw_text(tree, title)).unwrap_or_default();
        let title = &title[..title.floor_char_boundary(MAX_BYTES)];
        titles.titles.push(Words::of(title));
        for separator in [" | ", " - ", " – ", " — ", " · ", " » ", " « ", ": ", "_", "|"] {
            if title.contains(separator) {
                titles.titles.extend(title.split(separator).map(Words::of).filter(|part| !part.joined.is_empty()));
            }
        }
        titles.titles.truncate(MAX_TITLES);
        titles
    }

    /// From 0 to 100: the share of the words of a heading and the most similar title that both have. Parts of the
    /// title count less the shorter they are.
    fn similarity(&self, heading: &Words) -> i32 {
        let longest = self.titles.iter().map(|title| title.joined.len()).max().unwrap_or(1).max(1);
        let similarities = self.titles.iter().map(|title| {
            let length = title.joined.len() as f32 / longest as f32;
            heading.similarity(title) * (0.7 + 0.3 * length.min(1.0))
        });
        (similarities.fold(0.0, f32::max) * 100.0) as i32
    }
}

/// The words of a text in lower case.
struct Words {
    words: Vec<String>,
    joined: String,
}

impl Words {
    fn of(text: &str) -> Self {
        let text = text[..text.floor_char_boundary(MAX_BYTES)].to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(str::to_owned).collect();
        let joined = words.concat();
        Self { words, joined }
    }

    /// Twice the common bytes, divided by the bytes of both.
    fn similarity(&self, other: &Self) -> f32 {
        if self.joined == other.joined {
            return f32::from(u8::from(!self.joined.is_empty()));
        }
        let both = (self.joined.len() + other.joined.len()).max(1) as f32;
        let (short, long) = if self.joined.len() < other.joined.len() { (self, other) } else { (other, self) };
        // Scripts without spaces between words.
        if !short.joined.is_ascii() && long.joined.contains(&short.joined) {
            return 2.0 * short.joined.len() as f32 / both;
        }
        let common: usize = self.words.iter().filter(|word| other.words.contains(word)).map(String::len).sum();
        (2.0 * common as f32 / both).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_ignores_case_and_punctuation() {
        for (one, other, range) in [
            ("New bridge for the town", "New Bridge for the Town!", 1.0..=1.0),
            ("New bridge", "New bridge | Town News", 0.4..=0.8),
            ("Weather", "New bridge", 0.0..=0.0),
            ("", "", 0.0..=0.0),
            ("新しい橋", "新しい橋|町の新聞", 0.5..=0.8),
        ] {
            let similarity = Words::of(one).similarity(&Words::of(other));
            assert!(range.contains(&similarity), "{one} and {other}: {similarity}");
        }
    }

    #[test]
    fn links_to_the_start_page_are_recognised() {
        for (href, expected) in [
            ("/", true),
            ("https://a.example", true),
            ("https://a.example/", true),
            ("/a", false),
            ("//a.example/b", false),
        ] {
            assert_eq!(is_start_page(href), expected, "{href}");
        }
    }
}
