//! Cookies.

use opilio_actors::domain::crawl_options::Cookie;

use super::*;

#[test]
fn cookies_are_parsed_in_each_form() {
    let cookies =
        |cookie: Value| accepted(browser(json!({"cookies": [{"type": "dict", "value": cookie}]}))).fetch.cookies;
    let expected = |domain: &str, host_only: bool, path: &str, secure: bool| {
        let (name, value) = ("sid".to_owned(), opilio_actors::domain::secret::Secret::new("v"));
        vec![Cookie { name, value, domain: domain.to_owned(), host_only, path: path.to_owned(), secure }]
    };
    for (cookie, read) in [
        (
            json!({"name": "sid", "value": "v", "url": "https://A.example/x/y?z"}),
            expected("a.example", true, "/x/", true),
        ),
        (json!({"name": "sid", "value": "v", "url": "http://127.0.0.1:80"}), expected("127.0.0.1", true, "/", false)),
        (
            json!({"name": "sid", "value": "v", "domain": "a.example", "path": "/"}),
            expected("a.example", true, "/", false),
        ),
        (
            json!({"name": "sid", "value": "v", "domain": ".A.example", "path": "/x", "secure": true, "httpOnly": true,
                "sameSite": "Lax", "expires": -1}),
            expected("a.example", false, "/x", true),
        ),
    ] {
        assert_eq!(cookies(cookie), read);
    }
}

#[test]
fn invalid_cookies_are_reported_without_values() {
    let at = |index: usize, field: &str, kind: &str| json!([["body", "browser_config", "cookies", index, field], kind]);
    let url = "https://a.example";
    let parsed = browser(json!({"cookies": [
        {"value": "hidden", "url": url},
        {"name": "a b", "value": 1, "url": url},
        {"name": "a", "value": "hidden;", "url": "file:///x"},
        {"name": "a", "value": "hidden\n", "domain": "a.example:80"},
        {"name": "a", "value": "hidden", "domain": "a.example", "path": "x", "secure": 1},
        {"name": "a", "value": "hidden"},
        "a=b",
    ]}));
    let expected = json!([
        at(0, "name", "missing"),
        at(1, "name", "value_error"),
        at(1, "value", "string_type"),
        at(2, "value", "value_error"),
        at(2, "url", "value_error"),
        at(3, "value", "value_error"),
        at(3, "domain", "value_error"),
        at(4, "path", "value_error"),
        [["body", "browser_config", "cookies", 5], "value_error"],
        [["body", "browser_config", "cookies", 6], "dict_type"],
    ]);
    assert_eq!(errors(&parsed), expected);
    assert!(!format!("{parsed:?}").contains("hidden"));
    let odd = browser(json!({"cookies": [{"name": "a", "value": "b", "url": url, "colour": 1}]}));
    assert_eq!(warned(&odd), ["browser_config.cookies.0.colour"]);
    let many = json!({"cookies": vec![json!({}); 301]});
    assert_eq!(errors(&browser(many)), json!([[["body", "browser_config", "cookies"], "too_long"]]));
}
