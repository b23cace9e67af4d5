use std::time::Duration;

use url::Url;

use crate::{Bm25, ContentFilter, Limits, Options, Page, Pruning, ReadError, read};

const STORY: &str = "The old bridge over the river was closed on Monday, after engineers had found cracks in two of its \
    seven arches. The town expects that repairs will take until spring, and asks drivers to use the northern road.";
const MORE: &str = "Traders in the market fear for their business. \"Half of my customers come over that bridge,\" says \
    the baker, whose shop has stood beside it for forty years, and she wonders who will pay for the months ahead.";

fn article() -> String {
    let menu: String = ["News", "Sport", "Weather", "Jobs", "Contact us"]
        .iter()
        .map(|name| format!("<li class=menu-item><a href=/{name}>{name}</a></li>"))
        .collect();
    format!(
        "<title>Bridge closed after cracks are found</title><body><header class=site-header><nav class=main-nav><ul>{menu}</ul>\
         </nav></header><main><article class=post><h1>Bridge closed after cracks are found</h1><p>{STORY}</p>\
         <img src=/bridge.jpg alt='The bridge'><p>{MORE}</p><div hidden><p>{STORY}</p></div></article></main>\
         <aside class=sidebar><h3>Related posts</h3><ul class=related><li><a href=/a>Ten walks by the river</a></li>\
         <li><a href=/b>Market opens on Sundays</a></li></ul></aside><footer class=site-footer><p>© 2025 The Daily Example. \
         All rights reserved.</p><ul>{menu}</ul></footer></body>"
    )
}

fn read_with(html: &str, filter: ContentFilter) -> Page {
    let options = Options { content_filter: Some(filter), ..Options::default() };
    let url = Url::parse("https://daily.example/news/bridge-closed").expect("a constant");
    read(html, &url, &options, &Limits::default()).expect("within the limits")
}

#[test]
fn article_is_kept_without_its_surroundings() {
    for filter in [ContentFilter::default(), ContentFilter::Pruning(Pruning::default())] {
        let page = read_with(&article(), filter.clone());
        let fit = &page.markdown.fit_markdown;
        assert!(fit.contains("seven arches") && fit.contains("forty years"), "{filter:?}: {fit}");
        for around in ["Weather", "rights reserved", "Ten walks"] {
            assert!(!fit.contains(around), "{filter:?}: {fit}");
            assert!(page.markdown.raw_markdown.contains(around));
        }
        assert!(page.markdown.fit_html.contains("<p>Traders in the market"), "{}", page.markdown.fit_html);
        assert_eq!(page.fit_html.as_ref(), Some(&page.markdown.fit_html));
    }
}

#[test]
fn repeated_text_is_kept_once_except_in_cells() {
    let cell = "<td>Five words in each cell</td>";
    let html = format!(
        "<main><article><h1>Bridge closed</h1><p>{STORY}</p><p>{MORE}</p><div class=mobile><p>{MORE}</p></div>
         <table><tr><th>North side</th><th>South side</th></tr><tr>{cell}{cell}</tr></table></article></main>"
    );
    let fit = read_with(&html, ContentFilter::default()).markdown.fit_markdown;
    assert_eq!((fit.matches("forty years").count(), fit.matches("Five words").count()), (1, 2), "{fit}");
}

#[test]
fn bm25_query_matches_stemmed_words() {
    let fit_for = |query: &str| {
        let bm25 = Bm25 { query: query.to_owned(), ..Bm25::default() };
        read_with(&article(), ContentFilter::Bm25(bm25)).markdown.fit_markdown
    };
    let fit = fit_for("baker's customer");
    assert!(fit.contains("forty years") && !fit.contains("northern road"), "{fit}");
    assert_eq!(fit_for("submarine"), "");
    assert!(fit_for("").contains("cracks"), "without a query the page's own title is used");
    let whole = Bm25 { query: "customer".to_owned(), stemming: None, ..Bm25::default() };
    assert_eq!(read_with(&article(), ContentFilter::Bm25(whole)).markdown.fit_markdown, "");
}

#[test]
fn fit_outputs_are_empty_without_a_filter() {
    let url = Url::parse("https://daily.example/").expect("a constant");
    let page = read(&article(), &url, &Options::default(), &Limits::default()).expect("within the limits");
    assert_eq!((page.markdown.fit_markdown.as_str(), page.fit_html), ("", None));
}

#[test]
fn table_cells_keep_their_columns() {
    let rows: String =
        (0..6).map(|n| format!("<tr><td>Span {n}</td><td></td><td>{n}0 m wide and well kept</td></tr>")).collect();
    let html =
        format!("<main><article><h1>Spans</h1><p>{STORY}</p><p>{MORE}</p><table>{rows}</table></article></main>");
    let fit = read_with(&html, ContentFilter::default()).markdown.fit_markdown;
    assert!(fit.lines().filter(|line| line.matches('|').count() == 4).count() >= 6, "{fit}");
}

/// Every filter, with parameters that keep the story.
fn filters() -> [ContentFilter; 3] {
    let bm25 = Bm25 { query: "bridge traders market".to_owned(), threshold: 0.1, ..Bm25::default() };
    [ContentFilter::default(), ContentFilter::Pruning(Pruning::default()), ContentFilter::Bm25(bm25)]
}

