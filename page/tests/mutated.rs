//! Ten thousand mutated pages from a fixed seed, decoded and read: nothing panics, work and memory stay proportional to
//! the length, and the invariants of every page are true.

use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use opilio_page::{Bm25, ContentFilter, Limits, MarkdownOptions, Options, Page, Pruning, read};
use url::Url;

const SEEDS: [&str; 6] = [
    "<!DOCTYPE html><html lang=en><head><title>A</title><meta property=og:title content=B><base href=/c/></head>
     <body><nav><ul><li><a href=/d title='t'>e</a><li><a href='#f'>g</a></ul></nav><h1>H <em>i</em></h1>
     <p>j <b>k</b><i>l</i> <code>m`n</code><br>o &amp; p &lt;q> r*s_t</p></body></html>",
    "<table><caption>a</caption><thead><tr><th colspan=2>b<th>c</thead><tr><td rowspan=3>d|e<td><ul><li>f</ul><td>g
     <tr><td align=right>h<br>i<td><pre>j</pre></table>",
    "<ol start=7><li><p>a<li><blockquote>b<pre><code class=language-c>c
     ```d</code></pre></blockquote><ol><li><input type=checkbox checked> e</ol></ol><dl><dt>f<dd>g<dd>h</dl>",
    "<a href='//b.co.uk/x?y=1&copy=2'><div><img src=data:x data-src=/i.jpg alt='[j]'><h3>k</h3></div></a>
     <picture><source srcset='l 1x, m 2x'><img src=n></picture><video src=o><source src=p></video>",
    "<p>a<sup>2</sup><sub>b</sub> <q>c</q> <ruby>d<rt>e</ruby> <math><mfrac><mi>f<mi>g</mfrac></math>
     <details><summary>h</summary>i</details><noscript><img src=j></noscript><template>k</template><svg><title>l",
    "<p>\u{201c}a\u{201d}<b>\u{300c}b\u{300d}</b>c <i>d </i>e<s>f</s>\u{a0}\u{ad}g <a href='mailto:a@b.c'>a@b.c</a>
     <a href='javascript:h'>i</a> <a href='http://[bad'>j</a> 1. k<br>- l<br># m <b><i>n</i></b>o **p** `q`",
];

const ENCODINGS: [&Encoding; 9] =
    [UTF_8, WINDOWS_1252, UTF_16LE, UTF_16BE, SHIFT_JIS, GB18030, EUC_KR, BIG5, ISO_2022_JP];

/// A linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }

    fn part(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (one, other) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
        bytes[one.min(other)..one.max(other)].to_vec()
    }

    /// A seed, cut and spliced with other seeds and invalid bytes, sometimes nested deeply.
    fn mutated(&mut self, encoding: &'static Encoding) -> Vec<u8> {
        const FRAGMENTS: [&[u8]; 16] = [
            b"<",
            b">",
            b"\"",
            b"</",
            b"<b>",
            b"</a>",
            b"<table>",
            b"<p",
            b"&#",
            b"<!--",
            b"\0",
            b"\xff",
            b"\xc3",
            b"\xed\xa0",
            b"\x1b$B",
            b"<div style=display:none>",
        ];
        const NESTED: [&[u8]; 6] =
            [b"<div>", b"<b>", b"<ul><li>", b"<table><td>", b"<blockquote><p>", b"<svg><a href=a>"];
        let mut page = encoding.encode(self.one_of(&SEEDS)).0.into_owned();
        for _ in 0..1 + self.below(6) {
            let at = self.below(page.len() + 1);
            let more = match self.below(6) {
                0 => {
                    page.truncate(at);
                    continue;
                }
                1 => self.one_of(&FRAGMENTS).to_vec(),
                2 => {
                    let seed = encoding.encode(self.one_of(&SEEDS)).0;
                    self.part(&seed)
                }
                3 => self.part(&page).repeat(1 + self.below(3)),
                4 => {
                    page.drain(at..(at + self.below(20)).min(page.len()));
                    continue;
                }
                _ if self.below(16) == 0 => self.one_of(&NESTED).repeat(700),
                _ => vec![self.below(256) as u8],
            };
            page.splice(at..at, more);
        }
        page.truncate(20_000);
        page
    }
}

/// Decodes a page as the fetcher does; here in the wrong encoding half of the time.
fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn options(round: usize) -> Options {
    let filters = [
        ContentFilter::default(),
        ContentFilter::Pruning(Pruning { dynamic: true, min_words: 1, ..Pruning::default() }),
        ContentFilter::Bm25(Bm25 { query: "h i".to_owned(), threshold: 0.1, ..Bm25::default() }),
    ];
    let body_width = if round.is_multiple_of(4) { 30 } else { 0 };
    Options {
        markdown: MarkdownOptions { body_width, ..MarkdownOptions::default() },
        content_filter: filters.get(round % 5).cloned(),
        score_links: true,
        ..Options::default()
    }
}

/// Asserts what is true for every page.
fn check(page: &Page, html: &str) {
    for link in page.links.internal.iter().chain(&page.links.external) {
        assert!(link.href.starts_with("http"), "{} in {html}", link.href);
        assert_eq!(page.links.internal.contains(link), link.base_domain == "b.co.uk", "{html}");
    }
    for image in &page.media.images {
        assert!(Url::parse(&image.src).is_ok(), "{} in {html}", image.src);
    }
    for table in &page.tables {
        assert!(table.rows.iter().all(|row| row.len() == table.metadata.column_count), "{html}");
    }
    let markdown = &page.markdown;
    for text in [
        &markdown.raw_markdown,
        &markdown.markdown_with_citations,
        &markdown.references_markdown,
        &markdown.fit_markdown,
        &markdown.fit_html,
        &page.cleaned_html,
    ] {
        assert!(text.len() <= 128 * 1024 + 16 * html.len(), "{} bytes of {html}", text.len());
    }
}

#[test]
fn mutated_pages_never_panic_and_satisfy_invariants() {
    let url = Url::parse("https://a.b.co.uk/c/d").expect("a constant");
    let mut random = Random(7);
    for round in 0..10_000 {
        let (one, other) = (random.one_of(&ENCODINGS), random.one_of(&ENCODINGS));
        let html = decoded(&random.mutated(one), if round % 2 == 0 { one } else { other });
        let options = options(round);
        let limits = Limits { max_work: 20_000 + 40 * html.len() as u64, deadline: None, ..Limits::default() };
        let page = read(&html, &url, &options, &limits).unwrap_or_else(|error| panic!("{error}: {html}"));
        check(&page, &html);
        if round % 8 == 0 {
            let again = read(&html, &url, &options, &limits).expect("readable the first time");
            assert_eq!(page, again, "the same page has the same result: {html}");
            let json = serde_json::to_string(&page).expect("valid JSON");
            assert_eq!(serde_json::from_str::<Page>(&json).expect("the JSON that was written"), page);
        }
    }
}
