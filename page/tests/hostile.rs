//! Pages designed to exhaust resources: each yields a result or an error, on a small stack and with work proportional
//! to its length.

use std::time::Duration;

use opilio_page::{Limits, Options, Page, ReadError, read};

/// Far more than any of these pages takes; without the limits some would take minutes or never end.
const TIMEOUT: Duration = Duration::from_secs(60);

fn read_within(html: String, limits: Limits) -> Result<Page, ReadError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = move || {
        let url = url::Url::parse("https://a.example/b/").expect("a constant");
        let _ = sender.send(read(&html, &url, &Options::default(), &limits));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).expect("a thread");
    receiver.recv_timeout(TIMEOUT).expect("reading ends in time and without a panic")
}

/// A work limit proportional to the length, which quadratic work exceeds by far.
fn linear_work(html: &str) -> Limits {
    Limits { max_work: 10_000 + 24 * html.len() as u64, deadline: None, ..Limits::default() }
}

fn page(html: String) -> Page {
    let (limits, start) = (linear_work(&html), html[..html.floor_char_boundary(40)].to_owned());
    let page = read_within(html, limits).unwrap_or_else(|error| panic!("{start}: {error}"));
    check(&page);
    page
}

/// Asserts what is true for every page.
fn check(page: &Page) {
    for link in page.links.internal.iter().chain(&page.links.external) {
        assert!(link.href.starts_with("http://") || link.href.starts_with("https://"), "{}", link.href);
        assert!(!link.href.contains('#') && !link.base_domain.is_empty());
    }
    for item in page.media.images.iter().chain(&page.media.videos).chain(&page.media.audios) {
        assert!(url::Url::parse(&item.src).is_ok(), "{}", item.src);
        assert!(item.desc.len() <= 300);
    }
    for table in &page.tables {
        assert_eq!(table.metadata.row_count, table.rows.len());
        assert!(table.rows.iter().all(|row| row.len() == table.metadata.column_count));
    }
    for key in ["title", "description", "keywords", "author"] {
        assert!(page.metadata.contains_key(key));
    }
    serde_json::to_string(page).expect("valid JSON");
}

#[test]
fn deeply_nested_elements_are_read() {
    for tag in [
        "div",
        "b",
        "a",
        "span",
        "font",
        "blockquote",
        "ul><li",
        "table",
        "table><tr><td",
        "p><b",
        "select",
        "button",
        "svg",
        "math",
        "template",
        "form",
        "h1",
        "dl><dt",
        "ruby><rt",
        "details><summary",
        "x-y",
        "object",
        "code",
        "pre",
        "noscript",
        "i><p",
        "nobr",
    ] {
        let page = page(format!("<{tag}>").repeat(20_000) + "end");
        let hidden = ["svg", "template", "select", "object", "noscript"].contains(&tag);
        assert!(hidden || page.markdown.raw_markdown.contains("end") || page.truncated.is_some(), "{tag}");
    }
}

#[test]
fn text_below_the_depth_limit_is_kept() {
    let html = "<div><p>".repeat(2000) + "deep" + &"</p></div>".repeat(2000) + "<p>after";
    let page = page(html);
    assert_eq!(page.markdown.raw_markdown, "deep\n\nafter\n");
}

#[test]
fn unclosed_formatting_is_read() {
    let attributes = |tag: &str| (0..5_000).map(|n| format!("<p><{tag} id={n}>x</p>")).collect::<String>();
    for html in [
        attributes("b"),
        attributes("a href=/x"),
        "<a href=/x><div>".repeat(5_000),
        "<b><p>".repeat(5_000) + &"</b></p>".repeat(5_000),
        (0..5_000).map(|n| format!("<table><b id={n}>x")).collect(),
        "<p><i><b><u><s>".repeat(5_000),
    ] {
        let limits = Limits { max_nodes: 100_000, ..Limits::default() };
        check(&read_within(html, limits).expect("within the limits"));
    }
}

