//! The fields of a page's result, the same in every response and webhook that contains it.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

const KEYS: [&str; 32] = [
    "url",
    "html",
    "success",
    "cleaned_html",
    "fit_html",
    "media",
    "links",
    "downloaded_files",
    "js_execution_result",
    "screenshot",
    "pdf",
    "mhtml",
    "extracted_content",
    "metadata",
    "structured_data",
    "error_message",
    "session_id",
    "response_headers",
    "status_code",
    "ssl_certificate",
    "dispatch_result",
    "redirected_url",
    "redirected_status_code",
    "network_requests",
    "console_messages",
    "tables",
    "head_fingerprint",
    "cached_at",
    "cache_status",
    "crawl_stats",
    "markdown",
    "warnings",
];

const MARKDOWN: [&str; 5] =
    ["raw_markdown", "markdown_with_citations", "references_markdown", "fit_markdown", "fit_html"];
const LINK: [&str; 4] = ["href", "text", "title", "base_domain"];
const MEDIUM: [&str; 8] = ["src", "alt", "desc", "score", "type", "group_id", "format", "width"];
const TABLE: [&str; 5] = ["headers", "rows", "caption", "summary", "metadata"];
const METADATA: [&str; 4] = ["title", "description", "keywords", "author"];

/// Asserts what holds for every page, successful or not.
fn assert_page(page: &Value, from: &str) {
    let has = |value: &Value, keys: &[&str], what: &str| {
        let missing: Vec<_> = keys.iter().filter(|key| value.get(**key).is_none()).collect();
        assert!(missing.is_empty(), "{from}: {what} lacks {missing:?}: {value}");
    };
    let text = |value: &Value, what: &str| assert!(value.is_string(), "{from}: {what} is not a string: {value}");
    has(page, &KEYS, "the page");
    for key in ["url", "html", "error_message"] {
        text(&page[key], key);
    }
    assert_eq!(page["success"], json!(page["error_message"] == ""), "{from}: {page}");
    for key in MARKDOWN {
        text(&page["markdown"][key], key);
    }
    let list = |value: &Value, keys: &[&str], what: &str| {
        let list = value.as_array().unwrap_or_else(|| panic!("{from}: {what} is not a list: {value}"));
        list.iter().for_each(|item| has(item, keys, what));
        list.clone()
    };
    for key in ["internal", "external"] {
        for link in list(&page["links"][key], &LINK, key) {
            let href = link["href"].as_str().unwrap_or_default();
            assert!(href.starts_with("http"), "{from}: not absolute: {link}");
        }
    }
    for key in ["images", "videos", "audios"] {
        list(&page["media"][key], &MEDIUM, key);
    }
    list(&page["tables"], &TABLE, "tables");
    if !page["metadata"].is_null() {
        has(&page["metadata"], &METADATA, "metadata");
        let values = page["metadata"].as_object().into_iter().flatten();
        assert!(values.into_iter().all(|(_, value)| value.is_string() || value.is_null()), "{from}: {page}");
    }
}

/// Asserts the content of the page with every kind of content.
fn assert_full_page(page: &Value, from: &str) {
    let count = |pointer: &str| page.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    for pointer in ["/links/internal", "/links/external", "/media/images", "/tables"] {
        assert_eq!(count(pointer), 1, "{from}: {pointer}");
    }
    assert_eq!(page["metadata"]["og:type"], "article", "{from}");
    assert_eq!(page["tables"][0]["rows"], json!([["1", "2"], ["3", "4"]]), "{from}");
    assert_eq!((&page["success"], &page["status_code"]), (&json!(true), &json!(200)), "{from}");
}

#[actix::test]
async fn page_results_have_the_same_fields_everywhere() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/full"), site.url("/nowhere"), "http://127.0.0.1:1/".to_owned()];
    let request = json!({"urls": urls});
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true});

    let (_, crawled) = server.post("/crawl", request.clone()).await;
    let (_, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    let received = site.next_webhook().await.body;
    let (_, status) = server.get(&format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))).await;
    let stream = server.client().post(format!("{}/crawl/stream", server.base())).body(request.to_string());
    let stream = stream.header("content-type", "application/json").send().await.expect("the server responds");
    let lines = stream.text().await.expect("text");
    let mut lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.pop(), Some(json!({"status": "completed"})));
    lines.sort_by_key(|page| urls.iter().position(|url| page["url"] == **url));

    for (from, pages) in [
        ("POST /crawl", &crawled["results"]),
        ("POST /crawl/stream", &json!(lines)),
        ("a job's result", &status["result"]["results"]),
        ("a job's results", &status["results"]),
        ("a webhook", &received["data"]["results"]),
    ] {
        let pages = pages.as_array().unwrap_or_else(|| panic!("{from} has no pages"));
        let found: Vec<_> = pages.iter().map(|page| page["url"].as_str().expect("a URL")).collect();
        assert_eq!(found, urls, "{from}");
        pages.iter().for_each(|page| assert_page(page, from));
        assert_full_page(&pages[0], from);
        let statuses: Vec<_> = pages.iter().map(|page| page["status_code"].as_u64()).collect();
        assert_eq!(statuses, [Some(200), Some(404), None], "{from}");
    }
}
