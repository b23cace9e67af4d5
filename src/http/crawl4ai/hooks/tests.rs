use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::secret::Secret;
use serde_json::json;

use super::*;
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::Rejection;

fn parse(value: &Value) -> (Hooks, Report) {
    let mut report = Report::default();
    (super::parse(value, &FieldPath::body().child("hooks"), &mut report), report)
}

/// The options after valid hooks were applied.
#[track_caller]
fn applied(value: &Value) -> CrawlOptions {
    let (hooks, report) = parse(value);
    assert_eq!(report.into_parts(), (None, vec![]), "{value}");
    let mut options = CrawlOptions::default();
    hooks.apply(&mut options);
    options
}

fn error(value: &Value) -> (String, &'static str) {
    let (rejection, _) = parse(value).1.into_parts();
    let errors = rejection.as_ref().map(Rejection::errors).unwrap_or_default();
    assert_eq!(errors.len(), 1, "{value}: {errors:?}");
    (serde_json::to_string(&errors[0].loc).expect("JSON"), errors[0].kind)
}

#[test]
fn headers_replace_those_of_the_same_name() {
    let set = |headers: Value| json!({"action": "set_headers", "params": {"headers": headers}});
    let hooks = json!({"hooks": [set(json!({"X-A": "1", "User-Agent": "bot"})), set(json!({"x-a": " 2 "}))]});
    let fetch = applied(&hooks).fetch;
    assert_eq!(fetch.headers, [("x-a".to_owned(), Secret::new("2"))]);
    assert_eq!(fetch.user_agent.as_deref(), Some("bot"));
}

#[test]
fn cookies_are_secure_unless_they_say_otherwise() {
    let cookies = json!([
        {"name": "a", "value": "1", "domain": "a.example"},
        {"name": "b", "value": "2", "domain": ".a.example", "secure": false, "httpOnly": true, "path": "/x"},
        {"name": "a", "value": "3", "domain": "a.example"},
    ]);
    let hook = json!({"action": "add_cookies", "params": {"cookies": cookies}});
    let cookies = applied(&json!([hook])).fetch.cookies;
    let found: Vec<_> = cookies.iter().map(|cookie| (&*cookie.name, cookie.value.expose(), cookie.secure)).collect();
    assert_eq!(found, [("b", "2", false), ("a", "3", true)]);
}

#[test]
fn blocked_resources_change_no_request() {
    let hook = json!({"action": "block_resources", "params": {"resource_types": ["image", "font"]}});
    let hooks = json!({"hooks": [hook], "timeout": 30});
    assert_eq!(applied(&hooks), CrawlOptions::default());
    assert_eq!(parse(&hooks).0.attached(), Some(&["on_page_context_created"][..]));
    for none in [json!({}), json!([]), json!({"code": {}, "timeout": 30}), json!({"hooks": null})] {
        applied(&none);
        assert_eq!(parse(&none).0.attached(), None, "{none}");
    }
}

#[test]
fn invalid_hooks_are_errors_at_their_place() {
    let of = |hook: Value| json!({"hooks": [hook]});
    let cookies = |list: Value| of(json!({"action": "add_cookies", "params": {"cookies": list}}));
    let headers = |map: Value| of(json!({"action": "set_headers", "params": {"headers": map}}));
    for (value, path, kind) in [
        (json!("x"), r#"["body","hooks"]"#, "dict_type"),
        (json!({"hooks": {}}), r#"["body","hooks","hooks"]"#, "list_type"),
        (json!({"timeout": 121}), r#"["body","hooks","timeout"]"#, "value_error"),
        (json!({"hooks": vec![json!({}); 11]}), r#"["body","hooks","hooks"]"#, "too_long"),
        (json!({"code": {"on_page": "async def hook(): pass"}}), r#"["body","hooks","code"]"#, "not_supported"),
        (of(json!("x")), r#"["body","hooks","hooks",0]"#, "dict_type"),
        (of(json!({})), r#"["body","hooks","hooks",0,"action"]"#, "missing"),
        (of(json!({"action": "run"})), r#"["body","hooks","hooks",0,"action"]"#, "value_error"),
        (of(json!({"action": "scroll_to_bottom"})), r#"["body","hooks","hooks",0,"action"]"#, "not_supported"),
        (
            of(json!({"action": "block_resources", "params": {"resource_types": ["script"]}})),
            r#"["body","hooks","hooks",0,"params","resource_types",0]"#,
            "value_error",
        ),
        (cookies(json!([])), r#"["body","hooks","hooks",0,"params","cookies"]"#, "too_short"),
        (
            cookies(json!([{"name": "a", "value": "b"}])),
            r#"["body","hooks","hooks",0,"params","cookies",0]"#,
            "value_error",
        ),
        (headers(json!({"Host": "x"})), r#"["body","hooks","hooks",0,"params","headers","Host"]"#, "value_error"),
        (headers(json!({"x-a": 1})), r#"["body","hooks","hooks",0,"params","headers","x-a"]"#, "string_type"),
    ] {
        assert_eq!(error(&value), (path.to_owned(), kind), "{value}");
    }
}