#[test]
fn long_repetitions_are_read() {
    for html in [
        "<".repeat(100_000),
        "&".repeat(100_000),
        "&amp".repeat(40_000),
        "&#x41;".repeat(60_000),
        "</p>".repeat(60_000),
        "<br>".repeat(60_000),
        "<!--".repeat(100_000),
        "<![CDATA[".repeat(60_000),
        "<plaintext>".repeat(20_000),
        "<title>".repeat(20_000),
        "<body a=1>".repeat(20_000),
        "<hr>".repeat(40_000),
        "`".repeat(100_000),
        "*_".repeat(60_000),
        "<b>*</b>".repeat(20_000),
        "<b>a.</b>b".repeat(20_000),
        "[]()".repeat(60_000),
        "<li>".repeat(40_000),
        "<td>".repeat(40_000),
        "<table><td>".repeat(10_000),
        "<img src=/a.png alt=a>".repeat(12_000),
        "<a href=/x>x</a>".repeat(12_000),
        "<svg><a href=/x>".repeat(12_000),
        "<option>".repeat(40_000),
        "<base href=/x><meta name=og:x content=y>".repeat(10_000),
        "\0".repeat(200_000),
        " \n".repeat(200_000),
        "<pre>\n".repeat(20_000),
        format!("<p>{}<b class='{}'>{}", "word ".repeat(80), "x".repeat(50_000), "<img src=a alt=b>".repeat(5_000)),
        format!("<div>{}{}", " ".repeat(100_000), "<div><img src=a alt=b></div>".repeat(2_000)),
        format!("<div>{}{}", "x".repeat(100_000), "<div><img src=a alt=b></div>".repeat(2_000)),
        format!("<base href='/{}'>{}", "x".repeat(50_000), "<a href=y>x</a>".repeat(5_000)),
        "<ruby>".to_owned() + &"<rt>x</rt>".repeat(10_000),
        "<table>x<tr><td>y</td>".repeat(6_000),
    ] {
        page(html);
    }
}

#[test]
fn huge_tags_are_read_or_exceed_the_work_limit() {
    let many = |n: usize| (0..n).map(|n| format!(" a{n}=1")).collect::<String>();
    let read_with_defaults = |html: String| read_within(html, Limits::default()).expect("within the limits");
    read_with_defaults(format!("<p{}>x", many(10_000)));
    read_with_defaults(format!("<a href=\"{}\">x</a>", "/y".repeat(100_000)));
    read_with_defaults(format!("<img srcset=\"{}\">", "/a.png 1w, ".repeat(10_000)));
    page(format!("<{}>x", "t".repeat(200_000)));
    page(format!("<p style=\"{}\">x", "a:b;".repeat(100_000)));
    let endless = read_within(
        format!("<p{}>x", many(500_000)),
        Limits { max_work: 10_000_000, deadline: None, ..Limits::default() },
    );
    assert!(matches!(endless, Err(ReadError::WorkLimit { .. })));
}

#[test]
fn link_reopened_in_every_paragraph_is_truncated() {
    let html = format!("<p><a href=\"/{}\">", "x".repeat(8000)) + &"<p>y".repeat(4_000);
    let length = html.len();
    let page = page(html);
    assert!(page.markdown.raw_markdown.len().max(page.cleaned_html.len()) < length * 10 + 100_000);
    assert!(page.truncated.expect("a truncation message").starts_with("output truncated after"));
}

#[test]
fn links_with_a_long_base_url_are_truncated() {
    let links: String = (0..2_000).map(|n| format!("<a href={n}>x</a><img src={n} alt=x>")).collect();
    let html = format!("<base href='/{}/'>{links}", "x".repeat(8000));
    let length = html.len();
    let page = read_within(html, Limits { deadline: None, ..Limits::default() }).expect("within the limits");
    let links = page.links.internal.iter().map(|link| link.href.len()).sum::<usize>();
    let images = page.media.images.iter().map(|image| image.src.len()).sum::<usize>();
    assert!(links + images <= length * 8 + 64 * 1024, "{links} {images}");
    assert!(page.truncated.expect("a truncation message").starts_with("output truncated after"));
}

#[test]
fn attributes_reopened_in_every_paragraph_truncate_the_page() {
    let attributes: String = (0..200).map(|n| format!(" a{n}")).collect();
    let html = format!("<p><b{attributes}>x{}", "<p>x".repeat(20_000));
    let limits = Limits { max_nodes: 50_000, ..linear_work(&html) };
    let page = read_within(html, limits).expect("a truncated page");
    assert_eq!(page.truncated.as_deref(), Some("page truncated after 50000 nodes"));
    assert!(page.cleaned_html.matches("<p>").count() < 2_000);
}

