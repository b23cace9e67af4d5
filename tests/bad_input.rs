//! Invalid requests to the real binary, one row each: the status, and the fields that `detail` names.

mod support;

use std::io::Write;

use opilio_actors::domain::text::visible;
use serde_json::{Map, Value, json};
use support::{TestServer, TestSite};

/// A name, the request body, and the locations that the `422` lists, each joined with dots.
type Case = (&'static str, Value, &'static [&'static str]);

#[actix::test]
async fn every_invalid_field_of_a_crawl_job_is_listed() {
    let server = TestServer::start().await;
    let table: Vec<Case> = urls().into_iter().chain(webhooks()).chain(configurations()).chain(several()).collect();
    assert!(table.len() >= 35, "{}", table.len());
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
        ("a word for urls", json!({"urls": "notaurl"}), &["body.urls"]),
        ("a relative url in url", json!({"url": "/article"}), &["body.url"]),
        (
            "8,193 bytes for a url",
            json!({"urls": [format!("https://example.com/{}", "x".repeat(8173))]}),
            &["body.urls.0"],
        ),
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
            json!({"webhook_url": url, "webhook_data_in_payload": "maybe"}),
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
        crawler("an unknown cache mode", json!({"cache_mode": "sometimes"}), &["body.crawler_config.cache_mode"]),
        crawler("a word for a timeout", json!({"page_timeout": "soon"}), &["body.crawler_config.page_timeout"]),
        crawler("a negative timeout", json!({"page_timeout": -1}), &["body.crawler_config.page_timeout"]),
        crawler("negative retries", json!({"max_retries": -1}), &["body.crawler_config.max_retries"]),
        crawler("half a retry", json!({"max_retries": 0.5}), &["body.crawler_config.max_retries"]),
        crawler("an invalid base_url", json!({"base_url": "notaurl"}), &["body.crawler_config.base_url"]),
        crawler("a user agent of two lines", json!({"user_agent": "a\nb"}), &["body.crawler_config.user_agent"]),
        browser("a string for the configuration", json!("chromium"), &["body.browser_config"]),
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
                "crawler_config": {"pdf": true, "page_timeout": []},
                "webhook_config": {"webhook_url": "ftp://x", "webhook_data_in_payload": 3, "webhook_headers": {"te": 1}},
            }),
            &[
                "body.urls.2",
                "body.browser_config.headers.Host",
                "body.browser_config.headers.x",
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

#[actix::test]
async fn unsupported_keys_are_a_sentence_with_all_of_them() {
    let server = TestServer::start().await;
    let rows: [(Value, Value, &str, &[&str]); 7] = [
        (
            json!({}),
            json!({"session_id": "s"}),
            "session_id is not available yet; send cookies and headers instead",
            &["body.crawler_config.session_id"],
        ),
        (
            json!({}),
            json!({"fallback_fetch_function": "os.system"}),
            "fallback_fetch_function is not supported",
            &["body.crawler_config.fallback_fetch_function"],
        ),
        (
            json!({}),
            json!({"type": "CrawlerRunConfig", "params": {"proxy_config": {"type": "dict", "value": {"server": "a secret"}}}}),
            "proxy_config is not available yet",
            &["body.crawler_config.proxy_config"],
        ),
        (
            json!({"cdp_url": "http://127.0.0.1:1"}),
            json!({}),
            "cdp_url is not supported",
            &["body.browser_config.cdp_url"],
        ),
        (
            json!({"user_data_dir": "/etc"}),
            json!({}),
            "user_data_dir is not supported",
            &["body.browser_config.user_data_dir"],
        ),
        (
            json!({"extra_args": ["--proxy-server=a secret"]}),
            json!({}),
            "extra_args is supported only",
            &["body.browser_config.extra_args"],
        ),
        (
            json!({"storage_state": {"cookies": ["a secret"]}}),
            json!({"screenshot": true, "js_code": "x", "extraction_strategy": {"type": "CosineStrategy", "params": {}}}),
            "storage_state is not available yet",
            &[
                "body.browser_config.storage_state",
                "body.crawler_config.screenshot",
                "body.crawler_config.js_code",
                "body.crawler_config.extraction_strategy",
            ],
        ),
    ];
    for (browser, crawler, sentence, locations) in rows {
        for path in ["/crawl/job", "/crawl", "/crawl/stream"] {
            let body = json!({"urls": ["raw:x"], "browser_config": browser, "crawler_config": crawler});
            let (status, response) = server.post(path, body).await;
            let detail = response["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.starts_with(sentence), "{path}: {status} {response}");
            assert_eq!(response["errors"][0]["msg"], detail, "{path}: {response}");
            assert_eq!(locations_in(&response["errors"]), sorted(locations), "{path}: {response}");
            assert!(!response.to_string().contains("a secret"), "{response}");
        }
    }
    let invalid = json!({"urls": ["raw:x"], "crawler_config": {"screenshot": true, "page_timeout": "soon"}});
    let (status, response) = server.post("/crawl/job", invalid).await;
    assert_eq!((status, locations_of(&response)), (422, vec!["body.crawler_config.page_timeout".to_owned()]));
    let model = json!({"type": "LLMExtractionStrategy", "params": {"llm_config": {"provider": "none/such"}}});
    let body = json!({"urls": ["raw:x"], "crawler_config": {"extraction_strategy": model, "pdf": true}});
    let (status, response) = server.post("/crawl/job", body).await;
    let provider = "body.crawler_config.extraction_strategy.llm_config.provider";
    assert_eq!((status, locations_in(&response["errors"])), (400, sorted(&["body.crawler_config.pdf", provider])));
    assert_eq!(server.get("/jobs").await.1["jobs"], json!([]), "no job was started");
}

#[actix::test]
async fn pages_with_an_invalid_url_are_400_with_a_sentence() {
    let server = TestServer::with_config("egress: {allow_internal: false}").await;
    for path in ["/md", "/html"] {
        for (url, part) in
            [("notaurl", "valid URL"), ("ftp://a.example/", "scheme"), ("http://10.0.0.1/", "URL blocked")]
        {
            let (status, response) = server.post(path, json!({"url": url})).await;
            let detail = response["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(part), "{path} {url}: {status} {response}");
        }
        let (status, response) = server.post(path, json!({"url": 7})).await;
        assert_eq!((status, locations_of(&response)), (422, vec!["body.url".to_owned()]), "{path}");
    }
    let config = json!({"type": "CrawlerRunConfig", "params": {"url": "ftp://a.example/"}});
    let (status, response) = server.post("/config/dump", config).await;
    assert!(status == 400 && response["detail"].is_string(), "{status} {response}");
    let (status, response) = server.get("/llm/example.com").await;
    assert_eq!((status, locations_of(&response)), (422, vec!["query.q".to_owned()]));
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
async fn two_idempotency_keys_are_rejected() {
    let server = TestServer::start().await;
    for path in ["/crawl/job", "/llm/job"] {
        let headers = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
        let (status, _, response) = server.request("POST", path, &headers, b"{}".to_vec()).await;
        assert!(status == 400 && response["detail"].as_str().is_some_and(|why| why.contains("Idempotency-Key")));
    }
}

#[actix::test]
async fn json_without_a_content_type_requires_a_token() {
    let body = || br#"{"urls": ["raw:x"]}"#.to_vec();
    let server = TestServer::with_config("security: {api_token: letmein}").await;
    let token = ("x-api-key", "letmein");
    assert_eq!(server.request("POST", "/crawl/job", &[token], body()).await.0, 202);
    let plain = [token, ("content-type", "text/plain")];
    assert_eq!(server.request("POST", "/crawl/job", &plain, body()).await.0, 415);
    assert_eq!(TestServer::start().await.request("POST", "/crawl/job", &[], body()).await.0, 415);
}

#[actix::test]
async fn compressed_bodies_are_decoded_within_the_limit() {
    let server = TestServer::with_config("limits: {max_body_bytes: 1000000}").await;
    let (body, bomb) = (json!({"urls": ["raw:<p>x"]}).to_string(), vec![b' '; 100_000_000]);
    let json = ("content-type", "application/json");
    for encoding in ["gzip", "br", "zstd"] {
        let headers = [json, ("content-encoding", encoding)];
        let post = async |body: Vec<u8>| server.request("POST", "/crawl/job", &headers, body).await;
        let (status, _, response) = post(compressed(encoding, body.as_bytes())).await;
        assert_eq!(status, 202, "{encoding}: {response}");
        assert_eq!(post(compressed(encoding, &bomb)).await.0, 413, "{encoding}");
        let (status, _, response) = post(body.clone().into_bytes()).await;
        assert!(status == 400 && response["detail"].is_string(), "{encoding}: {status} {response}");
        let mut cut = compressed(encoding, body.as_bytes());
        cut.truncate(cut.len() - 4);
        assert_eq!(post(cut).await.0, 400, "{encoding}");
    }
    for encoding in ["deflate", "gzip, gzip", "unknown"] {
        let headers = [json, ("content-encoding", encoding)];
        let (status, _, response) = server.request("POST", "/crawl/job", &headers, body.clone().into_bytes()).await;
        assert!(status == 415 && response["detail"].as_str().is_some_and(|why| why.contains("zstd")), "{response}");
    }
}

fn compressed(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            encoder.write_all(body).expect("a vector");
            encoder.finish().expect("a vector");
        }
        "br" => brotli::CompressorWriter::new(&mut out, 4096, 1, 22).write_all(body).expect("a vector"),
        _ => out = zstd::encode_all(body, 1).expect("a slice"),
    }
    out
}

#[actix::test]
async fn head_works_wherever_get_does() {
    let server = TestServer::start().await;
    let (_, job) = server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await;
    let id = job["task_id"].as_str().expect("an id");
    server.wait_until_settled(id).await;
    let job = format!("/crawl/job/{id}");
    let deliveries = format!("/jobs/{id}/deliveries");
    for path in ["/health", "/ready", "/metrics", "/jobs", "/schema", "/openapi.json", &job, &deliveries, "/llm/x"] {
        let url = format!("{}{path}", server.base());
        let get = server.client().get(&url).send().await.expect("the server responds");
        let head = server.client().head(&url).send().await.expect("the server responds");
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(head.headers().get("content-type"), get.headers().get("content-type"), "{path}");
        assert!(head.bytes().await.expect("complete").is_empty(), "{path}");
    }
    // The response to HEAD ends, although that to GET does not.
    let events = server.client().head(format!("{}/events", server.base())).send().await.expect("the server responds");
    assert_eq!(
        (events.status().as_u16(), &events.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    assert!(events.bytes().await.expect("complete").is_empty());
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
        ("POST", "/crawl/job/crawl_x", "GET, HEAD, DELETE"),
        ("PATCH", "/llm/job/llm_x", "GET, HEAD, DELETE"),
        ("POST", "/jobs", "GET, HEAD"),
        ("GET", "/jobs/crawl_x/rerun", "POST"),
        ("DELETE", "/jobs/crawl_x/deliveries", "GET, HEAD, POST"),
        ("GET", "/deliveries/replay", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/ready", "GET, HEAD"),
        ("POST", "/metrics", "GET, HEAD"),
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
    locations_in(&response["detail"])
}

fn locations_in(errors: &Value) -> Vec<String> {
    let errors = errors.as_array().map(Vec::as_slice).unwrap_or_default();
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
