//! Invalid requests to the real binary, one row each: the status, and the fields that `detail` names.

mod support;

use opilio_actors::domain::text::visible;
use serde_json::{Map, Value, json};
use support::{TestServer, TestSite};

/// A name, the request body, and the locations that the `422` lists, each joined with dots.
type Case = (&'static str, Value, &'static [&'static str]);

#[actix::test]
async fn every_invalid_field_of_a_crawl_job_is_listed() {
    let server = TestServer::start().await;
    let table: Vec<Case> = urls().into_iter().chain(webhooks()).chain(configurations()).chain(several()).collect();
    assert!(table.len() >= 40, "{}", table.len());
    for (name, body, locations) in table {
        let (status, response) = server.post("/crawl/job", body).await;
        assert_eq!((status, locations_of(&response)), (422, sorted(locations)), "{name}: {response}");
    }
    let headers = webhook_headers();
    for (name, value, location) in headers {
        let webhook = json!({"webhook_url": "http://127.0.0.1:1/", "webhook_headers": {name: value}});
        let (status, response) = server.post("/crawl/job", json!({"urls": ["raw:x"], "webhook_config": webhook})).await;
        let location = format!("body.webhook_config.webhook_headers.{}", visible(location));
        assert_eq!((status, locations_of(&response)), (422, vec![location]), "{name:?}: {response}");
        assert!(!response.to_string().contains("a secret"), "{name:?}: {response}");
    }
    assert_eq!(server.get("/jobs").await.1["jobs"], json!([]), "no job was started");
}

fn urls() -> Vec<Case> {
    let page = "https://example.com";
    vec![
        ("an empty object", json!({}), &["body.urls"]),
        ("null as the body", json!(null), &["body"]),
        ("a list as the body", json!([page]), &["body"]),
        ("a string as the body", json!(page), &["body"]),
        ("null for urls", json!({"urls": null}), &["body.urls"]),
        ("a string for urls", json!({"urls": page}), &["body.urls"]),
        ("an object for urls", json!({"urls": {"0": page}}), &["body.urls"]),
        ("a number for urls", json!({"urls": 1}), &["body.urls"]),
        ("no urls", json!({"urls": []}), &["body.urls"]),
        ("10,001 urls", json!({"urls": vec![page; 10_001]}), &["body.urls"]),
        ("a number for a url", json!({"urls": [7]}), &["body.urls.0"]),
        ("null for a url", json!({"urls": [page, null]}), &["body.urls.1"]),
        ("an empty url", json!({"urls": [""]}), &["body.urls.0"]),
        ("a list for a url", json!({"urls": [[page]]}), &["body.urls.0"]),
        ("a word for a url", json!({"urls": ["notaurl"]}), &["body.urls.0"]),
        ("a relative url", json!({"urls": ["/article"]}), &["body.urls.0"]),
        ("a url without a scheme", json!({"urls": ["//example.com/"]}), &["body.urls.0"]),
        ("an ftp url", json!({"urls": ["ftp://example.com/x"]}), &["body.urls.0"]),
        ("a file", json!({"urls": ["file:///etc/passwd"]}), &["body.urls.0"]),
        ("a script", json!({"urls": ["javascript:alert(1)"]}), &["body.urls.0"]),
        ("a url without a host", json!({"urls": ["http://"]}), &["body.urls.0"]),
        ("an invalid port", json!({"urls": ["http://example.com:99999/"]}), &["body.urls.0"]),
        ("a space in the host", json!({"urls": ["http://exa mple.com/"]}), &["body.urls.0"]),
        ("an empty raw page", json!({"urls": ["raw:  "]}), &["body.urls.0"]),
    ]
}

fn webhooks() -> Vec<Case> {
    let case = |name: &'static str, webhook: Value, locations: &'static [&'static str]| -> Case {
        (name, json!({"urls": ["raw:x"], "webhook_config": webhook}), locations)
    };
    let url = "http://127.0.0.1:1/hook";
    let many: Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("a"))).collect();
    vec![
        case("a string for the webhook", json!(url), &["body.webhook_config"]),
        case("no webhook_url", json!({}), &["body.webhook_config.webhook_url"]),
        case("null for webhook_url", json!({"webhook_url": null}), &["body.webhook_config.webhook_url"]),
        case("a number for webhook_url", json!({"webhook_url": 7}), &["body.webhook_config.webhook_url"]),
        case("an empty webhook_url", json!({"webhook_url": ""}), &["body.webhook_config.webhook_url"]),
        case("a relative webhook_url", json!({"webhook_url": "/hook"}), &["body.webhook_config.webhook_url"]),
        case("an ftp webhook_url", json!({"webhook_url": "ftp://a.example/"}), &["body.webhook_config.webhook_url"]),
        case("a raw webhook_url", json!({"webhook_url": "raw:<p>"}), &["body.webhook_config.webhook_url"]),
        case(
            "a string for a boolean",
            json!({"webhook_url": url, "webhook_data_in_payload": "yes"}),
            &["body.webhook_config.webhook_data_in_payload"],
        ),
        case(
            "a list for headers",
            json!({"webhook_url": url, "webhook_headers": [["a", "b"]]}),
            &["body.webhook_config.webhook_headers"],
        ),
        case(
            "21 headers",
            json!({"webhook_url": url, "webhook_headers": many}),
            &["body.webhook_config.webhook_headers"],
        ),
    ]
}

