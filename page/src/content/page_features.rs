//! What a model is told about a page as a whole.

use url::Url;

use super::counts::Counts;
use super::passages::Passages;
use crate::index::Survey;
use crate::tree::{Tag, Tree};
use crate::urls::Base;

/// More of a page's JSON-LD is not looked at.
const DATA: usize = 64 * 1024;

pub(super) fn page_features(tree: &Tree, survey: &Survey, base: &Base, found: &Passages) -> Vec<(&'static str, f32)> {
    let mut whole = Counts::default();
    found.list.iter().for_each(|passage| whole.add(&passage.counts));
    let count = |tag: Tag| found.frames.iter().filter(|frame| frame.tag == tag).count() as f32;
    let prices = found.list.iter().filter(|passage| passage.counts.prices > 0).count() as f32;
    let times = found.list.iter().filter(|passage| passage.inline.time).count() as f32;
    let ratio = |part: u32, of: u32| part as f32 / of.max(1) as f32;
    let mut page = vec![
        ("page words", (whole.words as f32 + 1.0).ln()),
        ("page passages", (whole.passages as f32 + 1.0).ln()),
        ("page linked", ratio(whole.linked, whole.words)),
        ("page prose", ratio(whole.prose, whole.words)),
        ("page headings", whole.headings as f32),
        ("page images", whole.images as f32),
        ("page controls", whole.controls as f32),
        ("page ends", ratio(whole.ends, whole.words)),
        ("page articles", count(Tag::Article)),
        ("page h1", count(Tag::H1)),
        ("page p", count(Tag::P)),
        ("page li", count(Tag::Li)),
        ("page td", count(Tag::Td)),
        ("page pre", count(Tag::Pre)),
        ("page prices", prices),
        ("page times", times),
        ("page has main", count(Tag::Main)),
    ];
    page.extend(data(tree, survey));
    page.extend(address(base.page()));
    page
}

/// What kinds of things the page's own data say it is about.
fn data(tree: &Tree, survey: &Survey) -> Vec<(&'static str, f32)> {
    let mut text = String::new();
    for &block in &survey.data_blocks {
        tree.children(block).filter_map(|child| tree.text(child)).for_each(|more| {
            let room = DATA.saturating_sub(text.len());
            text.push_str(&more[..more.floor_char_boundary(room)]);
        });
    }
    let mut og = "";
    for meta in survey.metas.iter().filter_map(|&meta| tree.element(meta)) {
        if meta.attr("property") == Some("og:type") {
            og = meta.attr("content").unwrap_or_default();
        }
    }
    let has = |name: &str| f32::from(u8::from(text.contains(name)));
    vec![
        ("ld product", has("\"Product\"")),
        ("ld article", has("Article\"").max(has("\"BlogPosting\""))),
        ("ld list", has("\"ItemList\"").max(has("\"CollectionPage\""))),
        ("ld forum", has("\"DiscussionForumPosting\"").max(has("\"QAPage\""))),
        ("ld faq", has("\"FAQPage\"")),
        ("ld organization", has("\"LocalBusiness\"").max(has("\"Service\""))),
        ("ld review", has("\"Review\"")),
        (
            "og type",
            match og {
                "article" => 1.0,
                "website" => 2.0,
                "product" | "og:product" | "product.item" => 3.0,
                "" => 0.0,
                _ => 4.0,
            },
        ),
    ]
}

fn address(url: Option<&Url>) -> Vec<(&'static str, f32)> {
    let url = url.map(|url| url.as_str().to_ascii_lowercase()).unwrap_or_default();
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let has = |words: &[&str]| f32::from(u8::from(words.iter().any(|word| url.contains(word))));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    vec![
        ("url depth", path.split('/').filter(|part| !part.is_empty()).count() as f32),
        ("url length", path.len() as f32),
        ("url hyphens", last.matches('-').count() as f32),
        ("url digits", path.bytes().filter(u8::is_ascii_digit).count() as f32),
        ("url query", f32::from(u8::from(path.contains('?')))),
        ("url shop", has(&["/product", "/shop", "/store", "/p/", "/dp/", "/item"])),
        ("url list", has(&["/categor", "/collection", "/tag/", "/c/", "/cat/", "/topic", "/list", "/browse", "/best"])),
        ("url forum", has(&["forum", "thread", "discuss", "community", "/t/", "question", "/r/", "viewtopic"])),
        (
            "url docs",
            has(&[
                "/docs",
                "docs.",
                "/doc/",
                "/api",
                "/reference",
                "/guide",
                "developer",
                "learn.",
                "/manual",
                "readthedocs",
            ]),
        ),
        ("url blog", has(&["/blog", "/news", "/article", "/post", "/story", "/20"])),
        ("url service", has(&["/service", "/solution", "/pricing", "/about", "/plans"])),
    ]
}
