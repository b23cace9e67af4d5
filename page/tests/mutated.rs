//! Thousands of broken pages, the same ones every time: nothing panics, and what always holds, holds.

use opilio_page::{Bm25, ContentFilter, Limits, Options, Pruning, read};

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

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn place(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.roll(text.len() + 1))
    }

    fn part<'a>(&mut self, text: &'a str) -> &'a str {
        let (one, other) = (self.place(text), self.place(text));
        &text[one.min(other)..one.max(other)]
    }

    fn mutate(&mut self, page: &mut String) {
        const BITS: [&str; 12] =
            ["<", ">", "\"", "</", "<b>", "</a>", "<table>", "<p", "&#", "<!--", "\u{0}", "<div style=display:none>"];
        let at = self.place(page);
        match self.roll(5) {
            0 => page.truncate(at),
            1 => page.insert_str(at, BITS[self.roll(BITS.len())]),
            2 => {
                let seed = SEEDS[self.roll(SEEDS.len())];
                let part = self.part(seed).to_owned();
                page.insert_str(at, &part);
            }
            3 => {
                let part = self.part(page).to_owned();
                page.insert_str(at, &part.repeat(1 + self.roll(3)));
            }
            _ => {
                let end = page.floor_char_boundary(at + self.roll(20));
                page.replace_range(at..end.max(at), "");
            }
        }
        page.truncate(page.floor_char_boundary(20_000));
    }
}

#[test]
fn broken_pages_never_panic_and_keep_their_promises() {
    let url = url::Url::parse("https://a.b.co.uk/c/d").expect("a constant");
    let wrapping = Options {
        markdown: opilio_page::MarkdownOptions { body_width: 30, ..Default::default() },
        ..Options::default()
    };
    let filters = [
        ContentFilter::Main,
        ContentFilter::Pruning(Pruning { dynamic: true, min_words: 1, ..Pruning::default() }),
        ContentFilter::Bm25(Bm25 { query: "h i".to_owned(), threshold: 0.1, ..Bm25::default() }),
    ];
    let mut dice = Dice(42);
    for round in 0..4000 {
        let mut html = SEEDS[dice.roll(SEEDS.len())].to_owned();
        for _ in 0..1 + dice.roll(6) {
            dice.mutate(&mut html);
        }
        let options = if round % 4 == 0 { wrapping.clone() } else { Options::default() };
        let options = Options { content_filter: filters.get(round % 5).cloned(), ..options };
        let page = read(&html, &url, &options, &Limits::default()).expect("it is short");
        for link in page.links.internal.iter().chain(&page.links.external) {
            assert!(link.href.starts_with("http"), "{} in {html}", link.href);
            assert_eq!(page.links.internal.contains(link), link.base_domain == "b.co.uk", "{html}");
        }
        for image in &page.media.images {
            assert!(url::Url::parse(&image.src).is_ok(), "{} in {html}", image.src);
        }
        for table in &page.tables {
            assert!(table.rows.iter().all(|row| row.len() == table.metadata.column_count), "{html}");
        }
        let again = read(&html, &url, &options, &Limits::default()).expect("it is short");
        assert_eq!(page, again, "the same page says the same: {html}");
        let json = serde_json::to_string(&page).expect("it is JSON");
        assert_eq!(serde_json::from_str::<opilio_page::Page>(&json).expect("as we wrote it"), page);
    }
}
