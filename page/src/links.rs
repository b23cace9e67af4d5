//! The page's links, internal and external by registrable domain.

use std::collections::HashSet;

use crate::domain::registrable;
use crate::survey::Survey;
use crate::tree::{Id, Tag, Tree};
use crate::urls::Base;
use crate::watch::Watch;
use crate::{Link, Links, Unreadable, plain};

/// A link's text is cut here, at a word.
const MAX_TEXT: usize = 1000;
/// Longer targets are no links that anybody could follow.
const MAX_HREF: usize = 8192;

pub(crate) fn links(tree: &Tree, survey: &Survey, base: &Base, watch: &Watch) -> Result<Links, Unreadable> {
    let mut links = Links::default();
    let mut seen = HashSet::new();
    let home = base.page().map(registrable);
    for &anchor in &survey.anchors {
        watch.step()?;
        let href = tree.attr(anchor, "href").unwrap_or_default();
        if href.is_empty() || href.len() > MAX_HREF {
            continue;
        }
        let Some(mut url) = base.url(href).filter(|url| matches!(url.scheme(), "http" | "https")) else { continue };
        url.set_fragment(None);
        if seen.contains(url.as_str()) {
            continue;
        }
        let base_domain = registrable(&url).to_owned();
        let list = if home == Some(&base_domain) { &mut links.internal } else { &mut links.external };
        seen.insert(url.as_str().to_owned());
        list.push(Link {
            href: url.into(),
            text: text(tree, anchor),
            title: tree.attr(anchor, "title").map(plain::collapsed).unwrap_or_default(),
            base_domain,
            intrinsic_score: Some(0.0),
            ..Link::default()
        });
    }
    Ok(links)
}

/// What a link says: its text, else what its image or its label says.
fn text(tree: &Tree, anchor: Id) -> String {
    let text = plain::text_of(tree, anchor, MAX_TEXT);
    if !text.is_empty() {
        return text;
    }
    let image = || tree.descendants(anchor).take(32).find(|&id| tree.tag(id) == Tag::Img);
    let label = tree.attr(anchor, "aria-label").or_else(|| tree.attr(anchor, "alt"));
    let label = label.or_else(|| tree.attr(image()?, "alt"));
    label.map(plain::collapsed).unwrap_or_default()
}
