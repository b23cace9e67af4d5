//! The examples in Crawl4AI's documentation of its extraction strategies, on other pages; and rejected schemas.

use serde_json::{Value, json};
use url::Url;

use crate::{
    BUILTIN_PATTERNS, Extraction, InputFormat, Limits, Options, PathSegment, PatternCompiler, SelectorLanguage, read,
};

fn extracted(html: &str, extraction: Extraction) -> Value {
    let url = Url::parse("https://shop.example/all").unwrap();
    extraction.check(&PatternCompiler::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let options = Options { extraction: Some(extraction), ..Options::default() };
    let page = read(html, &url, &options, &Limits::default()).unwrap();
    serde_json::from_str(&page.extracted_content.expect("extraction was requested")).unwrap()
}

fn css(html: &str, schema: Value) -> Value {
    extracted(html, Extraction::Fields { language: SelectorLanguage::Css, schema })
}

fn xpath(html: &str, schema: Value) -> Value {
    extracted(html, Extraction::Fields { language: SelectorLanguage::XPath, schema })
}

const COINS: &str = "<div class='coin-row'><h2 class=coin>Bitcoin</h2><span class=price>$28,000</span></div>
    <div class='coin-row'><h2 class=coin> Ether
    <i>eum</i></h2><span class=price>$1,800</span></div><div class=coin-row></div>";

#[test]
fn css_and_xpath_schemas_extract_the_same_rows() {
    let expected = json!([{"coin": "Bitcoin", "price": "$28,000"}, {"coin": "Ether eum", "price": "$1,800"}]);
    let by_css = json!({"name": "Coins", "baseSelector": "div.coin-row", "fields": [
        {"name": "coin", "selector": "h2.coin", "type": "text"},
        {"name": "price", "selector": "span.price", "type": "text"},
    ]});
    assert_eq!(css(COINS, by_css), expected);
    let by_xpath = json!({"name": "Coins", "baseSelector": "//div[@class='coin-row']", "fields": [
        {"name": "coin", "selector": ".//h2[@class='coin']", "type": "text"},
        {"name": "price", "selector": "//span[contains(@class, 'price')]", "type": "text"},
    ]});
    assert_eq!(xpath(COINS, by_xpath), expected);
}

const CATALOGUE: &str = "<div class=category data-cat-id=c1><h2 class=category-name>Lamps</h2>
    <div class=product><h3>Desk lamp</h3><p class=price>$20</p>
      <div class=details><span class=brand>Lumo</span><span class=model>D1</span></div>
      <ul class=features><li>Dimmable</li><li>LED</li></ul>
      <div class=review><span class=who>Ann</span><span class=stars>5</span><p class=text>Bright!</p></div>
      <div class=review><span class=who>Bob</span><span class=stars>3</span><p class=text>Small.</p></div>
      <ul class=related><li><span class=name>Bulb</span> <span class=cost>$3</span></li></ul></div>
    <div class=product><h3>Floor lamp</h3><p class=price>$90</p></div></div>";

fn catalogue(selector: impl Fn(&str, &str) -> String) -> Value {
    let text =
        |name: &str, tag: &str, class: &str| json!({"name": name, "selector": selector(tag, class), "type": "text"});
    json!({"name": "Catalogue", "baseSelector": selector("div", "category"),
    "baseFields": [{"name": "id", "type": "attribute", "attribute": "data-cat-id"}],
    "fields": [text("category", "h2", "category-name"), {
        "name": "products", "selector": selector("div", "product"), "type": "nested_list", "fields": [
            text("name", "h3", ""), text("price", "p", "price"),
            {"name": "details", "selector": selector("div", "details"), "type": "nested",
                "fields": [text("brand", "span", "brand"), text("model", "span", "model")]},
            {"name": "features", "selector": selector("li", "") , "type": "list",
                "fields": [{"name": "feature", "type": "text"}]},
            {"name": "reviews", "selector": selector("div", "review"), "type": "nested_list",
                "fields": [text("who", "span", "who"), text("stars", "span", "stars"), text("text", "p", "text")]},
            {"name": "related", "selector": selector("ul", "related"), "type": "list",
                "fields": [text("name", "span", "name"), text("cost", "span", "cost")]},
        ]}]})
}

#[test]
fn nested_fields_yield_nested_objects() {
    let expected = json!([{"id": "c1", "category": "Lamps", "products": [
        {"name": "Desk lamp", "price": "$20", "details": {"brand": "Lumo", "model": "D1"},
            "features": [{"feature": "Dimmable"}, {"feature": "LED"}, {"feature": "Bulb $3"}],
            "reviews": [{"who": "Ann", "stars": "5", "text": "Bright!"}, {"who": "Bob", "stars": "3", "text": "Small."}],
            "related": [{"name": "Bulb", "cost": "$3"}]},
        {"name": "Floor lamp", "price": "$90", "details": {}, "features": [], "reviews": [], "related": []},
    ]}]);
    let class = |tag: &str, class: &str| if class.is_empty() { tag.to_owned() } else { format!("{tag}.{class}") };
    assert_eq!(css(CATALOGUE, catalogue(class)), expected);
    let path = |tag: &str, class: &str| match class {
        "" => format!(".//{tag}"),
        class => format!("//{tag}[@class='{class}']"),
    };
    assert_eq!(xpath(CATALOGUE, catalogue(path)), expected);
}

#[test]
fn source_reads_fields_from_the_next_sibling() {
    let html = "<table><tr class=story id=s1><td><span class=line><a href=/1>First</a></span><tr><td class=sub>
        <span class=score>100 points</span> <a class=user>ann</a>
        <tr class=story id=s2><td><span class=line><a href=/2>Second</a></span></table>";
    let schema = json!({"name": "Stories", "baseSelector": "tr.story", "fields": [
        {"name": "title", "selector": "span.line > a", "type": "text"},
        {"name": "url", "selector": "span.line > a", "type": "attribute", "attribute": "HREF"},
        {"name": "score", "source": "+ tr", "selector": "span.score", "type": ["text", "regex"], "pattern": "(\\d+)"},
        {"name": "by", "source": "+ tr", "selector": "a.user", "type": "text", "default": "unknown"},
    ]});
    let expected = json!([
        {"title": "First", "url": "/1", "score": "100", "by": "ann"},
        {"title": "Second", "url": "/2", "by": "unknown"},
    ]);
    assert_eq!(css(html, schema), expected);
}

#[test]
fn field_types_transforms_and_defaults_apply() {
    let html =
        "<article data-x='ID-7b'><h1> A  <b>b</b> C</h1><p>Price: 12.50 EUR</p><script>var n = 3;</script></article>";
    let field = |rest: Value| {
        let mut field = json!({"name": "v", "selector": "h1", "type": "text"});
        field.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let schema = json!({"baseSelector": "article", "fields": [field, {"name": "there", "type": "text"}]});
        css(html, schema)[0]["v"].clone()
    };
    for (rest, expected) in [
        (json!({}), json!("A b C")),
        (json!({"transform": "uppercase"}), json!("A B C")),
        (json!({"transform": "lowercase"}), json!("a b c")),
        (json!({"type": "html"}), json!("<h1> A  <b>b</b> C</h1>")),
        (json!({"type": "html", "transform": "strip", "selector": "script"}), json!("<script>var n = 3;</script>")),
        (json!({"type": "attribute", "attribute": "data-x", "selector": null}), json!("ID-7b")),
        (json!({"type": "attribute", "attribute": "data-y", "default": 0}), json!(0)),
        (
            json!({"type": ["attribute", "regex"], "attribute": "data-x", "selector": "", "pattern": "-(\\d)(\\w)", "group": 2}),
            json!("b"),
        ),
        (json!({"type": "regex", "selector": "p", "pattern": "\\d+\\.\\d+"}), json!("12.50")),
        (json!({"type": "regex", "selector": "p", "pattern": "(?P<n>\\d+) (?P<c>EUR)", "group": "c"}), json!("EUR")),
        (json!({"type": "regex", "selector": "p", "pattern": "USD", "default": ["none"]}), json!(["none"])),
        (json!({"selector": "h9"}), Value::Null),
        (json!({"selector": "script"}), json!("var n = 3;")),
    ] {
        assert_eq!(field(rest.clone()), expected, "{rest}");
    }
}

#[test]
fn xpath_fields_return_attributes_text_and_numbers() {
    let schema = json!({"baseSelector": "//div[@class='product']", "fields": [
        {"name": "tags", "selector": "count(.//li)", "type": "text"},
        {"name": "class", "selector": "@class", "type": "text"},
        {"name": "name", "selector": "h3/text()", "type": "text", "transform": "lowercase"},
        {"name": "second", "selector": ".//div[@class='review'][2]/p", "type": "regex", "pattern": "^(\\w)"},
    ]});
    let expected = json!([
        {"tags": "3", "class": "product", "name": "desk lamp", "second": "S"},
        {"tags": "0", "class": "product", "name": "floor lamp"},
    ]);
    assert_eq!(xpath(CATALOGUE, schema), expected);
}

fn patterns(names: &[&str], custom: &[(&str, &str)], input: InputFormat) -> Extraction {
    let known = BUILTIN_PATTERNS.iter().filter(|(name, _)| names.contains(name));
    let all = known.chain(custom).map(|&(label, pattern)| (label.to_owned(), pattern.to_owned())).collect();
    Extraction::Patterns { patterns: all, input }
}

#[test]
fn builtin_patterns_match_their_formats() {
    let found = |names: &[&str], custom: &[(&str, &str)], html: &str| -> Vec<(String, String)> {
        let found = extracted(html, patterns(names, custom, InputFormat::Text));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(|found| (text(&found["label"]), text(&found["value"]))).collect()
    };
    for (name, value) in [
        ("email", "ann.b+c@mail.shop.example"),
        ("phone_intl", "+41 44 668 18 00"),
        ("phone_us", "(212) 555-0187"),
        ("url", "https://shop.example/a?b=c"),
        ("ipv4", "192.0.2.17"),
        ("ipv6", "2001:DB8:0:0:0:0:0:1"),
        ("uuid", "123e4567-e89b-42d3-a456-426614174000"),
        ("currency", "€ 12.50"),
        ("percentage", "12.5%"),
        ("number", "1,234.5"),
        ("date_iso", "2026-11-24"),
        ("date_us", "11/24/2026"),
        ("time_24h", "23:59:10"),
        ("postal_us", "94103-1234"),
        ("postal_uk", "SW1A 1AA"),
        ("html_color_hex", "#A0b1C2"),
        ("twitter_handle", "@opilio"),
        ("hashtag", "#harvest-man"),
        ("mac_addr", "00:1A:2b:3C:4D:5E"),
        ("iban", "CH9300762011623852957"),
        ("credit_card", "4111111111111111"),
    ] {
        let html = format!("<p>It says <b>{value}</b> there");
        assert_eq!(found(&[name], &[], &html), [(name.to_owned(), value.to_owned())]);
    }
    for (name, text, expected) in [
        (
            "url",
            "See https://a.example/b. Or (https://a.example/c), https://a.example/d_(e)!",
            "https://a.example/b https://a.example/c https://a.example/d_(e)",
        ),
        ("url", "https://a.example/?q=1.5;r=2&s=a,b", "https://a.example/?q=1.5;r=2&s=a,b"),
        (
            "email",
            "Write to ann@shop.example. Or bob@a-b.example, c@d.example.",
            "ann@shop.example bob@a-b.example c@d.example",
        ),
        ("currency", "$1,299.99, USD 12, €1.299,50 or £1234.5 and $5m", "$1,299.99 USD 12 €1.299,50 £1234.5 $5"),
    ] {
        let values: Vec<_> =
            found(&[name], &[], &format!("<p>{text}</p>")).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values.join(" "), expected, "{name}");
    }
    let both = found(&["url"], &[("sku", "SKU-\\d+")], "<p>sku-12 SKU-3 https://a.example/ x");
    let labels: Vec<_> = both.iter().map(|(label, value)| format!("{label} {value}")).collect();
    assert_eq!(labels, ["url https://a.example/", "sku sku-12", "sku SKU-3"]);
}

