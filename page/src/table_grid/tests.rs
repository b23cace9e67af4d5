//! Tables and the grid of their texts, one line a row, as `tables` and as Markdown.

use crate::{Limits, Options, Page, read};

fn page(html: &str) -> Page {
    let url = url::Url::parse("https://a.example/").unwrap();
    read(html, &url, &Options::default(), &Limits::default()).unwrap()
}

/// The rows of the first listed table: cells joined by `,`, rows by `;`. Headers are the first row.
fn grid(html: &str) -> String {
    let table = page(html).tables.remove(0);
    let rows = std::iter::once(table.headers).filter(|row| !row.is_empty()).chain(table.rows);
    rows.map(|row| row.join(",")).collect::<Vec<_>>().join(";")
}

fn check(cases: &[(&str, &str)]) {
    for (html, expected) in cases {
        assert_eq!(grid(html), *expected, "{html}");
    }
}

const ROWS: &str = "<tr><td>1<td>2<tr><td>3<td>4</table>";

#[test]
fn columns_without_cells_are_omitted() {
    for span in ["2", "50", "1000", "99999", "99999999999999999999"] {
        assert_eq!(grid(&format!("<table><tr><th colspan={span}>a{ROWS}")), "a,a;1,2;3,4", "{span}");
        let last = format!("<table><tr><th>h<th>i<tr><td>1<td>2<tr><td colspan={span}>all</table>");
        assert_eq!(grid(&last), "h,i;1,2;all,all", "{span}");
    }
    check(&[
        ("<table><caption>c</caption><tr><td colspan=2>a<tr><td colspan=2>b</table>", "a;b"),
        ("<table><tr><th colspan=2>a<th colspan=3>b<tr><td colspan=2>1<td colspan=3>2</table>", "a,b;1,2"),
        ("<table><tr><th colspan=''>a<th colspan=0>b<th colspan=-3>c<th colspan=x>d<tr><td>1</table>", "a,b,c,d;1,,,"),
    ]);
}

#[test]
fn rows_span_to_the_end_of_their_group() {
    check(&[
        ("<table><tr><th>a<th>b<tr><td rowspan=0>z<td>1<tr><td>2<tr><td>3</table>", "a,b;z,1;z,2;z,3"),
        ("<table><thead><tr><th rowspan=9>a<th>b<tbody><tr><td>1<td>2</table>", "a,b;1,2"),
        ("<table><tr><th>a<th>b<tbody><tr><td rowspan=0>1<td>2<tbody><tr><td>3<td>4</table>", "a,b;1,2;3,4"),
        ("<table><tr><th rowspan=3>a<th>b<tr><tr><td>2<tr><td>3<td>4</table>", "a,b;a,2;3,4"),
        ("<table><tr><th>a<th rowspan=2>b<th>c<tr><td colspan=2>1<td>2</table>", "a,b,c;1,1,2"),
        ("<table><tr><th rowspan=99999>a<th>b<tr><td>1<tr><td>2</table>", "a,b;a,1;a,2"),
    ]);
}

#[test]
fn head_is_shown_first_and_foot_last() {
    check(&[
        ("<table><tfoot><tr><td>f<td>g<tbody><tr><td>1<td>2<thead><tr><th>a<th>b</table>", "a,b;1,2;f,g"),
        (
            "<table><thead><tr><th>a<th>b<tfoot><tr><td>f<td>g<tfoot><tr><td>h<td>i<tbody><tr><td>1<td>2</table>",
            "a,b;h,i;1,2;f,g",
        ),
    ]);
}

#[test]
fn hidden_cells_are_not_part_of_the_grid() {
    check(&[(
        "<table><tr><th>a<th style='display:none'>x<th>b<tr hidden><td>y<tr><td>1<td>2<span hidden>z</span></table>",
        "a,b;1,2",
    )]);
}

#[test]
fn wide_tables_lose_no_text() {
    let cells = |kind: &str| (0..300).map(|n| format!("<{kind}>{kind}{n}")).collect::<String>();
    let page = page(&format!("<table><tr>{}<tr>{}</table>", cells("th"), cells("td")));
    assert_eq!((page.tables[0].headers.len(), page.tables[0].rows[0][299].as_str()), (300, "td299"));
    assert!(page.markdown.raw_markdown.ends_with("| td299 |\n"));
}

#[test]
fn rows_beyond_the_cell_limit_keep_their_own_cells() {
    let wide = "<td rowspan=60000>w".repeat(2000);
    let page = page(&format!("<table><tr><th>h{wide}{}</table>", "<tr><td>own".repeat(3000)));
    assert_eq!(page.markdown.raw_markdown.matches("own").count(), 3000);
    assert_eq!(page.tables[0].rows.iter().flatten().filter(|text| *text == "own").count(), 3000);
    let cells: usize = page.tables[0].rows.iter().map(Vec::len).sum();
    assert!(cells < 200_000, "{cells}");
}

#[test]
fn pipes_in_cells_are_escaped_wherever_they_occur() {
    for cell in [
        "<img src=i.png alt='a|b'>",
        "<img src=i.png alt=a title='x|y'>",
        "<img src='i.png?a|b' alt=a>",
        "<a href=/x title='x|y'><img src=i.png alt='a|b'></a>",
        "<a href='https://a.example/x|y'>https://a.example/x|y</a>",
        "<math alttext='|x|'></math>",
        "<script type=math/tex>|x|</script>",
        "<code>a|b</code><pre>a|b</pre>",
        "<b>a|b</b> a\\|b",
    ] {
        let markdown = page(&format!("<table><tr><th>k<th>v<tr><td>{cell}<td>end</table>")).markdown.raw_markdown;
        let row = markdown.lines().nth(2).unwrap_or_default();
        let pipes = row
            .char_indices()
            .filter(|(at, c)| *c == '|' && row[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0);
        assert_eq!(pipes.count(), 3, "{cell}\n{markdown}");
    }
}
