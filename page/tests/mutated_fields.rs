//! A thousand mutated pages from a fixed seed, with selections and extractions: nothing panics, and the invariants of
//! every result are true.

use opilio_page::{
    BUILTIN_PATTERNS, Extraction, InputFormat, Limits, Options, ReadError, Selection, SelectorLanguage, read,
};
use serde_json::{Value, json};

const SEEDS: [&str; 4] = [
    "<body class=a><div class=item id=x><h2>One <b>1</b></h2><p data-a=1>two three</p><a href=/y>z</a></div><div class=item>
     <ul><li>i<li>j</ul></div><form><input><p>k</form><table><tr><th>l<th>m<tr><td>2026-01-02<td>$3.50</table></body>",
    "<div itemscope itemtype=T><span itemprop='a b'>c</span><div itemprop=d itemscope><time itemprop=e datetime=f>g</time>
     </div></div><script type=application/ld+json>{\"@type\": [\"A\", {\"b\": 1}]}</script><meta property=og:image content=h>
     <meta property=og:image:width content=2>",
    "<svg><a href=x>y</a><title>t</title></svg><template><div class=item><h2>a</template><select><option>b</select>
     <p>a@b.example https://c.example/d?e=f +41 44 668 18 00</p><img src=//e.example/f.png><picture><img src=g></picture>",
    "<table class=item><td><h2>a</table><frameset><frame></frameset><p><math><mi>x</mi></math><h2><h2><div><p><div class=item>",
];

/// A linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn position(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.below(text.len() + 1))
    }

    fn mutated(&mut self) -> String {
        let mut page = SEEDS[self.below(SEEDS.len())].to_owned();
        for _ in 0..1 + self.below(6) {
            let (one, other) = (self.position(&page), self.position(&page));
            let (start, end) = (one.min(other), one.max(other));
            match self.below(5) {
                0 => page.truncate(end),
                1 => {
                    page.insert_str(start, ["<", "\"", "</div>", "<table>", "&#0;", "<div class=item>"][self.below(6)])
                }
                2 => page.insert_str(start, SEEDS[self.below(SEEDS.len())]),
                3 => page.insert_str(end, &page[start..end].repeat(1 + self.below(3))),
                _ => page.replace_range(start..page.floor_char_boundary(end.min(start + 20)).max(start), ""),
            }
            page.truncate(page.floor_char_boundary(2_000));
        }
        page
    }

    fn selection(&mut self) -> Selection {
        let mut on = || self.below(3) == 0;
        Selection {
            css_selector: on().then(|| "div:has(> h2), p ~ *, :nth-child(2n of .item)".to_owned()),
            target_elements: if on() { vec!["h2".to_owned(), ".item *".to_owned()] } else { Vec::new() },
            excluded_tags: if on() { vec!["b".to_owned(), "form".to_owned()] } else { Vec::new() },
            excluded_selector: on().then(|| "[data-a], li:last-child".to_owned()),
            only_text: on(),
            remove_forms: on(),
            word_count_threshold: if on() { 2 } else { 0 },
            keep_data_attributes: on(),
            keep_attrs: if on() { vec!["itemprop".to_owned()] } else { Vec::new() },
            exclude_external_links: on(),
            exclude_internal_links: on(),
            exclude_domains: if on() { vec!["e.example".to_owned()] } else { Vec::new() },
            exclude_social_media_links: on(),
            social_media_domains: Vec::new(),
            exclude_external_images: on(),
            exclude_all_images: on(),
        }
    }

    fn extraction(&mut self) -> Option<Extraction> {
        let fields = |selector: &str, all: &str, sibling: &str| {
            json!([
                {"name": "t", "selector": selector, "type": "text"}, {"name": "h", "selector": selector, "type": "html"},
                {"name": "r", "type": "regex", "pattern": "(\\w)(\\w)?", "group": 2},
                {"name": "s", "source": sibling, "type": ["attribute", "regex"], "attribute": "class", "pattern": "i"},
                {"name": "l", "selector": all, "type": "nested_list", "fields": [{"name": "u", "type": "text"},
                    {"name": "v", "selector": all, "type": "list", "fields": [{"name": "w", "type": "html"}]}]},
            ])
        };
        let all = |base: &str, fields: Value| json!({"baseSelector": base, "fields": fields});
        Some(match self.below(4) {
            0 => return None,
            1 => {
                let schema = all(".item, :is(div, p):not(:empty)", fields("h2, :scope > *", "* > *", "+ *"));
                Extraction::Fields { language: SelectorLanguage::Css, schema }
            }
            2 => {
                let base =
                    "//*[contains(@class, 'item')] | //h2/following::*[position() < 3] | //p/preceding::node()[last()]";
                let path = "(.//*[not(self::b)]/text() | ancestor::*[1]/@*)[last()]";
                Extraction::Fields {
                    language: SelectorLanguage::XPath,
                    schema: all(base, fields(path, ".//*[../*[2]]", "+ div")),
                }
            }
            _ => {
                // Only one pattern: compiling all of them for each page would dominate the test's time.
                let (label, pattern) = BUILTIN_PATTERNS[self.below(BUILTIN_PATTERNS.len())];
                let patterns = vec![(label.to_owned(), pattern.to_owned())];
                let input = [InputFormat::Html, InputFormat::CleanedHtml, InputFormat::Markdown, InputFormat::Text];
                Extraction::Patterns { patterns, input: input[self.below(4)] }
            }
        })
    }
}