#[test]
fn match_span_counts_characters_of_the_input() {
    let html = "<p title='7'>é <b>42</b></p>";
    let span = |input| extracted(html, patterns(&[], &[("n", "[0-9]+")], input));
    let at = |value: &str, from: usize| json!({"url": "https://shop.example/all", "label": "n", "value": value, "span": [from, from + value.len()]});
    assert_eq!(span(InputFormat::Text), json!([at("42", 2)]));
    assert_eq!(span(InputFormat::Markdown), json!([at("42", 4)]));
    assert_eq!(span(InputFormat::Html), json!([at("7", 10), at("42", 18)]));
}

#[test]
fn schema_check_reports_all_errors_with_paths() {
    let schema = json!({"baseSelector": "div >", "fields": [
        {"name": "a", "type": "computed", "expression": "1+1"},
        {"name": "", "type": "text"},
        {"name": "c", "selector": "p[", "type": "attribute"},
        {"name": "d", "type": "regex", "pattern": "(?=x)"},
        {"name": "e", "type": "regex", "pattern": "x", "group": 3},
        {"name": "f", "type": "text", "transform": "eval"},
        {"name": "g", "type": "nested", "fields": [{"name": "h", "type": "odd"}, 7]},
        {"name": "i", "type": "text", "source": "tr"},
        {"name": "j", "type": "list"},
    ]});
    let errors =
        Extraction::Fields { language: SelectorLanguage::Css, schema }.check(&PatternCompiler::default()).unwrap_err();
    let step = |step: &PathSegment| match step {
        PathSegment::Key(key) => key.clone(),
        PathSegment::Index(index) => index.to_string(),
    };
    let paths: Vec<_> = errors.iter().map(|error| error.path.iter().map(step).collect::<Vec<_>>().join(".")).collect();
    let expected = [
        "baseSelector",
        "fields.0.type",
        "fields.1.name",
        "fields.2.selector",
        "fields.2.attribute",
        "fields.3.pattern",
        "fields.4.group",
        "fields.5.transform",
        "fields.6.fields.0.type",
        "fields.6.fields.1",
        "fields.7.source",
        "fields.8.fields",
    ];
    assert_eq!(paths, expected, "{errors:?}");
    let twice = Extraction::Patterns { patterns: vec![("x".to_owned(), "(".to_owned())], input: InputFormat::Html };
    assert_eq!(twice.check(&PatternCompiler::default()).unwrap_err()[0].path, [PathSegment::Key("x".to_owned())]);
    for schema in [json!(null), json!([]), json!({}), json!({"baseSelector": 1, "fields": {}})] {
        assert!(
            Extraction::Fields { language: SelectorLanguage::XPath, schema }
                .check(&PatternCompiler::default())
                .is_err()
        );
    }
}

#[test]
fn extracted_fields_are_truncated_at_the_output_limit() {
    let mut fields = json!([{"name": "t", "type": "text"}]);
    for _ in 0..8 {
        fields = json!([{"name": "n", "selector": "*", "type": "nested_list", "fields": fields}]);
    }
    let html = "<div>a".repeat(200);
    let url = Url::parse("https://shop.example/").unwrap();
    let schema = json!({"baseSelector": "*", "fields": fields});
    let extraction = Some(Extraction::Fields { language: SelectorLanguage::Css, schema });
    let page = read(&html, &url, &Options { extraction, ..Options::default() }, &Limits::default()).unwrap();
    assert!(page.truncated.is_some() && page.extracted_content.unwrap().len() < 20 * (8 * html.len() + (64 << 10)));
}
