//! Lists the links of a page, internal and external by registrable domain.

mod score;

use std::collections::HashSet;

use crate::budget::Budget;
use crate::error::ReadError;
use crate::index::PageIndex;
use crate::output::{Link, Links};
use crate::public_suffix::registrable_domain;
use crate::text;
use crate::tree::{NodeId, Tag, Tree};
use crate::urls::{BaseUrl, MAX_URL_BYTES};

/// Link texts are cut at a word before this many bytes.
const MAX_TEXT: usize = 1000;
/// Bytes of the keys and the constant values of a link.
const ENTRY_BYTES: usize = 256;

pub(crate) fn links(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    scored: bool,
    budget: &Budget,
) -> Result<Links, ReadError> {
    let mut links = Links::default();
    let mut seen = HashSet::new();
    let page_domain = base.page_url().map(registrable_domain);
    for &anchor in &index.anchors {
        budget.step()?;
        let href = tree.attr(anchor, "href").unwrap_or_default();
        if href.is_empty() || href.len() > MAX_URL_BYTES {
            continue;
        }
        let Some(mut url) = base.parse(href).filter(|url| matches!(url.scheme(), "http" | "https")) else { continue };
        url.set_fragment(None);
        if seen.contains(url.as_str()) {
            continue;
        }
        let text = link_text(tree, anchor);
        let title = tree.attr(anchor, "title").map(text::collapse_whitespace).unwrap_or_default();
        let base_domain = registrable_domain(&url).to_owned();
        // The URL is also in `seen`.
        let bytes = 2 * url.as_str().len() + text.len() + title.len() + base_domain.len() + ENTRY_BYTES;
        if !budget.reserve_output(bytes) {
            break;
        }
        let list = if page_domain == Some(&base_domain) { &mut links.internal } else { &mut links.external };
        seen.insert(url.as_str().to_owned());
        let score = scored.then(|| score::score(tree, anchor, &text, &url));
        list.push(Link {
            href: url.into(),
            text,
            title,
            base_domain,
            intrinsic_score: score.or(Some(0.0)),
            total_score: score,
            ..Link::default()
        });
    }
    Ok(links)
}

/// The text of a link, or else its label or the `alt` text of its image.
fn link_text(tree: &Tree, anchor: NodeId) -> String {
    let text = text::text_content(tree, anchor, MAX_TEXT);
    if !text.is_empty() {
        return text;
    }
    let image = || tree.descendants(anchor).take(32).find(|&id| tree.tag(id) == Tag::Img);
    let label = tree.attr(anchor, "aria-label").or_else(|| tree.attr(anchor, "alt"));
    let label = label.or_else(|| tree.attr(image()?, "alt"));
    label.map(text::collapse_whitespace).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Link, Links, Options, read};

    fn links(url: &str, html: &str) -> Links {
        read(html, &url::Url::parse(url).unwrap(), &Options::default(), &Limits::default()).unwrap().links
    }

    fn hrefs(links: &[Link]) -> Vec<&str> {
        links.iter().map(|link| &*link.href).collect()
    }

    #[test]
    fn links_are_internal_by_registrable_domain() {
        for (page, href, internal) in [
            ("https://www.a.co.uk/b", "/c", true),
            ("https://www.a.co.uk/b", "https://d.a.co.uk", true),
            ("https://www.a.co.uk/b", "https://b.co.uk", false),
            ("https://a.github.io/", "https://b.github.io/", false),
            ("http://127.0.0.1:81/", "http://127.0.0.1:82/", true),
            ("http://127.0.0.1/", "http://127.0.1.1/", false),
            ("http://localhost/", "//localhost:3000/x", true),
            ("http://localhost/", "http://example.com", false),
            ("raw:x", "http://example.com", false),
        ] {
            let links = links(page, &format!("<a href='{href}'>x</a>"));
            assert_eq!(
                (links.internal.len(), links.external.len()),
                (usize::from(internal), usize::from(!internal)),
                "{page} {href}"
            );
        }
    }

    #[test]
    fn each_http_target_is_listed_once() {
        let links = links(
            "https://a.example/b/",
            "<a href=c#d title=' e ' >f\n <b>g</b></a><a href='c'>h</a><a href=#i>j</a><a href=mailto:a@b.c>k</a>
             <a href=javascript:l>m</a><a href=tel:1>n</a><a href=data:,o>p</a><a href='http://[q'>r</a><a>s</a><a href>t</a>
             <map><area href=u alt=v></map><p hidden><a href=w><img alt=x></a></p><template><a href=y>z</a></template>",
        );
        assert_eq!(hrefs(&links.internal), ["c", "", "u", "w"].map(|path| format!("https://a.example/b/{path}")));
        assert!(links.external.is_empty());
        let texts: Vec<_> = links.internal.iter().map(|link| &*link.text).collect();
        assert_eq!((texts, &*links.internal[0].title), (vec!["f g", "j", "v", "x"], "e"));
    }
}