#[test]
fn white_space_between_kept_words_remains() {
    let code = "<pre><code><span>if</span><span> </span><i>a</i>:<span>\n</span><span>    </span>market</code></pre>";
    let html = format!(
        "<article><p>{STORY}</p><p>The bridge has <span>Alpha</span><span> </span><b>Beta</b><i> </i><code><span>let\
         </span><span> </span><span>x</span></code> beside the market.</p>{code}<p>{MORE}</p></article>"
    );
    for filter in filters() {
        let fit = read_with(&html, filter.clone()).markdown.fit_markdown;
        assert!(fit.contains("Alpha **Beta** `let x` beside"), "{filter:?}: {fit}");
        assert!(fit.contains("if a:\n    market\n"), "{filter:?}: {fit}");
    }
}

#[test]
fn words_around_a_removed_block_stay_apart() {
    let html = format!(
        "<article><p>{STORY}</p><div>{MORE} the end<nav class=menu><a href=/a>Jobs</a></nav>starts {MORE}</div></article>"
    );
    for filter in [ContentFilter::default(), ContentFilter::Pruning(Pruning::default())] {
        let fit = read_with(&html, filter.clone()).markdown.fit_markdown;
        assert!(!fit.contains("Jobs") && !fit.contains("endstarts"), "{filter:?}: {fit}");
    }
}

#[test]
fn title_heading_is_kept_at_its_place() {
    let logo = "<header><h1><a href=/>The Daily Example</a></h1><nav><a href=/a>Sport</a></nav></header>";
    for (title, heading) in [
        ("Bridge closed", "<h1>Bridge closed</h1>"),
        ("Bridge closed | The Daily Example", "<h2>Bridge closed</h2>"),
        ("The Daily Example - Bridge closed", "<div class=top-banner><h1>Bridge closed</h1></div>"),
        ("The Daily Example", "<header><h3>News</h3><h1 class=logo>Bridge closed</h1></header>"),
    ] {
        let html = format!("<title>{title}</title>{logo}{heading}<p>{STORY}</p><h2>Trade</h2><p>{MORE}</p>");
        for filter in filters() {
            let fit = read_with(&html, filter.clone()).markdown.fit_markdown;
            let place = fit.find("# Bridge closed").expect("the title");
            assert!(place < fit.find("forty years").expect("the text"), "{filter:?}: {fit}");
        }
    }
    let none = Bm25 { query: "submarine".to_owned(), ..Bm25::default() };
    assert_eq!(read_with(&article(), ContentFilter::Bm25(none)).markdown.fit_markdown, "");
}

#[test]
fn headings_of_kept_sections_are_kept() {
    let html = format!(
        "<main><h1>Bridges</h1><p>{STORY}</p><div class=nav-head><h2>Recent</h2><a href=#e>edit</a></div><p>{MORE}</p>
         <h2>Menu</h2><div><h3>Share</h3><p>{STORY} Half of it.</p></div></main>"
    );
    for filter in filters() {
        let fit = read_with(&html, filter.clone()).markdown.fit_markdown;
        for heading in ["# Bridges", "## Recent", "## Menu", "### Share"] {
            assert!(fit.contains(heading), "{filter:?}: {heading} in {fit}");
        }
    }
}

#[test]
fn rows_and_items_are_kept_as_a_whole() {
    let row = |name: &str, text: &str| format!("<tr><th>{name}</th><td>{text}</td><td>7</td></tr>");
    let (one, other) = (row("Span", "market of the traders"), row("Arch", STORY));
    let html = format!(
        "<main><h1>Bridge</h1><p>{STORY}</p><table><tr><th>Part<th>Market<th>Count</tr>{one}{other}</table>
         <ol><li>None<li><b>Traders</b><i> : </i><span>market</span><ul><li>stall <button>bridge</button></ul></ol>
         <dl><dt>Term<dd>market<dd>square</dl><p>{MORE}</p></main>"
    );
    for filter in filters() {
        let fit = read_with(&html, filter.clone()).markdown.fit_markdown;
        let rows: Vec<&str> = fit.lines().filter(|line| line.starts_with("| ") && !line.contains("---")).collect();
        let are_whole = rows.iter().all(|row| !row.contains("|  |"));
        assert!(are_whole && (rows.is_empty() || rows[0].contains("Part")), "{filter:?}: {fit}");
        assert!(!fit.contains("stall") || fit.contains("**Traders**"), "{filter:?}: {fit}");
        assert_eq!(fit.contains("Term"), fit.contains("square"), "{filter:?}: {fit}");
    }
    let bm25 = Bm25 { query: "stall".to_owned(), threshold: 0.1, ..Bm25::default() };
    let fit = read_with(&html, ContentFilter::Bm25(bm25)).markdown.fit_markdown;
    assert_eq!(fit, "# Bridge\n\n2. **Traders** *:* market\n   - stall bridge\n");
}

#[test]
fn hostile_pages_stay_within_output_limits() {
    let deep = "<div class=content>".repeat(2_000) + STORY;
    let flat = "<div><span>a b</span><span>c</span></div>".repeat(2_000);
    let wide = format!("<div>{}</div>", "<span>word <i>x</i></span>".repeat(10_000));
    for html in [&deep, &flat, &wide, &String::new()] {
        for filter in
            [ContentFilter::default(), ContentFilter::Pruning(Pruning::default()), ContentFilter::Bm25(Bm25::default())]
        {
            let page = read_with(html, filter);
            assert!(page.markdown.fit_markdown.len() <= html.len() * 8 + 64 * 1024);
        }
    }
    let options = Options { content_filter: Some(ContentFilter::default()), ..Options::default() };
    let limits = Limits { deadline: Some(Duration::from_millis(1)), ..Limits::default() };
    let url = Url::parse("about:blank").expect("a constant");
    assert!(matches!(read(&flat, &url, &options, &limits), Err(ReadError::Deadline { .. })));
}
