//! `<meta http-equiv="refresh">`: pages that lead to another page.

use std::time::Duration;

use url::{Position, Url};

use crate::budget::Budget;
use crate::element_kind::is_block;
use crate::error::ReadError;
use crate::index::{NodeFlags, PageIndex, build_index};
use crate::limits::Limits;
use crate::tree::{self, NodeData, NodeId, Tag, Tree, Visit};
use crate::urls::BaseUrl;

/// A longer delay gives visitors time to read the page.
const MAX_REDIRECT_DELAY: Duration = Duration::from_secs(5);
/// Bytes of text outside links that a page without content may have: "You are being redirected", "This page has moved".
const MAX_NOTICE_BYTES: usize = 200;
/// The longest delay that is reported.
const MAX_SECONDS: u64 = 1_000_000_000;

/// Where a page leads after a delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaRefresh {
    pub delay: Duration,
    pub url: Url,
    /// The page has no content, the delay is short and the target is an `http(s)` URL: the page is only a redirect.
    pub is_redirect: bool,
}

/// The refresh of an HTML page; `None` if it has none, or exceeds `limits`. `url` is the page's final URL.
pub fn meta_refresh(html: &str, url: &Url, limits: &Limits) -> Option<MetaRefresh> {
    let budget = Budget::start(limits);
    let parsed = tree::parse(html, limits, &budget).ok()?;
    let index = build_index(&parsed.tree, &budget).ok()?;
    let base = BaseUrl::new(url, index.base_href(&parsed.tree));
    let refresh = find(&parsed.tree, &index, &base, &budget).ok()??;
    let is_other_page = refresh.url[..Position::AfterQuery] != url[..Position::AfterQuery];
    Some(MetaRefresh { is_redirect: refresh.is_redirect && is_other_page, ..refresh })
}