#[test]
fn page_beyond_the_byte_limit_is_rejected() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let error = read_within("x".repeat(1001), limits).expect_err("too large");
    assert_eq!(error.to_string(), "page has 1001 bytes; the limit is 1000");
}

#[test]
fn fifty_megabytes_are_limited() {
    let html = "<div class=a><p>Some <b>text</b> and <a href=/x>a link</a>.</p></div>\n".repeat(50 * 1024 * 1024 / 68);
    let limits = Limits { max_bytes: 64 << 20, max_nodes: 100_000, deadline: None, ..Limits::default() };
    let page = read_within(html.clone(), limits.clone()).expect("a truncated page");
    assert_eq!(page.truncated.as_deref(), Some("page truncated after 100000 nodes"));
    let error = read_within(html.clone(), Limits { max_work: 1_000_000, ..limits }).expect_err("too much work");
    assert_eq!(error.to_string(), "page exceeds the work limit of 1000000 steps");
    let error = read_within(html, Limits::default()).expect_err("larger than 20 MB");
    assert!(matches!(error, ReadError::TooLarge { .. }));
}

#[test]
fn page_with_too_many_nodes_is_truncated() {
    let limits = Limits { max_nodes: 1000, ..Limits::default() };
    let page = read_within("<p>x".repeat(10_000), limits).expect("within the limits");
    assert_eq!(page.truncated.as_deref(), Some("page truncated after 1000 nodes"));
    assert!(page.markdown.raw_markdown.starts_with("x\n\nx\n") && page.markdown.raw_markdown.len() < 4000);
}

/// All texts of a page, in bytes.
fn produced(page: &Page) -> usize {
    serde_json::to_string(page).expect("valid JSON").len()
}

#[test]
fn all_outputs_of_a_page_are_limited_together() {
    let base = format!("<base href='https://a.example/{}/'>", "b".repeat(7_900));
    let dense = |part: &str, count: usize| base.clone() + &part.repeat(count);
    let numbered: String = (0..5_000).map(|n| format!("<a href={n}>x</a>")).collect();
    for html in [
        dense("<a href=x>y</a>", 10_000),
        dense("<img src=x.png alt=y>", 3_000),
        dense("<p><a href=x>y</a>", 3_000),
        dense("<h1><a href=x>y</a></h1>", 3_000),
        dense("<td><a href=x>y</a>", 3_000),
        dense("<a href=x title=t><img src=x></a>", 3_000),
        base.clone() + "<p>" + &numbered,
        "<blockquote>".repeat(40) + &"a<br>".repeat(20_000),
        "&amp;\"".repeat(50_000),
        "\u{1}".repeat(1_000_000),
    ] {
        let (start, limit) = (html[..20].to_owned(), 16 * html.len() + (1 << 20));
        let options = Options { content_filter: Some(opilio_page::ContentFilter::default()), ..Options::default() };
        let limits = Limits { deadline: None, ..Limits::default() };
        let url = url::Url::parse("https://a.example/b/").expect("a constant");
        match read(&html, &url, &options, &limits) {
            Ok(page) => assert!(produced(&page) < 6 * limit, "{start}: {} of {limit}", produced(&page)),
            Err(error) => assert!(matches!(error, ReadError::WorkLimit { .. }), "{start}: {error}"),
        }
    }
}

#[test]
fn large_defaults_of_fields_are_limited() {
    let fields =
        serde_json::json!([{"name": "f", "selector": "b", "type": "text", "default": vec!["x".repeat(100); 100]}]);
    let schema = serde_json::json!({"baseSelector": "p", "fields": fields});
    let extraction = opilio_page::Extraction::Fields { language: opilio_page::SelectorLanguage::Css, schema };
    let options = Options { extraction: Some(extraction), ..Options::default() };
    let url = url::Url::parse("https://a.example/b/").expect("a constant");
    let html = "<p>".repeat(20_000);
    let page = read(&html, &url, &options, &Limits { deadline: None, ..Limits::default() }).expect("it is limited");
    assert!(page.truncated.is_some_and(|reason| reason.starts_with("output truncated")));
    assert!(page.extracted_content.is_some_and(|json| json.len() < 16 * html.len() + (1 << 20)));
}
