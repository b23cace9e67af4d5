//! Headers, user agent and locale.

use super::*;

#[test]
fn header_names_are_lower_cased_in_order() {
    let options = accepted(browser(json!({"headers": {"X-B": " 1 ", "Authorization": "Bearer x", "x-none": null}})));
    let headers: Vec<_> = options.fetch.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("x-b", "1"), ("authorization", "Bearer x")]);
}

#[test]
fn invalid_headers_are_reported_without_values() {
    let parsed = browser(json!({"headers": {
        "Host": "hidden", "a b": "hidden", "x-a": "hidden\r\nx: y", "x-b": 1,
        "x-c": "x".repeat(2049), "X-D": "1", "x-d": "2",
    }}));
    let at = |name: &str, kind: &str| json!([["body", "browser_config", "headers", name], kind]);
    let value = "value_error";
    let expected = json!([
        at("Host", value),
        at("a b", value),
        at("x-a", value),
        at("x-b", "string_type"),
        at("x-c", value),
        at("x-d", value),
    ]);
    assert_eq!(errors(&parsed), expected);
    assert!(!format!("{parsed:?}").contains("hidden"));
    let many: Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect();
    assert_eq!(
        errors(&browser(json!({"headers": many}))),
        json!([[["body", "browser_config", "headers"], "too_long"]])
    );
}

#[test]
fn accept_encoding_has_no_effect() {
    let parsed = browser(json!({"headers": {"Accept-Encoding": "gzip"}}));
    assert_eq!(warned(&parsed), ["browser_config.headers.Accept-Encoding"]);
    assert!(parsed.errors.is_empty() && parsed.options.fetch.headers.is_empty());
}

#[test]
fn user_agent_has_an_order_of_precedence() {
    let agent = |browser: Value, crawler: Value| accepted(parse(Some(&browser), Some(&crawler))).fetch.user_agent;
    let both = json!({"user_agent": "b", "headers": {"User-Agent": "h"}});
    assert_eq!(agent(both.clone(), json!({"user_agent": "c"})).as_deref(), Some("c"));
    assert_eq!(agent(both, json!({})).as_deref(), Some("h"));
    assert_eq!(agent(json!({"user_agent": "b"}), json!({"user_agent": ""})).as_deref(), Some("b"));
    assert_eq!(
        errors(&crawler(json!({"user_agent": "a\nb"}))),
        json!([[["body", "crawler_config", "user_agent"], "value_error"]])
    );
}

#[test]
fn client_hint_of_crawl4ai_is_left_out() {
    let headers = |hint: &str| {
        accepted(browser(json!({"user_agent": "bot", "headers": {"sec-ch-ua": hint}}))).fetch.headers.len()
    };
    assert_eq!((headers(""), headers("\"\""), headers("\"Chromium\";v=\"120\"")), (0, 0, 1));
}

#[test]
fn locale_is_sent_unless_a_header_is_given() {
    let language = |headers: Value, locale: &str| {
        let options = accepted(parse(Some(&json!({"headers": headers})), Some(&json!({"locale": locale}))));
        options.fetch.headers.into_iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect::<Vec<_>>()
    };
    assert_eq!(language(json!({}), "de_CH"), ["accept-language: de-CH"]);
    assert_eq!(language(json!({"Accept-Language": "fr"}), "de-CH"), ["accept-language: fr"]);
    assert!(language(json!({}), "").is_empty());
    for bad in ["de CH", "de\r\nx: y", "-", "abcdefghij"] {
        assert_eq!(crawler(json!({"locale": bad})).errors.len(), 1, "{bad}");
    }
}
