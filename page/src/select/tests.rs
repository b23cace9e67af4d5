//! Pages with a selection applied.

use url::Url;

use crate::{Limits, Options, Page, PatternCompiler, ReadError, Selection, read, read_text};

fn page(html: &str, selection: Selection) -> Page {
    let url = Url::parse("https://www.a.example/b/").unwrap();
    read(html, &url, &Options { selection, ..Options::default() }, &Limits::default()).unwrap()
}

fn markdown(html: &str, selection: Selection) -> String {
    page(html, selection).markdown.raw_markdown.trim().to_owned()
}

fn body(html: &str, selection: Selection) -> String {
    let cleaned = page(html, selection).cleaned_html;
    let start = cleaned.find("<body>").unwrap() + 6;
    cleaned[start..cleaned.len() - "</body></html>".len()].to_owned()
}

fn of_selector(selector: &str) -> Selection {
    Selection { css_selector: Some(selector.to_owned()), ..Selection::default() }
}

const SHOP: &str =
    "<title>T</title><nav><a href=/n>N</a></nav><main><div class='card big' id=one><h2>One</h2><p>first</p>
    <a href=/1>more</a></div><div class=card data-kind='x y'><h2>Two</h2><ul><li>i<li>j<li>k</ul></div></main>";

#[test]
fn css_selectors_match_as_in_browsers() {
    for (selector, found) in [
        ("h2", "One|Two"),
        ("#one > h2", "One"),
        ("div.card:not(.big) h2", "Two"),
        (".card:nth-child(2) li:nth-child(odd)", "i|k"),
        ("[data-kind~=y] li:last-child", "k"),
        ("[data-kind^='x'] h2, #one p", "first|Two"),
        ("div:has(ul) > h2", "Two"),
        ("h2 + ul li:is(:first-child, :nth-of-type(3))", "i|k"),
        ("h2:contains('wo')", "Two"),
        ("p ~ a", "more"),
        ("LI:first-child", "i"),
        ("[DATA-KIND='X Y' i] h2", "Two"),
        ("table", ""),
    ] {
        let text = page(SHOP, of_selector(selector)).markdown.markdown_with_citations;
        let words = |text: &str| {
            let mut words: Vec<String> = text
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| ["One", "Two", "first", "i", "j", "k", "more"].contains(word))
                .map(str::to_owned)
                .collect();
            words.dedup();
            words
        };
        assert_eq!(words(text.split("## References").next().unwrap()), words(found), "{selector}: {text}");
    }
}

#[test]
fn invalid_selectors_are_rejected() {
    for invalid in ["", "div >", "p:unknown", "a[", "::before", "a:has()", "1", &"a ".repeat(2000)] {
        assert!(PatternCompiler::default().check_css_selector(invalid).is_err(), "{invalid}");
    }
    assert_eq!(PatternCompiler::default().check_css_selector("> li"), Ok(()));
}

#[test]
fn css_selector_narrows_everything_but_metadata() {
    let page = page(SHOP, of_selector("#one"));
    assert_eq!(page.metadata["title"], "T");
    assert_eq!(page.links.internal.iter().map(|link| &*link.text).collect::<Vec<_>>(), ["more"]);
    assert!(page.markdown.raw_markdown.contains("first") && !page.markdown.raw_markdown.contains("Two"));
    assert!(!page.cleaned_html.contains("Two"));
}

#[test]
fn target_elements_narrow_markdown_but_not_lists() {
    let targets = Selection { target_elements: vec!["ul".to_owned(), "li, h2".to_owned()], ..Selection::default() };
    let page = page(SHOP, targets);
    assert_eq!(page.links.internal.len(), 2);
    assert!(page.markdown.raw_markdown.contains("One") && !page.markdown.raw_markdown.contains("first"));
    assert_eq!(page.markdown.raw_markdown.matches('j').count(), 1, "a match inside another match is not repeated");
}

#[test]
fn elements_are_removed_by_tag_selector_and_form_option() {
    let html = "<nav>a</nav><p class=ad>b</p><form><p>c</p></form><p>d <b>e</b></p>";
    let out = |tags: &[&str], selector: Option<&str>, remove_forms: bool| Selection {
        excluded_tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        excluded_selector: selector.map(str::to_owned),
        remove_forms,
        ..Selection::default()
    };
    assert_eq!(body(html, out(&["NAV", "b"], None, false)), "<p class=\"ad\">b</p><form><p>c</p></form><p>d </p>");
    assert_eq!(body(html, out(&[], Some(".ad, form > p"), false)), "<nav>a</nav><p>d <b>e</b></p>");
    assert_eq!(body(html, out(&[], None, true)), "<nav>a</nav><p class=\"ad\">b</p><p>d <b>e</b></p>");
}

#[test]
fn only_text_removes_inline_formatting() {
    let only_text = Selection { only_text: true, ..Selection::default() };
    let html = "<h2>a</h2><p>b <b>c</b><code>d</code> <a href=/e>f</a></p>";
    assert_eq!(markdown(html, only_text), "## a\n\nb cd [f](https://www.a.example/e)");
}