/// A header's name, its value, and the name as `detail` gives it.
fn webhook_headers() -> Vec<(&'static str, Value, &'static str)> {
    let forbidden = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "content-type",
        "cookie",
        "proxy-authorization",
        "expect",
        "upgrade",
        "te",
        "trailer",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "Host",
        "Content-Type",
        "WEBHOOK-SIGNATURE",
    ];
    let mut table: Vec<_> = forbidden.into_iter().map(|name| (name, json!("a secret"), name)).collect();
    for name in ["", "a b", "a:", "a\r\nb", "ä", "a(b)"] {
        table.push((name, json!("a secret"), name));
    }
    for value in ["a secret\n", "a secret\r\nhost: b", "a secret\u{0}", "a secret\t", "a secret\u{7f}"] {
        table.push(("x-secret", json!(value), "x-secret"));
    }
    table.push(("x-secret", json!("a secret".repeat(257)), "x-secret"));
    for value in [json!(7), json!(true), json!(null), json!(["a secret"])] {
        table.push(("x-secret", value, "x-secret"));
    }
    table
}

fn configurations() -> Vec<Case> {
    let crawler = |name: &'static str, config: Value, locations: &'static [&'static str]| -> Case {
        (name, json!({"urls": ["raw:x"], "crawler_config": config}), locations)
    };
    let browser = |name: &'static str, config: Value, locations: &'static [&'static str]| -> Case {
        (name, json!({"urls": ["raw:x"], "browser_config": config}), locations)
    };
    vec![
        crawler("a list for the configuration", json!([]), &["body.crawler_config"]),
        crawler(
            "the configuration of the browser",
            json!({"type": "BrowserConfig", "params": {}}),
            &["body.crawler_config"],
        ),
        crawler(
            "code over the network",
            json!({"fallback_fetch_function": "os.system"}),
            &["body.crawler_config.fallback_fetch_function"],
        ),
        crawler(
            "a proxy",
            json!({"proxy_config": {"server": "http://127.0.0.1:1"}}),
            &["body.crawler_config.proxy_config"],
        ),
        crawler(
            "a proxy in its wrapper",
            json!({"type": "CrawlerRunConfig", "params": {"proxy_config": {"type": "dict", "value": {"server": "x"}}}}),
            &["body.crawler_config.proxy_config"],
        ),
        crawler("another method", json!({"method": "POST"}), &["body.crawler_config.method"]),
        crawler("an unknown cache mode", json!({"cache_mode": "sometimes"}), &["body.crawler_config.cache_mode"]),
        crawler("a word for a timeout", json!({"page_timeout": "soon"}), &["body.crawler_config.page_timeout"]),
        crawler("a negative timeout", json!({"page_timeout": -1}), &["body.crawler_config.page_timeout"]),
        crawler("too many retries", json!({"max_retries": 101}), &["body.crawler_config.max_retries"]),
        crawler("half a retry", json!({"max_retries": 0.5}), &["body.crawler_config.max_retries"]),
        crawler("an invalid base_url", json!({"base_url": "notaurl"}), &["body.crawler_config.base_url"]),
        crawler("a user agent of two lines", json!({"user_agent": "a\nb"}), &["body.crawler_config.user_agent"]),
        browser("a string for the configuration", json!("chromium"), &["body.browser_config"]),
        browser("another browser", json!({"cdp_url": "http://127.0.0.1:1"}), &["body.browser_config.cdp_url"]),
        browser("a profile folder", json!({"user_data_dir": "/etc"}), &["body.browser_config.user_data_dir"]),
        browser("flags", json!({"extra_args": ["--no-sandbox"]}), &["body.browser_config.extra_args"]),
        browser("a list for headers", json!({"headers": ["a"]}), &["body.browser_config.headers"]),
        browser("a reserved header", json!({"headers": {"Host": "a"}}), &["body.browser_config.headers.Host"]),
    ]
}

