//! Categories of elements (navigation, comments, content, …) by the words in `class`, `id`, `role` and similar
//! attributes.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::identifiers::{hash_word, split_identifier};
use crate::tree::{Element, Tag};

/// A set of categories, one bit each.
pub(super) type Categories = u64;

/// The categories with their words, which [`split_identifier`] finds in names.
pub(super) const CATEGORIES: [(&str, &str); 44] = [
    ("nav", "nav navbar navigation menu submenu megamenu topnav sidenav dropdown menubar navlinks menuitem"),
    ("crumbs", "breadcrumb breadcrumbs crumb crumbs"),
    ("footer", "footer foot copyright legal contentinfo colophon bottom footnav"),
    ("header", "header masthead topbar banner head navbar logo brand top"),
    ("side", "sidebar aside rail side complementary sidenav left right secondary"),
    (
        "related",
        "related recommend recommended recommendations recommendation similar suggested suggestions upsell crosssell cross recirc recirculation popular trending outbrain taboola more readmore also alsolike recent latest next prev previous explore",
    ),
    ("comment", "comment comments disqus reply replies respond commentlist discussion"),
    ("social", "share sharing social follow twitter facebook linkedin pinterest whatsapp sharebar instagram"),
    ("ad", "ad ads advert advertisement sponsor sponsored promo promotion promoted adsense dfp gpt"),
    ("cookie", "cookie cookies consent gdpr privacy onetrust"),
    ("modal", "popup modal dialog overlay drawer lightbox tooltip toast offcanvas popover flyout minicart"),
    ("newsletter", "newsletter subscribe subscription signup mailing optin"),
    ("search", "search searchbox searchbar autocomplete"),
    ("filter", "filter filters facet facets sort refine sorting refinement facetwp"),
    ("pager", "pagination pager pages paging paginate loadmore"),
    ("meta", "meta byline author published updated posted pubdate info metadata timestamp"),
    ("date", "date time datetime"),
    ("tags", "tag tags category categories label labels topics badge badges chip chips"),
    (
        "content",
        "content contents entry body prose markdown rte rich richtext text copy wysiwyg articlebody maincontent",
    ),
    ("article", "article post story blog blogpost hentry news"),
    ("main", "main primary page"),
    ("title", "title headline heading name subtitle"),
    ("summary", "description desc summary intro lead excerpt dek standfirst teaser deck abstract overview about"),
    ("product", "product pdp sku item goods shop store"),
    ("price", "price prices pricing amount cost money sale discount"),
    (
        "spec",
        "spec specs specification specifications feature features detail details attribute attributes ingredients dimensions property properties accordion benefit benefits",
    ),
    ("review", "review reviews rating ratings testimonial testimonials stars star feedback bazaarvoice yotpo"),
    ("card", "card cards tile tiles teaser thumb thumbnail box"),
    ("list", "list listing grid items results collection feed listitem lists row rows loop archive"),
    ("forum", "forum thread topic message messages answer answers question questions postbody posts qa"),
    ("user", "user username avatar profile signature member userinfo reputation badge karma rank"),
    ("votes", "vote votes score upvote like likes views counter count stats"),
    (
        "hidden",
        "hidden sr visually screen screenreader invisible hide skip skiplink offscreen visuallyhidden assistive",
    ),
    ("button", "button btn cta buttons action actions toolbar tool tools control controls"),
    ("toc", "toc tableofcontents onthispage outline"),
    ("code", "code highlight pre snippet codehilite"),
    ("caption", "caption figure figcaption credit image img media photo gallery"),
    ("tabs", "tab tabs accordion collapse collapsible panel tabpanel panels tablist"),
    ("slider", "slider carousel swiper slick slide slides slideshow hero splide"),
    ("account", "login account cart wishlist basket checkout bag minicart signin register auth user"),
    ("locale", "language lang locale country currency region languages shipping delivery location store locator"),
    ("faq", "faq faqs"),
    ("docs", "docs doc documentation api reference section docstring"),
    ("notice", "alert notice message warning notification announcement disclaimer"),
];

static WORDS: LazyLock<HashMap<&'static str, Categories>> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, Categories> = HashMap::new();
    for (category, (_, list)) in CATEGORIES.iter().enumerate() {
        for word in list.split(' ') {
            *words.entry(word).or_default() |= 1 << category;
        }
    }
    words
});

/// Attribute values are cut at this many bytes.
const MAX_BYTES: usize = 400;

/// Looks up the categories of elements. Results are cached, because a page repeats few attribute values often.
#[derive(Default)]
pub(super) struct ClassLexicon {
    known: HashMap<Box<str>, usize>,
    entries: Vec<LexiconEntry>,
}

/// The categories and the word hashes of one attribute value.
struct LexiconEntry {
    categories: Categories,
    words: Vec<u32>,
}

impl ClassLexicon {
    /// The categories of an element. Appends the hashes of the words in `class` and `id` to `names`.
    pub(super) fn read(&mut self, element: &Element, mut names: Option<&mut Vec<u32>>) -> Categories {
        let mut categories = of_tag(element.tag);
        for attr in &element.attrs {
            let key = &*attr.name.local;
            if !matches!(key, "class" | "id" | "role" | "itemprop" | "data-testid" | "aria-label") {
                continue;
            }
            let at = self.entry(&attr.value);
            categories |= self.entries[at].categories;
            if let Some(names) = names.as_deref_mut().filter(|_| matches!(key, "class" | "id")) {
                names.extend(&self.entries[at].words);
            }
        }
        categories
    }

    fn entry(&mut self, value: &str) -> usize {
        if let Some(&at) = self.known.get(value) {
            return at;
        }
        self.known.insert(value.into(), self.entries.len());
        let mut entry = LexiconEntry { categories: 0, words: Vec::new() };
        let mut lower_case = String::new();
        split_identifier(&value[..value.floor_char_boundary(MAX_BYTES)], |word| {
            lower_case.clear();
            lower_case.extend(word.chars().map(|c| c.to_ascii_lowercase()));
            entry.categories |= WORDS.get(lower_case.as_str()).copied().unwrap_or(0);
            entry.words.push(hash_word(&lower_case));
        });
        self.entries.push(entry);
        self.entries.len() - 1
    }
}

fn category(name: &str) -> Categories {
    CATEGORIES.iter().position(|(category, _)| *category == name).map_or(0, |category| 1 << category)
}

static TAGS: LazyLock<[(Tag, Categories); 11]> = LazyLock::new(|| {
    [
        (Tag::Nav, category("nav")),
        (Tag::Footer, category("footer")),
        (Tag::Header, category("header")),
        (Tag::Aside, category("side")),
        (Tag::Article, category("article")),
        (Tag::Main, category("main")),
        (Tag::Button, category("button")),
        (Tag::Dialog, category("modal")),
        (Tag::Pre, category("code")),
        (Tag::Figure, category("caption")),
        (Tag::Figcaption, category("caption")),
    ]
});

fn of_tag(tag: Tag) -> Categories {
    TAGS.iter().find(|(of, _)| *of == tag).map_or(0, |(_, categories)| *categories)
}
