//! The three formats of structured data.

use serde_json::{Value, json};

use crate::{Limits, Options, read};

fn structured(html: &str) -> Value {
    let url = url::Url::parse("https://a.example/d/").unwrap();
    let page = read(html, &url, &Options::default(), &Limits::default()).unwrap();
    page.structured_data.unwrap_or_default()
}

#[test]
fn json_ld_is_unwrapped_and_flattened() {
    let html = "<script type=application/ld+json>{\"@type\": \"A\"}</script><p><script type='Application/LD+JSON '>
        <!-- [{\"@type\": \"B\"}, 1, {\"@type\": \"C\"}]; --></script><script type=application/ld+json>{bad</script>";
    assert_eq!(structured(html), json!({"json_ld": [{"@type": "A"}, {"@type": "B"}, {"@type": "C"}]}));
}

#[test]
fn json_ld_with_raw_line_breaks_in_strings_is_read() {
    let json = "{\"a\": \"one\r\n\ttwo\u{1}\", \"b\\\\\": \"\\\"\nx\",\n\t\"c\": 1}";
    let html = format!("<script type=application/ld+json>{json}</script>");
    assert_eq!(structured(&html), json!({"json_ld": [{"a": "one\n\ttwo ", "b\\": "\"\nx", "c": 1}]}));
}

#[test]
fn microdata_items_have_types_and_properties() {
    let html = "<div itemscope itemtype='https://schema.org/Product' itemid=urn:1><h1 itemprop='name title'>Lamp</h1>
        <img itemprop=image src=/l.png><a itemprop=url href=x>x</a><time itemprop=date datetime=2026-01-02>today</time>
        <meta itemprop=sku content=42><div itemprop=offers itemscope itemtype='https://schema.org/Offer'>
        <span itemprop=price content=9.5>9,50 €</span></div><span itemprop=tag>a</span><span itemprop=tag>b</span></div>";
    let expected = json!({"microdata": [{
        "type": ["https://schema.org/Product"], "id": "urn:1",
        "properties": {
            "name": ["Lamp"], "title": ["Lamp"], "image": ["https://a.example/l.png"], "url": ["https://a.example/d/x"],
            "date": ["2026-01-02"], "sku": ["42"],
            "offers": [{"type": ["https://schema.org/Offer"], "properties": {"price": ["9.5"]}}],
            "tag": ["a", "b"],
        },
    }]});
    assert_eq!(structured(html), expected);
}

#[test]
fn opengraph_media_are_lists() {
    let html = "<meta property=og:title content=T><meta property=og:image content=1><meta property=og:image:width content=9>
        <meta property=og:image content=2><meta property=og:locale content=en><meta property=og:locale:alternate content=fr>
        <meta property=og:locale:alternate content=de>";
    let expected = json!({"opengraph": {
        "title": "T", "image": [{"url": "1", "width": "9"}, {"url": "2"}], "locale": "en",
        "locale:alternate": ["fr", "de"],
    }});
    assert_eq!(structured(html), expected);
}

#[test]
fn deeply_nested_data_is_dropped() {
    assert_eq!(structured("<p>a"), Value::Null);
    let deep = format!("<script type=application/ld+json>{{\"a\":{}1{}}}</script>", "[".repeat(90), "]".repeat(90));
    assert_eq!(structured(&deep), Value::Null);
    let items = "<div itemscope itemprop=a>".repeat(300);
    assert!(serde_json::from_str::<Value>(&structured(&items).to_string()).is_ok());
}
