//! What the names that authors give to elements say about them: a small lexicon of the words in `class`, `id`, `role`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::names::{hash, parts};
use crate::tree::{Element, Tag};

/// A set of kinds of names, a bit each.
pub(super) type Marks = u64;

/// The kinds, each with the words that stand for it. A word ends as the parts of names do.
pub(super) const KINDS: [(&str, &str); 44] = [
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

static WORDS: LazyLock<HashMap<&'static str, Marks>> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, Marks> = HashMap::new();
    for (kind, (_, list)) in KINDS.iter().enumerate() {
        for word in list.split(' ') {
            *words.entry(word).or_default() |= 1 << kind;
        }
    }
    words
});

/// Longer names are cut.
const LONGEST: usize = 400;

/// What the names of elements say. It remembers names: a page repeats few of them often.
#[derive(Default)]
pub(super) struct Lexicon {
    known: HashMap<Box<str>, usize>,
    said: Vec<Said>,
}

struct Said {
    marks: Marks,
    parts: Vec<u32>,
}

impl Lexicon {
    /// The parts of `class` and `id` are appended to `parts`, by their hashes.
    pub(super) fn read(&mut self, element: &Element, mut parts: Option<&mut Vec<u32>>) -> Marks {
        let mut marks = of_tag(element.tag);
        for attr in &element.attrs {
            let key = &*attr.name.local;
            if !matches!(key, "class" | "id" | "role" | "itemprop" | "data-testid" | "aria-label") {
                continue;
            }
            let at = self.place(&attr.value);
            marks |= self.said[at].marks;
            if let Some(parts) = parts.as_deref_mut().filter(|_| matches!(key, "class" | "id")) {
                parts.extend(&self.said[at].parts);
            }
        }
        marks
    }

    fn place(&mut self, names: &str) -> usize {
        if let Some(&at) = self.known.get(names) {
            return at;
        }
        self.known.insert(names.into(), self.said.len());
        let mut said = Said { marks: 0, parts: Vec::new() };
        let mut word = String::new();
        parts(&names[..names.floor_char_boundary(LONGEST)], |part| {
            word.clear();
            word.extend(part.chars().map(|c| c.to_ascii_lowercase()));
            said.marks |= WORDS.get(word.as_str()).copied().unwrap_or(0);
            said.parts.push(hash(&word));
        });
        self.said.push(said);
        self.said.len() - 1
    }
}

fn kind(name: &str) -> Marks {
    KINDS.iter().position(|(kind, _)| *kind == name).map_or(0, |kind| 1 << kind)
}

static TAGS: LazyLock<[(Tag, Marks); 11]> = LazyLock::new(|| {
    [
        (Tag::Nav, kind("nav")),
        (Tag::Footer, kind("footer")),
        (Tag::Header, kind("header")),
        (Tag::Aside, kind("side")),
        (Tag::Article, kind("article")),
        (Tag::Main, kind("main")),
        (Tag::Button, kind("button")),
        (Tag::Dialog, kind("modal")),
        (Tag::Pre, kind("code")),
        (Tag::Figure, kind("caption")),
        (Tag::Figcaption, kind("caption")),
    ]
});

fn of_tag(tag: Tag) -> Marks {
    TAGS.iter().find(|(of, _)| *of == tag).map_or(0, |(_, marks)| *marks)
}
