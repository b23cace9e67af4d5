//! Features of the page as a whole, equal for all its text blocks.

use url::Url;

use super::row::{log, ratio};
use crate::content::text_blocks::TextBlocks;
use crate::content::text_counts::TextCounts;
use crate::index::PageIndex;
use crate::tree::{Tag, Tree};
use crate::urls::BaseUrl;

/// Bytes of JSON-LD that are searched.
const MAX_JSON_LD_BYTES: usize = 64 * 1024;

pub(super) fn features(tree: &Tree, index: &PageIndex, base: &BaseUrl, found: &TextBlocks) -> Vec<(&'static str, f32)> {
    let mut total = TextCounts::default();
    found.blocks.iter().for_each(|block| total.add(&block.counts));
    let count = |tag: Tag| found.containers.iter().filter(|container| container.tag == tag).count() as f32;
    let prices = found.blocks.iter().filter(|block| block.counts.currency_signs > 0).count() as f32;
    let times = found.blocks.iter().filter(|block| block.inline.time).count() as f32;
    let mut page = vec![
        ("page words", log(total.words)),
        ("page blocks", log(total.blocks)),
        ("page linked", ratio(total.linked_words, total.words)),
        ("page prose", ratio(total.prose_words, total.words)),
        ("page headings", total.headings as f32),
        ("page images", total.images as f32),
        ("page controls", total.controls as f32),
        ("page sentence ends", ratio(total.sentence_ends, total.words)),
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
    page.extend(structured_data(tree, index));
    page.extend(url_features(base.page_url()));
    page
}

/// The types that JSON-LD and Open Graph declare.
fn structured_data(tree: &Tree, index: &PageIndex) -> Vec<(&'static str, f32)> {
    let mut text = String::new();
    for &block in &index.json_ld_scripts {
        tree.children(block).filter_map(|child| tree.text(child)).for_each(|more| {
            let left = MAX_JSON_LD_BYTES.saturating_sub(text.len());
            text.push_str(&more[..more.floor_char_boundary(left)]);
        });
    }
    let mut og_type = "";
    for meta in index.metas.iter().filter_map(|&meta| tree.element(meta)) {
        if meta.attr("property") == Some("og:type") {
            og_type = meta.attr("content").unwrap_or_default();
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
            match og_type {
                "article" => 1.0,
                "website" => 2.0,
                "product" | "og:product" | "product.item" => 3.0,
                "" => 0.0,
                _ => 4.0,
            },
        ),
    ]
}

/// The form of the page's URL.
fn url_features(url: Option<&Url>) -> Vec<(&'static str, f32)> {
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
