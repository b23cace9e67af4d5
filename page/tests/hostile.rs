//! Pages made to hurt: each ends in an orderly page or an error, whatever is in it, on a small stack.

use std::time::Duration;

use opilio_page::{Limits, Options, Page, Unreadable, read};

/// Far above what any of these takes; without the bounds, most would take minutes or for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn read_within(html: String, limits: Limits) -> Result<Page, Unreadable> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = move || {
        let url = url::Url::parse("https://a.example/b/").expect("a constant");
        let _ = sender.send(read(&html, &url, &Options::default(), &limits));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).expect("a thread");
    receiver.recv_timeout(PATIENCE).expect("it ends in time, without a panic")
}

fn page(html: String) -> Page {
    let page = read_within(html, Limits::default()).expect("it is readable");
    check(&page);
    page
}

/// What holds for every page.
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
    serde_json::to_string(page).expect("it is JSON");
}

#[test]
fn a_hundred_thousand_nested_elements_end_well() {
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
        let page = page(format!("<{tag}>").repeat(100_000) + "end");
        let hidden = ["svg", "template", "select", "object", "noscript"].contains(&tag);
        assert!(hidden || page.markdown.raw_markdown.contains("end") || page.truncated.is_some(), "{tag}");
    }
}

#[test]
fn text_below_the_depth_that_is_kept_stays() {
    let html = "<div><p>".repeat(2000) + "deep" + &"</p></div>".repeat(2000) + "<p>after";
    let page = page(html);
    assert_eq!(page.markdown.raw_markdown, "deep\n\nafter\n");
}

#[test]
fn formatting_that_is_never_closed_ends_well() {
    let attributes = |tag: &str| (0..30_000).map(|n| format!("<p><{tag} id={n}>x</p>")).collect::<String>();
    for html in [
        attributes("b"),
        attributes("a href=/x"),
        "<a href=/x><div>".repeat(20_000),
        "<b><p>".repeat(30_000) + &"</b></p>".repeat(30_000),
        (0..20_000).map(|n| format!("<table><b id={n}>x")).collect(),
        "<p><i><b><u><s>".repeat(20_000),
    ] {
        page(html);
    }
}

#[test]
fn floods_of_one_thing_end_well() {
    for html in [
        "<".repeat(500_000),
        "&".repeat(500_000),
        "&amp".repeat(200_000),
        "&#x41;".repeat(300_000),
        "</p>".repeat(300_000),
        "<br>".repeat(300_000),
        "<!--".repeat(500_000),
        "<![CDATA[".repeat(300_000),
        "<plaintext>".repeat(100_000),
        "<title>".repeat(100_000),
        "<body a=1>".repeat(100_000),
        "<hr>".repeat(200_000),
        "`".repeat(500_000),
        "*_".repeat(300_000),
        "<b>*</b>".repeat(100_000),
        "<b>a.</b>b".repeat(100_000),
        "[]()".repeat(300_000),
        "<li>".repeat(200_000),
        "<td>".repeat(200_000),
        "<table><td>".repeat(50_000),
        "<img src=/a.png alt=a>".repeat(60_000),
        "<a href=/x>x</a>".repeat(60_000),
        "<svg><a href=/x>".repeat(60_000),
        "<option>".repeat(200_000),
        "<base href=/x><meta name=og:x content=y>".repeat(50_000),
        "\0".repeat(1_000_000),
        " \n".repeat(1_000_000),
        "<pre>\n".repeat(100_000),
        "<table>x<tr><td>y</td>".repeat(30_000),
    ] {
        page(html);
    }
}

#[test]
fn huge_tags_end_well_or_are_given_up_in_time() {
    let many = |n: usize| (0..n).map(|n| format!(" a{n}=1")).collect::<String>();
    page(format!("<p{}>x", many(10_000)));
    page(format!("<a href=\"{}\">x</a>", "/y".repeat(1_000_000)));
    page(format!("<{}>x", "t".repeat(1_000_000)));
    page(format!("<img srcset=\"{}\">", "/a.png 1w, ".repeat(100_000)));
    page(format!("<p style=\"{}\">x", "a:b;".repeat(300_000)));
    let limits = Limits { deadline: Some(Duration::from_secs(1)), ..Limits::default() };
    let late = read_within(format!("<p{}>x", many(500_000)), limits);
    assert!(late.is_ok() || matches!(late, Err(Unreadable::TooSlow { .. })));
}

#[test]
fn a_link_that_is_reopened_in_every_paragraph_cannot_blow_the_page_up() {
    let html = format!("<p><a href=\"/{}\">", "x".repeat(8000)) + &"<p>y".repeat(20_000);
    let length = html.len();
    let page = page(html);
    assert!(page.markdown.raw_markdown.len() < length * 10 && page.cleaned_html.len() < length * 10);
    assert!(page.truncated.expect("it says so").starts_with("what the page says was cut after"));
}

#[test]
fn a_page_that_is_too_long_is_refused_in_one_sentence() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let error = read_within("x".repeat(1001), limits).expect_err("it is too long");
    assert_eq!(error.to_string(), "the page has 1001 bytes, more than the 1000 that may be read");
}

#[test]
fn fifty_megabytes_end_by_their_limits() {
    let html = "<div class=a><p>Some <b>text</b> and <a href=/x>a link</a>.</p></div>\n".repeat(50 * 1024 * 1024 / 68);
    let limits = Limits { max_bytes: 64 << 20, deadline: Some(Duration::from_secs(5)), ..Limits::default() };
    match read_within(html.clone(), limits) {
        Ok(page) => assert!(page.truncated.is_some()),
        Err(error) => assert_eq!(error.to_string(), "reading the page took longer than 5 s"),
    }
    let error = read_within(html, Limits::default()).expect_err("it is longer than 20 MB");
    assert!(matches!(error, Unreadable::TooLong { .. }));
}

#[test]
fn a_page_with_too_many_nodes_is_cut_and_says_so() {
    let limits = Limits { max_nodes: 1000, ..Limits::default() };
    let page = read_within("<p>x".repeat(10_000), limits).expect("it is readable");
    assert_eq!(page.truncated.as_deref(), Some("the page was cut after 1000 nodes"));
    assert!(page.markdown.raw_markdown.starts_with("x\n\nx\n") && page.markdown.raw_markdown.len() < 4000);
}
