//! Generated pages from a fixed seed: the words and lines of code of their fit Markdown are subsequences of those of the
//! raw Markdown, under every filter.

mod subsequence;

use std::fmt::Write as _;

use opilio_page::{Bm25, ContentFilter, Limits, Options, Pruning, read};

/// A linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn one_of<'t>(&mut self, things: &[&'t str]) -> &'t str {
        things[self.below(things.len())]
    }

    fn words(&mut self, most: usize) -> String {
        const WORDS: [&str; 16] = [
            "bridge", "river", "the", "of", "town", "is", "closed", "for", "repairs", "until", "spring", "news,",
            "road.", "42", "and", "Menu",
        ];
        let count = 1 + self.below(most);
        (0..count).map(|_| self.one_of(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    /// Inline content whose elements are sometimes separated by white space.
    fn inline(&mut self) -> String {
        let mut html = String::new();
        for _ in 0..1 + self.below(5) {
            let (tag, words) = (self.one_of(&["span", "b", "a href=/x", "code", "i", "x-y", "button"]), self.words(4));
            let name = tag.split(' ').next().unwrap_or(tag);
            let gap =
                self.one_of(&["", "", " ", "\n", "<span> </span>", "<b>\n</b>", "<br>", ",", "<img src=i.png alt=i>"]);
            let _ = write!(html, "<{tag}>{words}</{name}>{gap}");
        }
        html
    }

    fn code(&mut self) -> String {
        let mut html = String::from("<pre><code>");
        for line in 0..1 + self.below(4) {
            let indent = self.one_of(&["", "    ", "<span>    </span>", "\t"]);
            let (one, other) = (self.words(1), self.words(1));
            let _ = write!(html, "{indent}<span>{one}</span><span> </span><i>{other}</i>{line}<span>\n</span>");
        }
        html + "</code></pre>"
    }

    fn block(&mut self, depth: usize) -> String {
        let long = self.words(60);
        match self.below(if depth > 3 { 4 } else { 12 }) {
            0 | 1 => format!("<p>{long} {}</p>", self.inline()),
            2 => self.code(),
            3 => format!("<div>{}</div>", self.inline()),
            4 => format!("<h{0} class=title>{1}</h{0}>{2}", 1 + self.below(4), self.inline(), self.block(depth + 1)),
            5 => {
                let tag = self.one_of(&["ul", "ol", "ol start=7"]);
                let name = &tag[..2];
                let count = 1 + self.below(4);
                let items: String = (0..count).map(|_| format!("<li>{}", self.item(depth))).collect();
                format!("<{tag}>{items}</{name}>")
            }
            6 => {
                let rows: String = (0..1 + self.below(4)).map(|_| self.row()).collect();
                format!("<table><tr><th>{}<th>{}</tr>{rows}</table>", self.words(2), self.inline())
            }
            7 => format!("<dl><dt>{}<dd>{}<dd>{long}<dt>b<dd>{}</dl>", self.words(2), self.inline(), self.words(9)),
            8 => format!("text {}<div class=ad>{}</div>more{}", self.words(9), self.block(depth + 1), self.inline()),
            9 => format!("<div style='display:none'>{long} {}</div>", self.block(depth + 1)),
            10 => format!("<blockquote>{}</blockquote>{}", self.block(depth + 1), self.block(depth + 1)),
            _ => {
                let class = self.one_of(&["nav", "post", "sidebar", "content", "comments"]);
                format!("<div class={class}>{}{}</div>", self.block(depth + 1), self.block(depth + 1))
            }
        }
    }

    fn item(&mut self, depth: usize) -> String {
        if self.below(2) == 0 { self.inline() } else { self.words(20) + &self.block(depth + 1) }
    }

    fn row(&mut self) -> String {
        let span = self.one_of(&["", "", " rowspan=2", " colspan=2"]);
        format!("<tr><td{span}>{}<td>{}</tr>", self.words(12), self.inline())
    }
}

#[test]
fn fit_words_and_code_lines_follow_in_raw() {
    let url = url::Url::parse("https://a.example/news/bridge").expect("a constant");
    let mut random = Random(11);
    let mut kept = [0; 4];
    for round in 0..300 {
        let blocks: String = (0..2 + random.below(8)).map(|_| random.block(0)).collect();
        let html = format!("<title>{}</title><main><h1>{}</h1>{blocks}</main>", random.words(6), random.words(6));
        let filters = [
            ContentFilter::default(),
            ContentFilter::Pruning(Pruning::default()),
            ContentFilter::Pruning(Pruning { dynamic: true, min_words: 5, threshold: 0.6 }),
            ContentFilter::Bm25(Bm25 { query: "bridge repairs".to_owned(), threshold: 0.3, ..Bm25::default() }),
        ];
        for (filter, kept) in filters.into_iter().zip(&mut kept) {
            let options = Options { content_filter: Some(filter.clone()), ..Options::default() };
            let markdown = read(&html, &url, &options, &Limits::default()).expect("within the limits").markdown;
            let contradiction = subsequence::contradiction(&markdown.raw_markdown, &markdown.fit_markdown);
            assert_eq!(
                contradiction, None,
                "{round} {filter:?}\n{html}\n--- raw\n{}\n--- fit\n{}",
                markdown.raw_markdown, markdown.fit_markdown
            );
            *kept += usize::from(!markdown.fit_markdown.is_empty());
        }
    }
    assert!(kept.iter().all(|&kept| kept > 150), "pages with main content, by filter: {kept:?}");
}