/// The first refresh with a target.
pub(crate) fn find(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    budget: &Budget,
) -> Result<Option<MetaRefresh>, ReadError> {
    let refreshes = index.metas.iter().filter(|&&meta| {
        let is_refresh = tree.attr(meta, "http-equiv").is_some_and(|name| name.trim().eq_ignore_ascii_case("refresh"));
        // Browsers with scripts ignore it.
        is_refresh && !tree.ancestors(meta).any(|id| tree.tag(id) == Tag::Noscript)
    });
    let targets = refreshes.filter_map(|&meta| parse(tree.attr(meta, "content")?));
    let Some((delay, url)) = targets.filter_map(|(delay, href)| Some((delay, base.parse(href)?))).next() else {
        return Ok(None);
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_redirect = is_web && delay <= MAX_REDIRECT_DELAY && !has_content(tree, index, base, &url, budget)?;
    Ok(Some(MetaRefresh { delay, url, is_redirect }))
}

/// The delay and the target of `5; url=/x`, by the rules of the HTML standard; `None` without a target.
fn parse(content: &str) -> Option<(Duration, &str)> {
    let space = |c: char| c.is_ascii_whitespace();
    let rest = content.trim_start_matches(space);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 && !rest.starts_with('.') {
        return None;
    }
    let seconds = rest[..digits].parse().unwrap_or(if digits == 0 { 0 } else { MAX_SECONDS }).min(MAX_SECONDS);
    let rest = rest[digits..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !rest.starts_with(|c: char| space(c) || matches!(c, ';' | ',')) {
        return None;
    }
    let rest = rest.trim_start_matches(space);
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start_matches(space);
    let named = rest.get(..3).filter(|name| name.eq_ignore_ascii_case("url")).and_then(|_| {
        let value = rest[3..].trim_start_matches(space).strip_prefix('=')?;
        Some(value.trim_start_matches(space))
    });
    let target = named.unwrap_or(rest);
    let target = match target.chars().next() {
        Some(quote @ ('"' | '\'')) => target[1..].split(quote).next().unwrap_or_default(),
        _ => target,
    };
    (!target.trim().is_empty()).then_some((Duration::from_secs(seconds), target))
}

/// Whether a page has more than a notice about its refresh: a long text, an image, a link to another page, or several blocks
/// of text without a link to the target.
fn has_content(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    target: &Url,
    budget: &Budget,
) -> Result<bool, ReadError> {
    if index.flags(NodeId::ROOT).any(NodeFlags::IMAGE | NodeFlags::STRUCTURE) {
        return Ok(true);
    }
    let is_target =
        |href: &str| base.parse(href).is_some_and(|url| without_fragment(url) == without_fragment(target.clone()));
    let (mut bytes, mut blocks, mut in_block, mut has_target_link) = (0, 0, false, false);
    let mut walk = tree.walk(NodeId::ROOT);
    while let Some(step) = walk.next() {
        budget.step()?;
        let (Visit::Enter(id) | Visit::Leave(id)) = step;
        match (tree.data(id), step) {
            (NodeData::Text { .. }, Visit::Enter(_)) if index.flags(id).any(NodeFlags::TEXT) => {
                bytes += tree.text(id).unwrap_or_default().trim().len();
                blocks += usize::from(!std::mem::replace(&mut in_block, true));
            }
            (NodeData::Element(element), Visit::Enter(_)) => {
                if index.flags(id).any(NodeFlags::EXCLUDED | NodeFlags::HIDDEN) || element.tag == Tag::Head {
                    walk.skip_children(id);
                } else if let Some(href) = element.attr("href").filter(|_| element.tag == Tag::A) {
                    if !is_target(href) {
                        return Ok(true);
                    }
                    has_target_link = true;
                    walk.skip_children(id);
                } else {
                    in_block &= !is_block(element.tag);
                }
            }
            (NodeData::Element(element), Visit::Leave(_)) => in_block &= !is_block(element.tag),
            _ => {}
        }
    }
    Ok(bytes > MAX_NOTICE_BYTES || blocks > 1 && !has_target_link)
}

fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refresh(html: &str) -> Option<MetaRefresh> {
        meta_refresh(html, &Url::parse("https://a.example/b/c").unwrap(), &Limits::default())
    }

    #[test]
    fn delay_and_target_are_read_as_in_browsers() {
        for (content, expected) in [
            ("0; url=/x", Some((0, "https://a.example/x"))),
            ("3;URL='x'", Some((3, "https://a.example/b/x"))),
            (" 2.9 , url = \"//d.example\" ", Some((2, "https://d.example/"))),
            (".5 x", Some((0, "https://a.example/b/x"))),
            ("1;urls", Some((1, "https://a.example/b/urls"))),
            ("0;url='x'y", Some((0, "https://a.example/b/x"))),
            ("99999999999999999999; x", Some((1_000_000_000, "https://a.example/b/x"))),
            ("5", None),
            ("5;", None),
            ("5; url=", None),
            ("5x", None),
            ("url=/x", None),
            ("", None),
        ] {
            let found = refresh(&format!("<meta http-equiv=Refresh content=\"{}\">", content.replace('"', "&quot;")));
            let found = found.map(|refresh| (refresh.delay.as_secs(), refresh.url.to_string()));
            assert_eq!(found, expected.map(|(delay, url)| (delay, url.to_owned())), "{content}");
        }
        assert_eq!(refresh("<noscript><meta http-equiv=refresh content='0;url=/x'></noscript>"), None);
        let based = refresh("<base href=/d/><meta http-equiv=refresh content='0;url=x'>").unwrap();
        assert_eq!(based.url.as_str(), "https://a.example/d/x");
    }

    #[test]
    fn page_without_content_and_short_delay_is_a_redirect() {
        let is_redirect = |content: &str, body: &str| {
            let page = format!("<title>t</title><meta http-equiv=refresh content='{content}'><script>s</script>{body}");
            refresh(&page).unwrap().is_redirect
        };
        for body in [
            "",
            "moved",
            "<h1>Redirecting…</h1><a href=/x>Click here if you are not redirected.</a>",
            "<h1>Moved</h1><p>This page has moved to <a href='/x#top'>a new address</a>.</p>",
            "<p hidden>hidden</p>",
        ] {
            assert!(is_redirect("5; url=/x", body), "{body}");
            assert!(!is_redirect("6; url=/x", body), "{body}");
            assert!(!is_redirect("0; url=mailto:x@a.example", body), "{body}");
            assert!(!is_redirect("0; url=https://a.example/b/c#top", body), "{body}");
        }
        for body in [
            "<h1>Title</h1><p>Text of the article.</p>",
            "<a href=/other>other</a>",
            "<img src=i.png>",
            "<table><tr><td>a</table>",
            &"words ".repeat(50),
        ] {
            assert!(!is_redirect("0; url=/x", body), "{body}");
        }
    }
}