#[test]
fn word_count_threshold_removes_short_text_blocks() {
    let three = Selection { word_count_threshold: 3, ..Selection::default() };
    let html = "<h1>one</h1><p>one two</p><p>one two three</p><ul><li>one<li>one two three</ul><pre>one</pre>
        <table><tr><th>one<th>two<tr><td>one<td>two</table><p>一二三</p><p><img src=i.png> one</p>";
    let text = body(html, three);
    for kept in ["<h1>one</h1>", "<p>one two three</p>", "<li>one two three", "<pre>one", "<th>one", "一二三", "i.png"]
    {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(!text.contains("<p>one two</p>") && !text.contains("<li>one<"), "{text}");
}

#[test]
fn requested_attributes_are_kept() {
    let html = "<p data-a='1\"' data-b=2 onclick=x role=note>a</p>";
    let data = Selection { keep_data_attributes: true, ..Selection::default() };
    assert_eq!(body(html, data), "<p data-a=\"1&quot;\" data-b=\"2\">a</p>");
    let named = Selection { keep_attrs: vec!["role".to_owned(), "data-b".to_owned()], ..Selection::default() };
    assert_eq!(body(html, named), "<p data-b=\"2\" role=\"note\">a</p>");
}

#[test]
fn excluded_links_keep_their_text() {
    let html = "<p><a href=/i>in</a> <a href=https://a.example/j>sub</a> <a href=https://b.example>out</a>
        <a href=https://m.facebook.com/p>social</a> <a href=https://notx.com>other</a> <a href=mailto:a@b.c>mail</a></p>";
    let left = |selection: Selection| {
        let page = page(html, selection);
        for text in ["in", "sub", "out", "social", "other", "mail"] {
            assert!(page.markdown.raw_markdown.contains(text));
        }
        let links = page.links.internal.iter().chain(&page.links.external);
        links.map(|link| link.text.clone()).collect::<Vec<_>>()
    };
    let none = Selection::default;
    assert_eq!(left(Selection { exclude_external_links: true, ..none() }), ["in", "sub"]);
    assert_eq!(left(Selection { exclude_internal_links: true, ..none() }), ["out", "social", "other"]);
    assert_eq!(left(Selection { exclude_social_media_links: true, ..none() }), ["in", "sub", "out", "other"]);
    for domain in ["b.example", "https://www.B.example/", ".b.example"] {
        let domains = Selection { exclude_domains: vec![domain.to_owned()], ..none() };
        assert_eq!(left(domains), ["in", "sub", "social", "other"], "{domain}");
    }
    let more = vec!["notx.com".to_owned()];
    let social = Selection { exclude_social_media_links: true, social_media_domains: more, ..none() };
    assert_eq!(left(social), ["in", "sub", "out"]);
}

#[test]
fn images_are_excluded_by_domain_or_entirely() {
    let html = "<p>t <img src=/a.png alt=A> <img src=//cdn.a.example/b.png> <img src=//c.example/c.png></p>";
    let images = |selection: Selection| page(html, selection).media.images.len();
    let none = Selection::default;
    assert_eq!(images(none()), 3);
    assert_eq!(images(Selection { exclude_external_images: true, ..none() }), 2);
    assert_eq!(images(Selection { exclude_domains: vec!["c.example".to_owned()], ..none() }), 2);
    assert_eq!(images(Selection { exclude_all_images: true, ..none() }), 0);
    assert_eq!(markdown(html, Selection { exclude_all_images: true, ..none() }), "t");
}

#[test]
fn scores_filter_links_tables_and_descriptions() {
    let html = "<nav><a href=/>more</a></nav><p><a href=/docs/guide title=t>The whole guide to it</a></p>
        <table><tr><td>a<td>b<tr><td>1<td>2</table><table><caption>C</caption><tr><th>a<th>b<tr><td>1<td>2</table>
        <figure><img src=i.png><figcaption>two words</figcaption></figure>";
    let url = Url::parse("https://www.a.example/b/").unwrap();
    let options = Options {
        score_links: true,
        table_score_threshold: Some(8),
        image_description_min_words: 3,
        ..Options::default()
    };
    let page = read(html, &url, &options, &Limits::default()).unwrap();
    let scores: Vec<_> = page.links.internal.iter().map(|link| link.total_score.unwrap()).collect();
    assert!(scores[0] <= 2.0 && scores[1] == 10.0, "{scores:?}");
    assert_eq!(page.tables.iter().map(|table| &*table.caption).collect::<Vec<_>>(), ["C"]);
    assert_eq!(page.media.images[0].desc, "");
}

#[test]
fn page_without_the_required_element_is_an_error() {
    let url = Url::parse("https://www.a.example/b/").unwrap();
    let options = |selector: &str| Options { required_selector: Some(selector.to_owned()), ..Options::default() };
    let html = |selector| read(SHOP, &url, &options(selector), &Limits::default()).map(|_| ());
    let text = |selector| read_text("a", "text/plain", &options(selector)).map(|_| ());
    let missing = |selector: &str| Err(ReadError::SelectorNotFound { selector: selector.to_owned() });
    assert_eq!((html("div.card > h2"), html("title")), (Ok(()), Ok(())));
    assert_eq!((html("#two"), html("p:contains('Two')")), (missing("#two"), missing("p:contains('Two')")));
    assert_eq!((text("body > pre"), text("p")), (Ok(()), missing("p")));
    assert!(matches!(html("p["), Err(ReadError::InvalidSelector(_))));
}

#[test]
fn required_element_may_be_outside_the_selection() {
    let selection = of_selector("main");
    let options = Options { required_selector: Some("nav".to_owned()), selection, ..Options::default() };
    let page = read(SHOP, &Url::parse("https://a.example/").unwrap(), &options, &Limits::default()).unwrap();
    assert!(!page.markdown.raw_markdown.contains('N'));
}
