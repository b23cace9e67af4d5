//! Small pages and their Markdown, one table per topic.

use crate::{Limits, Markdown, MarkdownOptions, Options, read};

fn markdown_with(html: &str, options: MarkdownOptions) -> Markdown {
    let url = url::Url::parse("https://a.example/d/p").unwrap();
    let options = Options { markdown: options, ..Options::default() };
    read(html, &url, &options, &Limits::default()).unwrap().markdown
}

fn check(cases: &[(&str, &str)]) {
    for (html, expected) in cases {
        let written = markdown_with(html, MarkdownOptions::default()).raw_markdown;
        assert_eq!(written.trim_end_matches('\n'), *expected, "\n{html}\n");
    }
}

#[test]
fn headings_and_paragraphs() {
    check(&[
        ("<h1>a</h1><h6> b\n c </h6>d<p>e</p>", "# a\n\n###### b c\n\nd\n\ne"),
        ("<h2>C #</h2><h2>C#</h2><h2></h2>", "## C \\#\n\n## C#\n\n##"),
        ("<h2>a<br>b <div>c</div></h2>", "## a b c"),
        ("<h2>a <a href='#a' class=headerlink>¶</a></h2>", "## a"),
        ("<p>&nbsp;a</p><p><b>&nbsp;b</b></p>c<br>&nbsp;- d", "a\n\n**b**\n\nc  \n\\- d"),
        ("<p>_ _ _</p><p>_ __</p><p>* * *</p><p>_ _</p>", "\\_ _ _\n\n_ \\_\\_\n\n\\* * *\n\n_ _"),
        ("<object data=x.swf><param name=y><p>a</p>b</object><applet>c</applet>", "a\n\nbc"),
        ("<p>a\n  b&nbsp;c</p><p>&nbsp;</p><p></p><hr><p>d&shy;e", "a b c\n\n***\n\nde"),
        ("<p>a<br>b<br/></p><p>c<br><br>d<br>\n<br>\n<br>e", "a  \nb\n\nc\n\nd\n\ne"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<b>a<p>b</p></b>c", "**a**\n\n**b**\n\nc"),
        ("<script>a</script><style>b</style><template>c</template><p hidden>d</p><p style='display: none'>e</p>f", "f"),
        ("<svg><text>a</text></svg><iframe src=x>b</iframe><select><option>c</select><noscript>d</noscript>e", "e"),
        ("<div><template shadowrootmode=open><p>a</p></template></div>", "a"),
        ("", ""),
    ]);
}

#[test]
fn styles_and_links_span_lines_that_are_escaped_later() {
    check(&[("<p><b>a<br>“</b>é", "a  \n“é")]);
    let written = markdown_with("<p>+ <a href=/x>b<br>c</a>", MarkdownOptions::default());
    assert_eq!(written.raw_markdown, "\\+ [b  \nc](https://a.example/x)\n");
    assert_eq!(written.references_markdown, "\n\n## References\n\n⟨1⟩ https://a.example/x: b c\n");
}

#[test]
fn hidden_content_is_written_if_it_is_long() {
    let long = "word ".repeat(60);
    let written = |html: String| markdown_with(&html, MarkdownOptions::default()).raw_markdown;
    let shown = |html: &str| written(html.replace("LONG", &long)).contains("word");
    assert!(shown("<div style='display:none'>LONG</div>"));
    assert!(shown("<div hidden id=S:1>word</div>"));
    assert!(shown("<div style='visibility:hidden'>word</div>"));
    assert!(!shown("<div hidden>word</div>"));
    assert!(!shown("<ul hidden><li><a href=/x>LONG</a></ul>"));
    assert!(shown("<p>a<noscript><p>LONG</p>LONG</noscript>"));
    assert!(!shown("<p>a<noscript>word</noscript>"));
}

#[test]
fn emphasis_takes_effect_next_to_any_character() {
    check(&[
        ("<em>a</em> <strong>b</strong> <del>c</del> <i>d</i><b>e</b>", "*a* **b** ~~c~~ *d*__e__"),
        ("<b> a </b>b<i> </i>c", "**a** b c"),
        ("<b>a</b><b>b</b>", "**ab**"),
        ("<b><i>a</i></b> <i><b>b</b></i>", "**_a_** *__b__*"),
        ("x<b><i>a</i></b>y", "x***a***y"),
        ("a<b>b</b>c", "a**b**c"),
        ("<b>a:</b>b <b>(c)</b>d", "**a**:b **(c**)d"),
        ("a<b>\"b\"</b>", "a\"**b\"**"),
        ("<b>「a」</b>b", "**「a**」b"),
        ("a<b><code>b</code></b>c", "a`b`c"),
        ("<b></b><i><b> </b></i>a", "a"),
        ("<em>a <em>b</em></em> <b><strong>c</strong></b> <b class=x><b>d</b></b>", "*a _b_* **c** **d**"),
        (
            "H<sub>2</sub>O, x<sup>2</sup>, a<sup><a href=#n>[1]</a></sup>",
            "H<sub>2</sub>O, x<sup>2</sup>, a[\\[1\\]](https://a.example/d/p#n)",
        ),
        ("<q>a</q> <ruby>漢<rt>kan</ruby> <ruby>字<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>", "“a” 漢(kan) 字(ji)"),
    ]);
}

#[test]
fn only_text_with_markdown_meaning_is_escaped() {
    check(&[
        (
            "<p>1. a</p><p>2) b</p><p>- c</p><p>+ d</p><p># e</p><p>&gt; f</p>",
            "1\\. a\n\n2\\) b\n\n\\- c\n\n\\+ d\n\n\\# e\n\n\\> f",
        ),
        ("<p>1.5 a</p><p>-1</p><p>#tag</p><p>a - b + c # d &gt; e</p>", "1.5 a\n\n-1\n\n#tag\n\na - b + c # d > e"),
        ("a<br>---<br>===<br>* b", "a  \n\\---  \n\\===  \n\\* b"),
        ("snake_case _a_ 2 * 3 *b*", "snake_case \\_a\\_ 2 * 3 \\*b\\*"),
        ("a [b] [c](d) [e]: f", "a [b] [c]\\(d) [e]: f"),
        ("<p>[a]: b</p><p>[ ] c</p><ul><li>[ ] d</ul>", "\\[a]: b\n\n[ ] c\n\n- \\[ ] d"),
        ("C:\\Users \\* a\\", "C:\\Users \\\\\\* a\\\\"),
        (
            "&lt;b> 1 &lt; 2 &amp;amp; AT&amp;T `x` ~~y~~ ~5 a|b",
            "\\<b> 1 < 2 \\&amp; AT&T \\`x\\` \\~\\~y\\~\\~ ~5 a|b",
        ),
        ("look!<a href=/x>y</a>", "look\\![y](https://a.example/x)"),
        ("<span>1</span>. a", "1\\. a"),
        ("<span data-cfemail='422302206c21'>[email protected]</span>", "a@b.c"),
    ]);
}

#[test]
fn lists() {
    check(&[
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "- a\n- b\n  - c\n- d"),
        ("<ol start=9><li>a<li>b<ol><li>c</ol></ol>", "9. a\n10. b\n    1. c"),
        ("<ol><li value=3>a<li>b</ol>", "3. a\n4. b"),
        ("<ul><li><p>a</p><p>b</p><li><p>c</p></ul>", "- a\n\n  b\n\n- c"),
        ("<ul><li>a</ul><ul><li>b</ul><ol><li>c</ol><ol><li>d</ol>", "- a\n\n* b\n\n1. c\n\n1) d"),
        ("<ul><li><input type=checkbox checked> a<li><label><input type=checkbox>b</label></ul>", "- [x] a\n- [ ] b"),
        ("<ul><li>a<ul></ul><li class=x> <li></ul>", "- a\n-"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ul><li>a<pre>b\n\nc</pre><blockquote>d</blockquote></ul>", "- a\n  ```\n  b\n\n  c\n  ```\n  > d"),
        ("<ul><li><h3>a</h3><p>b</p></ul>", "- ### a\n\n  b"),
        ("<ul><li><ul><li>a</ul></ul>", "- - a"),
        ("<blockquote><ul><li>a</ul><p>b</blockquote>", "> - a\n>\n> b"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
        ("<ul><li>a<ol start=2><li>b</ol></ul>", "- a\n\n  2. b"),
    ]);
}

#[test]
fn definitions_and_details() {
    check(&[
        ("<dl><dt>a<dt>b<dd>c<dd>d<dt>e<dd>f</dl>", "a\nb\n: c\n: d\n\ne\n: f"),
        ("<dl><div><dt>a<dd>b</div></dl>", "a\n: b"),
        ("<dl><dt>a<dd><p>b<ul><li>c</ul></dl>", "**a**\n\nb\n\n- c"),
        ("<details><summary>a <b>b</b></summary>c<p>d</details>", "**a b**\n\nc\n\nd"),
        ("<figure><img src=x.png alt=y><figcaption>z</figcaption></figure>", "![y](https://a.example/d/x.png)\n\nz"),
    ]);
}

#[test]
fn code() {
    check(&[
        ("<pre><code class='language-rust'>a\n  b\n</code></pre>", "```rust\na\n  b\n```"),
        (
            "<div class='highlight-console notranslate'><div class=highlight><pre>a</pre></div></div>",
            "```console\na\n```",
        ),
        ("<div class='highlight-default'><div class=highlight><pre>a</pre></div></div>", "```\na\n```"),
        ("<div class='highlight-wrapper'><div><pre>a</pre></div></div>", "```\na\n```"),
        ("<pre>```\na</pre>", "````\n```\na\n````"),
        ("<div class='highlight-source-js'><pre>a<br>b<div>c</div>d</pre></div>", "```js\na\nb\nc\nd\n```"),
        ("<pre><span class=lineno>1</span>a\n<span class=lineno>2</span>b</pre>", "```\na\nb\n```"),
        ("<code>a`b</code> <code>`</code> <code> x </code><kbd>k</kbd>", "``a`b`` `` ` `` ` x k`"),
        ("<code><a href=/v>Vec</a>&lt;T></code>", "[`Vec`](https://a.example/v)`<T>`"),
        ("<code>a\n   <b>b</b></code>*", "`a b`\\*"),
        ("<pre></pre><code></code>x", "x"),
    ]);
}

#[test]
fn links_and_images() {
    check(&[
        (
            "<a href=x title='t \"u\"'>a</a> <a href='?b c'>b</a>",
            "[a](https://a.example/d/x \"t \\\"u\\\"\") [b](https://a.example/d/p?b%20c)",
        ),
        ("<base href=/e/><a href=x>a</a>", "[a](https://a.example/e/x)"),
        (
            "<a href='https://b.example/'>https://b.example/</a> <a href=mailto:a@b.c>a@b.c</a>",
            "<https://b.example/> <a@b.c>",
        ),
        (
            "<a href=javascript:x>a</a><a href=#>b</a><a>c</a> <a href=/d></a><a href=/e aria-label=f> <svg></svg></a>",
            "abc [f](https://a.example/e)",
        ),
        ("<a href=/a>a</a><a href=/b>b</a>", "[a](https://a.example/a) [b](https://a.example/b)"),
        (
            "<a href=/a>a</a><b><a href=/b>b</a></b><a href=/c>c</a>",
            "[a](https://a.example/a) **[b](https://a.example/b)** [c](https://a.example/c)",
        ),
        (
            "<a href=https://b.example/>https://b.example/</a><a href=https://c.example/>https://c.example/</a>",
            "<https://b.example/> <https://c.example/>",
        ),
        ("<a href=/a title='b\n\nc'>a\nb</a>", "[a b](https://a.example/a \"b c\")"),
        ("<a href=/a(b>a</a>", "[a](<https://a.example/a(b>)"),
        ("<a href=/a><img src=b.png alt='[c]'></a>", "[![\\[c\\]](https://a.example/d/b.png)](https://a.example/a)"),
        ("<a href=/a><img src=data:x alt=b></a><img src=data:x alt=c>", "[b](https://a.example/a)"),
        ("<a href=/a><div>b</div><div>c</div></a>", "[b c](https://a.example/a)"),
        (
            "<a href=/a><img src=i.png><h3>b</h3><p>c</p></a>d",
            "![](https://a.example/d/i.png)\n\n### [b](https://a.example/a)\n\nc\n\nd",
        ),
        ("<a href=/a>b<ul><li>c</ul></a>", "[b](https://a.example/a)\n\n- c"),
        ("<a href=/a> <b>b</b> </a>c", "[**b**](https://a.example/a) c"),
        (
            "<img data-src=i.png src=data:x alt=a><noscript><img src=i.png alt=a></noscript>",
            "![a](https://a.example/d/i.png)",
        ),
        ("<img src=i.gif width=1 height=1>a", "a"),
    ]);
}

#[test]
fn tables() {
    check(&[
        (
            "<table><tr><th>a<th align=right>b<tr><td>c|d<td>e<br>f</table>",
            "| a | b |\n| --- | --: |\n| c\\|d | e<br>f |",
        ),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "|  |  |\n| --- | --- |\n| a | b |\n| c | d |"),
        (
            "<table><caption>t</caption><tr><th colspan=2>a<tr><td rowspan=2>b<td>c<tr><td style='text-align:center'>d</table>",
            "t\n\n| a |  |\n| --- | --- |\n| b | c |\n|  | d |",
        ),
        (
            "<table><tr><th>a<th>b<tr><td><ul><li>c<li>d</ul><td><pre>e\nf</pre><code>g|h</code></table>",
            "| a | b |\n| --- | --- |\n| c<br>d | `e f`<br>`g\\|h` |",
        ),
        ("<table><tr><td><table><tr><td>a</table><td><p>b</table>", "a\n\nb"),
        (
            "<table><tr><th>a<th>b<tr><td><p>c<p>d<td><a href=/e>f</a></table>x",
            "| a | b |\n| --- | --- |\n| c<br>d | [f](https://a.example/e) |\n\nx",
        ),
    ]);
}

#[test]
fn formulas() {
    check(&[
        ("<math alttext='x^2'><mi>x</mi></math>", "$x^2$"),
        (
            "<math display=block><semantics><mi>x</mi><annotation encoding='application/x-tex'>a_b</annotation></semantics></math>",
            "$$a_b$$",
        ),
        (
            "<span class=katex><math><annotation encoding=application/x-tex>y</annotation></math><span class=katex-html aria-hidden=true>y</span></span>",
            "$y$",
        ),
        ("a <script type='math/tex'>z</script> b", "a $z$ b"),
        ("<math><mfrac><mi>a</mi><mi>b</mi></mfrac><msup><mi>x</mi><mn>2</mn></msup></math>", "(a)/(b)x^(2)"),
    ]);
}

#[test]
fn citations_number_each_target_once() {
    let markdown = markdown_with(
        "<p>1. <a href=/a title=T>b</a>, <a href=/c><img src=d.png alt=e></a>, <a href=/a>f</a>",
        MarkdownOptions::default(),
    );
    assert_eq!(markdown.markdown_with_citations, "1\\. b⟨1⟩, ![e⟨2⟩]⟨3⟩, f⟨1⟩\n");
    assert_eq!(
        markdown.references_markdown,
        "\n\n## References\n\n⟨1⟩ https://a.example/a: T - b\n⟨2⟩ https://a.example/d/d.png: e\n⟨3⟩ https://a.example/c: e\n"
    );
    let none = markdown_with("<a href=/a>b</a>", MarkdownOptions { citations: false, ..MarkdownOptions::default() });
    assert_eq!((none.markdown_with_citations, none.references_markdown), (none.raw_markdown, String::new()));
    assert_eq!(markdown_with("a", MarkdownOptions::default()).references_markdown, "");
}

#[test]
fn options_change_the_markdown() {
    let html = "<h1>a</h1><p><b>b</b> <a href=/c>d</a> <a href=#e>f</a> <img src=g.png alt=h> &lt;i></p>";
    let default = MarkdownOptions::default;
    for (options, expected) in [
        (
            default(),
            "**b** [d](https://a.example/c) [f](https://a.example/d/p#e) ![h](https://a.example/d/g.png) \\<i>",
        ),
        (MarkdownOptions { ignore_links: true, ..default() }, "**b** d f ![h](https://a.example/d/g.png) \\<i>"),
        (
            MarkdownOptions { ignore_images: true, skip_internal_links: true, ..default() },
            "**b** [d](https://a.example/c) f \\<i>",
        ),
        (
            MarkdownOptions { ignore_links: true, ignore_images: true, ignore_emphasis: true, ..default() },
            "b d f \\<i>",
        ),
        (MarkdownOptions { ignore_links: true, ignore_images: true, escape_html: false, ..default() }, "**b** d f <i>"),
        (MarkdownOptions { ignore_links: true, ignore_images: true, body_width: 7, ..default() }, "**b** d\nf \\<i>"),
    ] {
        assert_eq!(markdown_with(html, options).raw_markdown, format!("# a\n\n{expected}\n"));
    }
}

#[test]
fn links_stay_unchanged_without_a_base_url() {
    let url = url::Url::parse("about:blank").unwrap();
    let page =
        read("<a href='x?y=*'>a</a><a href=http://b.example?c>d</a>", &url, &Options::default(), &Limits::default())
            .unwrap();
    assert_eq!(page.markdown.raw_markdown, "[a](x?y=*) [d](http://b.example?c)\n");
    assert_eq!((page.links.internal.len(), page.links.external.len()), (0, 1));
}