#[test]
fn mutated_pages_never_panic_with_any_options() {
    let url = url::Url::parse("https://a.example/c/d").expect("a constant");
    let mut random = Random(7);
    for _ in 0..1000 {
        let (html, selection, extraction) = (random.mutated(), random.selection(), random.extraction());
        let has_extraction = extraction.is_some();
        let options = Options { selection, extraction, score_links: true, ..Options::default() };
        let limits = Limits { max_work: 2_000_000, deadline: None, ..Limits::default() };
        let page = read(&html, &url, &options, &limits).unwrap_or_else(|error| panic!("{error}: {html}"));
        assert_eq!(page.extracted_content.is_some(), has_extraction);
        if let Some(fields) = &page.extracted_content {
            assert!(serde_json::from_str::<Value>(fields).expect("JSON").is_array(), "{html}");
        }
        let links = &page.links;
        assert!(!options.selection.exclude_external_links || links.external.is_empty(), "{html}");
        assert!(!options.selection.exclude_internal_links || links.internal.is_empty(), "{html}");
        assert!(!options.selection.exclude_all_images || page.media.images.is_empty(), "{html}");
        if options.selection.remove_forms && options.selection.target_elements.is_empty() {
            assert!(!["<form>", "<form "].iter().any(|form| page.cleaned_html.contains(form)), "{html}");
        }
        let text = serde_json::to_string(&page).expect("JSON");
        // The JSON does not contain these.
        let page = opilio_page::Page { refresh: None, app_shell: None, ..page };
        assert_eq!(serde_json::from_str::<opilio_page::Page>(&text).expect("the JSON that was written"), page);
    }
}

#[test]
fn costly_selectors_exceed_the_work_limit() {
    let html = "<div class=a><p>b</p>".repeat(20_000);
    let url = url::Url::parse("https://a.example/").expect("a constant");
    let limits = Limits { max_work: 1_000_000, deadline: None, ..Limits::default() };
    let css = |selector: &str| Options {
        selection: Selection { css_selector: Some(selector.to_owned()), ..Default::default() },
        ..Options::default()
    };
    let xpath = |base: &str| {
        let schema = json!({"baseSelector": base, "fields": []});
        Options {
            extraction: Some(Extraction::Fields { language: SelectorLanguage::XPath, schema }),
            ..Options::default()
        }
    };
    for options in [
        css("div:has(~ p ~ p) :has(.b) ~ * ~ *:nth-last-child(3)"),
        css("p:contains('c')"),
        xpath("//*[count(//*[preceding::*]) > 1]"),
        xpath("//*[. = //node()/descendant::node()]"),
        xpath("//p[translate(//div, //div, //div) = 'x']"),
    ] {
        let read = read(&html, &url, &options, &limits);
        assert!(matches!(read, Err(ReadError::WorkLimit { .. })), "{options:?}");
    }
}
