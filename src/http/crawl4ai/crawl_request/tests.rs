use serde_json::{Map, json};

use super::*;
use crate::egress::Allowlist;
use opilio_actors::ports::ModelRequest;
use opilio_actors::testing::fakes::ScriptedModel;

fn open() -> Guard {
    Guard::open(Allowlist::default())
}

fn no_default_url() -> WebhookDefaults {
    WebhookDefaults { enabled: true, default_url: None, data_in_payload: false }
}

/// A policy with `guard`, and models that accept every name.
fn with_policy<T>(guard: &Guard, use_policy: impl FnOnce(RequestPolicy<'_>) -> T) -> T {
    let models = ScriptedModel { context_tokens: 2000, script: |_: &ModelRequest| None };
    use_policy(RequestPolicy { guard, models: &models })
}

fn job(body: &Value, defaults: &WebhookDefaults) -> Result<JobSpec, Rejection> {
    with_policy(&open(), |policy| CrawlRequest::for_job(body, defaults, 3, policy)).map(CrawlRequest::into_spec)
}

fn valid_job(body: Value) -> JobSpec {
    job(&body, &no_default_url()).expect("the request is valid")
}

fn sync(body: Value) -> CrawlRequest {
    with_policy(&open(), |policy| CrawlRequest::for_sync(&body, policy)).expect("the request is valid")
}

fn error_paths(body: Value) -> Vec<String> {
    let rejection = job(&body, &no_default_url()).expect_err("the request is invalid");
    rejection.errors().iter().map(|error| json!(error.loc).to_string()).collect()
}

#[test]
fn urls_are_kept_as_submitted() {
    let urls = json!(["https://example.com", "https://example.com", "raw:<p>hi"]);
    let job = valid_job(json!({ "urls": urls }));
    assert_eq!(job.urls(), ["https://example.com", "https://example.com", "raw:<p>hi"]);
    assert_eq!((job.webhook, job.warnings), (None, vec![]));
}

#[test]
fn all_invalid_fields_are_reported_at_once() {
    let paths = error_paths(json!({
        "urls": ["notaurl", "https://example.com", 7],
        "crawler_config": {"page_timeout": -1},
        "webhook_config": {"webhook_url": "ftp://x", "webhook_data_in_payload": 3, "webhook_headers": {"Host": "x"}},
    }));
    assert_eq!(
        paths,
        [
            r#"["body","urls",2]"#,
            r#"["body","crawler_config","page_timeout"]"#,
            r#"["body","webhook_config","webhook_url"]"#,
            r#"["body","webhook_config","webhook_data_in_payload"]"#,
            r#"["body","webhook_config","webhook_headers","Host"]"#,
        ]
    );
}

#[test]
fn blocked_urls_are_reported_by_path() {
    let body = json!({
        "urls": ["http://10.0.0.1/", "http://127.0.0.1/"],
        "webhook_config": {"webhook_url": "http://127.0.0.1/"},
    });
    let guard = Guard::closed(Allowlist::default());
    let parsed = with_policy(&guard, |policy| CrawlRequest::for_job(&body, &no_default_url(), 3, policy));
    let rejection = parsed.expect_err("all URLs are blocked");
    let errors: Value = rejection.errors().iter().map(|error| json!([error.loc, error.kind])).collect();
    let expected = json!([
        [["body", "urls", 0], "url_blocked"],
        [["body", "urls", 1], "url_blocked"],
        [["body", "webhook_config", "webhook_url"], "url_blocked"],
    ]);
    assert_eq!(errors, expected);
}

#[test]
fn invalid_url_lists_are_errors() {
    let too_long = vec!["https://example.com"; 4];
    for urls in [json!(null), json!("nothing"), json!([]), json!(too_long), json!({"0": "https://example.com"})] {
        assert_eq!(error_paths(json!({ "urls": urls })), [r#"["body","urls"]"#], "{urls}");
    }
    assert_eq!(error_paths(json!([])), [r#"["body"]"#]);
}

#[test]
fn single_string_counts_as_a_list_of_one() {
    for body in [json!({"urls": "raw:x"}), json!({"url": "raw:x"}), json!({"urls": null, "url": ["raw:x"]})] {
        let job = valid_job(body.clone());
        assert_eq!((job.urls(), job.warnings.len()), (&["raw:x".to_owned()][..], 0), "{body}");
    }
    let both = valid_job(json!({"urls": "raw:x", "url": "raw:y"}));
    assert_eq!((both.urls(), &*both.warnings[0].key), (&["raw:x".to_owned()][..], "url"));
    assert_eq!(error_paths(json!({"url": "nothing"})), [r#"["body","url"]"#]);
}

#[test]
fn invalid_urls_are_accepted_beside_a_valid_one() {
    let too_long = format!("https://example.com/{}", "x".repeat(8192));
    for invalid in ["notaurl", "ftp://example.com/", "", "raw: ", &too_long] {
        let urls = json!([invalid, "https://example.com/"]);
        assert_eq!(json!(valid_job(json!({ "urls": urls })).urls()), urls, "{invalid}");
        assert_eq!(error_paths(json!({"urls": [invalid]})), [r#"["body","urls",0]"#], "{invalid}");
    }
    assert_eq!(error_paths(json!({"urls": ["https://example.com/", null]})), [r#"["body","urls",1]"#]);
}

#[test]
fn unknown_keys_give_warnings() {
    let job = valid_job(json!({"urls": ["https://example.com"], "priority": 10, "hooks": {"hooks": [], "x": 1}}));
    let keys: Vec<_> = job.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, ["hooks.x", "priority"]);
    let crawl = sync(json!({"urls": ["a.example"], "max_concurrent": 3, "priority": 5, "wait_for": "x"}));
    let keys: Vec<_> = crawl.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, ["max_concurrent", "priority", "wait_for"]);
}

#[test]
fn warnings_beyond_the_limit_are_counted() {
    let unknown = (0..5000).map(|number| (format!("{number:0>100}"), json!(1)));
    let hook: Map<_, _> = unknown.clone().chain([("webhook_url".to_owned(), json!("http://a.example"))]).collect();
    let body: Map<_, _> = unknown.chain([("urls".to_owned(), json!(["raw:x"]))]).collect();
    let mut body = Value::Object(body);
    body["webhook_config"] = Value::Object(hook);
    let job = valid_job(body);
    assert!(job.warnings.len() == 101 && job.warnings.iter().all(|warning| warning.key.chars().count() <= 80));
    assert_eq!(job.warnings[100].reason, "and 9900 more keys without effect");
}

#[test]
fn default_receiver_applies_without_webhook_config() {
    let url = "http://receiver.example/hook".parse().ok();
    let defaults = WebhookDefaults { enabled: true, default_url: url, data_in_payload: true };
    let body = json!({"urls": ["https://example.com"]});
    let target = job(&body, &defaults).expect("the request is valid").webhook.expect("the default");
    assert!(target.trusted && target.data_in_payload);
    let disabled = WebhookDefaults { enabled: false, ..defaults };
    assert_eq!(job(&body, &disabled).expect("the request is valid").webhook, None);
}

#[test]
fn sync_crawl_adds_a_scheme_to_bare_hosts() {
    let crawl = sync(json!({"urls": ["example.com/x?u=http://b", "http://a.example", "raw:<p>hi"]}));
    let job = crawl.into_spec();
    assert_eq!(job.urls(), ["https://example.com/x?u=http://b", "http://a.example", "raw:<p>hi"]);
    assert_eq!((job.webhook, job.warnings), (None, vec![]));
}

#[test]
fn sync_crawl_reads_stream_in_each_form() {
    for config in [
        json!({"stream": true}),
        json!({"type": "CrawlerRunConfig", "params": {"stream": true}}),
        json!({"type": "dict", "value": {"stream": true}}),
    ] {
        let crawl = sync(json!({"urls": ["https://a.example"], "crawler_config": config}));
        assert!(crawl.stream && crawl.warnings.is_empty(), "{config}");
    }
    assert!(!sync(json!({"urls": ["a.example"]})).stream);
    let job = valid_job(json!({"urls": ["https://a.example"], "crawler_config": {"stream": true}}));
    assert_eq!(job.warnings[0].key, "crawler_config.stream");
}

#[test]
fn hooks_apply_to_every_page() {
    let hooks = json!({"hooks": [{"action": "set_headers", "params": {"headers": {"X-A": "1"}}}], "timeout": 30});
    let configs = json!([{"url_matcher": "*b.example*", "page_timeout": 2000}]);
    let body = json!({"urls": ["http://a.example", "http://b.example"], "hooks": hooks, "crawler_configs": configs});
    let job = valid_job(body.clone());
    let crawl = job.task.get::<CrawlSpec>().expect("a crawl");
    for index in [0, 1] {
        assert_eq!(crawl.options_of(index).fetch.headers[0].0, "x-a");
    }
    assert_eq!(sync(body).hooks.attached(), Some(&["before_goto"][..]));
    assert_eq!(error_paths(json!({"urls": ["raw:x"], "hooks": "x"})), [r#"["body","hooks"]"#]);
}

#[test]
fn one_configuration_applies_to_the_urls_that_it_matches() {
    let config = json!({"url_matcher": ["*a.example*", "*/x"], "match_mode": "and", "page_timeout": 1000,
        "semaphore_count": 2});
    let urls = ["http://a.example/x", "http://a.example/y", "http://b.example/x"];
    let body = json!({"urls": urls, "browser_config": {"user_agent": "bot"}, "crawler_config": config});
    let job = valid_job(body);
    let crawl = job.task.get::<CrawlSpec>().expect("a crawl");
    let timeouts = [0, 1, 2].map(|index| crawl.options_of(index).fetch.page_timeout.map(|time| time.as_secs()));
    assert_eq!(timeouts, [Some(1), None, None]);
    assert!((0..3).all(|index| crawl.options_of(index).fetch.user_agent.as_deref() == Some("bot")));
    assert_eq!(crawl.options.concurrency.map(usize::from), Some(2));
    assert_eq!(crawl.variants.len(), 1);
}

#[test]
fn sync_crawl_has_options_per_url() {
    let configs = json!([{"url_matcher": "*b.example*", "page_timeout": 2000}]);
    let crawl = sync(json!({"urls": ["a.example", "b.example"], "crawler_configs": configs})).crawl;
    let timeouts = [0, 1].map(|index| crawl.options_of(index).fetch.page_timeout.map(|time| time.as_secs()));
    assert_eq!(timeouts, [None, Some(2)]);
}
