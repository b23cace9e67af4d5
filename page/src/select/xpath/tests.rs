//! XPath expressions and their results.

use super::*;
use crate::tree::parse;
use crate::{Limits, text};

const PAGE: &str =
    "<body><div id=a class='row odd'><h2>One</h2><span>1</span><span>2.5</span></div><div id=b class=row>
    <h2> Two  words </h2><a href=/x title=T>link</a><!-- no --></div><ul><li>i</li><li>j<b>k</b></li><li>l</li></ul>";

fn found(expression: &str, relative_to: Option<&str>) -> Vec<String> {
    let limits = Limits::default();
    let budget = Budget::start(&limits);
    let tree = parse(PAGE, &limits, &budget).unwrap_or_else(|_| panic!("within the limits")).tree;
    let order = DocumentOrder::of(&tree);
    let top = relative_to
        .map_or(NodeId::ROOT, |id| tree.descendants(NodeId::ROOT).find(|&at| tree.attr(at, "id") == Some(id)).unwrap());
    let path = XPath::parse(expression, relative_to.is_some()).unwrap_or_else(|error| panic!("{expression} {error}"));
    let found = path.evaluate(&tree, &order, top, &budget).unwrap_or_else(|_| panic!("within the limits"));
    let text = |found: XPathMatch| match found {
        XPathMatch::Element(id) => text::text_content(&tree, id, 100),
        XPathMatch::Text(text) => text,
    };
    found.into_iter().map(text).collect()
}

#[test]
fn paths_select_nodes() {
    for (expression, expected) in [
        ("//h2", vec!["One", "Two words"]),
        ("/html/body/div[2]/h2", vec!["Two words"]),
        ("//div[@class='row odd']/span", vec!["1", "2.5"]),
        ("//div[contains(@class, 'row') and not(contains(@class, 'odd'))]/a/@href", vec!["/x"]),
        ("//span[last()]", vec!["2.5"]),
        ("(//span)[1]", vec!["1"]),
        ("//li[position() > 1]", vec!["jk", "l"]),
        ("//li[2]/preceding-sibling::li", vec!["i"]),
        ("//li[3]/preceding-sibling::*[1]", vec!["jk"]),
        ("//b/ancestor::ul/li[1] | //h2[1]", vec!["One", "Two words", "i"]),
        ("//li/text()", vec!["i", "j", "l"]),
        ("//*[@id='b']/following::li[1]", vec!["i"]),
        ("//h2[normalize-space()='Two words']/following-sibling::a[@title]", vec!["link"]),
        ("//h2[starts-with(., 'O')]/../@id", vec!["a"]),
        ("//div[count(span)=2]/@class", vec!["row odd"]),
        ("//div[h2 and a]/h2/..//a", vec!["link"]),
        ("//*[self::h2 or self::a][string-length(.) < 5]", vec!["One", "link"]),
        ("//span[. * 2 = 5 or . = '7']", vec!["2.5"]),
        ("//div[span > 2]/h2", vec!["One"]),
        ("//comment()", vec![]),
        ("//ul/li[position() mod 2 = 1]", vec!["i", "l"]),
        ("//li[b]/child::node()", vec!["j", "k"]),
        ("//a/attribute::*", vec!["/x", "T"]),
        ("descendant::li[not(following-sibling::li)]", vec!["l"]),
        ("//li[.='i' and ../li[2]/b]", vec!["i"]),
    ] {
        assert_eq!(found(expression, None), expected, "{expression}");
    }
}

#[test]
fn expressions_evaluate_to_strings_numbers_and_booleans() {
    for (expression, expected) in [
        ("count(//li)", "3"),
        ("sum(//span)", "3.5"),
        ("string((//h2)[2])", " Two  words "),
        ("normalize-space((//h2)[2])", "Two words"),
        ("string(//h2[2])", ""),
        ("concat(//h2, '-', 1 + 2 * 3)", "One-7"),
        ("substring-before('a/b/c', '/')", "a"),
        ("substring-after('a/b/c', '/')", "b/c"),
        ("substring('12345', 2, 3)", "234"),
        ("substring('12345', 1.5, 2.6)", "234"),
        ("translate('bar', 'abc', 'AB')", "BAr"),
        ("round(-2.5)", "-2"),
        ("7 mod 3 - -1", "2"),
        ("1 div 0", "Infinity"),
        ("number('x')", "NaN"),
        ("//li = 'l'", "true"),
        ("not(//table)", "true"),
        ("local-name(//*[@id='a'])", "div"),
        ("string-length('é')", "1"),
    ] {
        assert_eq!(found(expression, None), [expected], "{expression}");
    }
}

#[test]
fn relative_paths_start_at_the_searched_element() {
    for expression in ["//span", "./span", ".//span", "span"] {
        assert_eq!(found(expression, Some("a")), ["1", "2.5"], "{expression}");
        assert!(found(expression, Some("b")).is_empty(), "{expression}");
    }
    assert_eq!(found("/h2", Some("b")), ["Two words"]);
    assert_eq!(found("@id", Some("b")), ["b"]);
    assert_eq!(found("../ul/li[1]", Some("b")), ["i"]);
}

#[test]
fn invalid_expressions_are_rejected() {
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    for invalid in [
        "",
        "//",
        "//div[",
        "//div]",
        "foo(1)",
        "count()",
        "//a:b",
        "a b",
        "'open",
        "$x",
        "1 +",
        "@@a",
        "axis::a",
        "//*[",
        "(",
        "::",
        "a::b::c",
        "..a",
        &deep,
        &"1+".repeat(900),
        "é!",
    ] {
        assert!(XPath::parse(invalid, false).is_err(), "{invalid}");
    }
}