fn several() -> Vec<Case> {
    vec![
        (
            "invalid fields in every part",
            json!({
                "urls": ["notaurl", "https://example.com", 7],
                "browser_config": {"extra_args": ["a"], "headers": {"Host": "a", "x": "a\nb"}},
                "crawler_config": {"method": "PUT", "page_timeout": []},
                "webhook_config": {"webhook_url": "ftp://x", "webhook_data_in_payload": 3, "webhook_headers": {"te": 1}},
            }),
            &[
                "body.urls.0",
                "body.urls.2",
                "body.browser_config.extra_args",
                "body.browser_config.headers.Host",
                "body.browser_config.headers.x",
                "body.crawler_config.method",
                "body.crawler_config.page_timeout",
                "body.webhook_config.webhook_url",
                "body.webhook_config.webhook_data_in_payload",
                "body.webhook_config.webhook_headers.te",
            ],
        ),
        (
            "no valid field",
            json!({"webhook_config": {}, "crawler_config": 1, "browser_config": 2}),
            &["body.urls", "body.webhook_config.webhook_url", "body.crawler_config", "body.browser_config"],
        ),
    ]
}

/// A name, the headers and the body sent, the status expected, and a part of `detail`.
type Sent<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, u16, &'a str);

#[actix::test]
async fn unreadable_bodies_are_rejected_with_the_reason() {
    let server = TestServer::start().await;
    let json = ("content-type", "application/json");
    let huge = format!("{{\"urls\": [\"raw:{}\"]}}", "x".repeat(11 << 20)).into_bytes();
    let table: [Sent; 12] = [
        ("empty", &[json], vec![], 400, "not JSON"),
        ("cut off", &[json], b"{\"urls\": [".to_vec(), 400, "not JSON"),
        ("two of them", &[json], b"{} {}".to_vec(), 400, "not JSON"),
        ("single quotes", &[json], b"{'urls': []}".to_vec(), 400, "not JSON"),
        ("not UTF-8", &[json], b"{\"urls\": [\"raw:\xff\"]}".to_vec(), 400, "not JSON"),
        ("half a surrogate", &[json], b"{\"urls\": [\"raw:\\ud800\"]}".to_vec(), 400, "not JSON"),
        ("a number out of range", &[json], b"{\"urls\": 1e999}".to_vec(), 400, "not JSON"),
        ("nested 100,000 deep", &[json], "[".repeat(100_000).into_bytes(), 400, "nested more than"),
        ("no type", &[], b"{}".to_vec(), 415, "application/json"),
        ("a form", &[("content-type", "application/x-www-form-urlencoded")], b"urls=x".to_vec(), 415, "json"),
        ("plain text", &[("content-type", "text/plain")], b"{}".to_vec(), 415, "json"),
        ("too large", &[json], huge, 413, "larger than"),
    ];
    for (name, headers, body, status, part) in table {
        for path in ["/crawl/job", "/deliveries/replay"] {
            let (found, _, response) = server.request("POST", path, headers, body.clone()).await;
            let detail = response["detail"].as_str().unwrap_or_default();
            assert!(found == status && detail.contains(part), "{name} to {path}: {found} {response}");
        }
    }
}

#[actix::test]
async fn invalid_idempotency_key_is_listed_with_the_invalid_fields() {
    let server = TestServer::start().await;
    let long = "k".repeat(256);
    for key in ["", "a b", &long, "ä"] {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        for (body, locations) in [
            (json!({"urls": ["raw:x"]}), &["header.Idempotency-Key"][..]),
            (json!({"urls": []}), &["body.urls", "header.Idempotency-Key"]),
        ] {
            let (status, _, response) =
                server.request("POST", "/crawl/job", &headers, body.to_string().into_bytes()).await;
            assert_eq!((status, locations_of(&response)), (422, sorted(locations)), "{key:?}: {response}");
        }
    }
}

#[actix::test]
async fn invalid_query_and_replay_parameters_are_listed() {
    let server = TestServer::start().await;
    let lists: [(&str, &[&str]); 6] = [
        ("/jobs?status=odd", &["query.status"]),
        ("/jobs?type=odd&webhook=odd", &["query.type", "query.webhook"]),
        ("/jobs?cursor=odd", &["query.cursor"]),
        ("/jobs?limit=0", &["query.limit"]),
        ("/jobs?limit=many&status=", &["query.limit", "query.status"]),
        ("/jobs?limit=1&limit=2", &["query"]),
    ];
    for (path, locations) in lists {
        let (status, response) = server.get(path).await;
        assert_eq!((status, locations_of(&response)), (422, sorted(locations)), "{path}: {response}");
    }
    // The message lists the accepted values.
    let (_, response) = server.get("/jobs?limit=many&type=odd").await;
    let messages: Vec<_> = response["detail"].as_array().expect("a list").iter().map(|error| &error["msg"]).collect();
    assert_eq!(messages, ["must be one of crawl, llm_extraction", "must be an integer from 1 to 1000"]);
    let replays: [(Value, &[&str]); 7] = [
        (json!([]), &["body"]),
        (json!("exhausted"), &["body"]),
        (json!({"state": "odd"}), &["body.state"]),
        (json!({"state": "waiting"}), &["body.state"]),
        (json!({"state": 7, "since": 7, "receiver": 7}), &["body.state", "body.since", "body.receiver"]),
        (json!({"since": "yesterday"}), &["body.since"]),
        (json!({"receiver": "notaurl"}), &["body.receiver"]),
    ];
    for (body, locations) in replays {
        let (status, response) = server.post("/deliveries/replay", body.clone()).await;
        assert_eq!((status, locations_of(&response)), (422, sorted(locations)), "{body}: {response}");
    }
}

#[actix::test]
async fn unknown_jobs_paths_and_methods_have_a_detail() {
    let server = TestServer::start().await;
    let unknown = "crawl_01kasbx3v0j1m8f4c5q9w2e7rt";
    for id in ["crawl_nope", unknown, "x", "..", "%00", "crawl_%ff"] {
        for (method, path) in [
            ("GET", format!("/crawl/job/{id}")),
            ("DELETE", format!("/crawl/job/{id}")),
            ("GET", format!("/llm/job/{id}")),
            ("DELETE", format!("/llm/job/{id}")),
            ("POST", format!("/jobs/{id}/rerun")),
            ("GET", format!("/jobs/{id}/deliveries")),
            ("POST", format!("/jobs/{id}/deliveries")),
        ] {
            let (status, _, response) = server.request(method, &path, &[], vec![]).await;
            // The client resolves `..`, so the request has an unknown path or a wrong method.
            let text = if id == ".." { &response["detail"] } else { &json!("Task not found") };
            assert!(
                matches!(status, 404 | 405) && response["detail"].is_string(),
                "{method} {path}: {status} {response}"
            );
            assert_eq!(&response["detail"], text, "{method} {path}");
        }
    }
    for path in ["/nowhere", "/nowhere/", "/crawls", "/CRAWL/JOB", "/jobs/x"] {
        let (status, response) = server.get(path).await;
        assert_eq!((status, &response), (404, &json!({"detail": "Not Found"})), "{path}");
    }
    for (method, path, allowed) in [
        ("GET", "/crawl/job", "POST"),
        ("PUT", "/crawl/job", "POST"),
        ("POST", "/crawl/job/crawl_x", "GET, DELETE"),
        ("PATCH", "/llm/job/llm_x", "GET, DELETE"),
        ("POST", "/jobs", "GET"),
        ("GET", "/jobs/crawl_x/rerun", "POST"),
        ("DELETE", "/jobs/crawl_x/deliveries", "GET, POST"),
        ("GET", "/deliveries/replay", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/ready", "GET"),
        ("POST", "/metrics", "GET"),
    ] {
        let (status, headers, response) = server.request(method, path, &[], vec![]).await;
        assert_eq!((status, &response), (405, &json!({"detail": "Method Not Allowed"})), "{method} {path}");
        assert_eq!(headers.get("allow").and_then(|value| value.to_str().ok()), Some(allowed), "{method} {path}");
    }
}

#[actix::test]
async fn requests_that_no_longer_apply_are_conflicts() {
    let (server, site) = (TestServer::start().await, TestSite::start());
    let webhook = json!({"webhook_url": site.webhook_url()});
    let body = json!({"urls": ["raw:<p>x"], "webhook_config": webhook});
    let (_, settled) = server.post_with_key("/crawl/job", "k", body).await;
    let settled = settled["task_id"].as_str().expect("an id").to_owned();
    site.next_webhook().await;
    let body = json!({"urls": [site.url("/gated")]});
    let (_, without_webhook) = server.post("/crawl/job", body.clone()).await;
    let without_webhook = without_webhook["task_id"].as_str().expect("an id").to_owned();
    site.wait_for_gated_request().await;
    for (name, (status, response)) in [
        ("a settled job is cancelled", server.delete(&format!("/crawl/job/{settled}")).await),
        ("a key is reused", server.post_with_key("/crawl/job", "k", body).await),
        ("a replay without a webhook", server.post(&format!("/jobs/{without_webhook}/deliveries"), Value::Null).await),
    ] {
        assert!(status == 409 && response["detail"].is_string(), "{name}: {status} {response}");
    }
}

/// The locations that the `detail` of a response lists, sorted.
fn locations_of(response: &Value) -> Vec<String> {
    let errors = response["detail"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut locations: Vec<_> = errors.iter().map(location).collect();
    locations.sort();
    locations
}

fn location(error: &Value) -> String {
    for key in ["msg", "type"] {
        assert!(error[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {error}");
    }
    let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    let loc = error["loc"].as_array().expect("a list of steps");
    loc.iter().map(step).collect::<Vec<_>>().join(".")
}

fn sorted(locations: &[&str]) -> Vec<String> {
    let mut locations: Vec<_> = locations.iter().map(ToString::to_string).collect();
    locations.sort();
    locations
}
