//! Options of Crawl4AI that concern a browser and are honoured without one.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// The pages of a synchronous crawl.
async fn crawl(server: &TestServer, body: Value) -> Vec<Value> {
    let (status, response) = server.post("/crawl", body).await;
    response["results"].as_array().unwrap_or_else(|| panic!("{status} {response}")).clone()
}

#[actix::test]
async fn wait_for_is_evaluated_on_the_fetched_html() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/full"), site.url("/article"), site.url("/text"), "raw:<table></table>".to_owned()];
    for condition in ["css:table", "table"] {
        let pages = crawl(&server, json!({"urls": urls, "crawler_config": {"wait_for": condition}})).await;
        let success: Vec<_> = pages.iter().map(|page| page["success"] == true).collect();
        assert_eq!(success, [true, false, false, true], "{pages:?}");
        let error = pages[1]["error_message"].as_str().unwrap_or_default();
        assert!(error.contains("wait_for") && error.contains("table"), "{error}");
    }
}

/// The headers that `/headers` received, of each page.
fn received(pages: &[Value]) -> Vec<Value> {
    let headers = |page: &Value| serde_json::from_str(page["html"].as_str().unwrap_or_default()).unwrap_or_default();
    pages.iter().map(headers).collect()
}

fn hooks(port: &str) -> Value {
    let cookie = json!({"name": "session", "value": "s1", "domain": "127.0.0.1"});
    let elsewhere = json!({"name": "other", "value": "s2", "domain": "a.example"});
    json!({
        "hooks": [
            {"action": "set_headers", "params": {"headers": {"X-Key": port, "User-Agent": "hooked"}}},
            {"action": "add_cookies", "params": {"cookies": [cookie, elsewhere]}},
            {"action": "block_resources", "params": {"resource_types": ["image", "font"]}},
        ],
        "timeout": 30,
    })
}

#[actix::test]
async fn hooks_set_headers_and_cookies_on_every_route() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let body = json!({"urls": [site.url("/headers"), site.url("/headers")], "hooks": hooks("k1")});
    let (status, response) = server.post("/crawl", body.clone()).await;
    assert_eq!((status, &response["hooks"]["status"]), (200, &json!("success")), "{response}");
    assert_eq!(response["hooks"]["attached"], json!(["before_goto", "on_page_context_created"]));
    let (_, accepted) = server.post("/crawl/job", body.clone()).await;
    assert_eq!(accepted["warnings"], Value::Null, "{accepted}");
    let job = server.wait_until_settled(accepted["task_id"].as_str().expect("an id")).await;
    let stream =
        server.client().post(format!("{}/crawl/stream", server.base())).header("content-type", "application/json");
    let lines = stream.body(body.to_string()).send().await.expect("the server responds").text().await.expect("text");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for pages in [&response["results"], &job["results"], &json!(lines[..2])] {
        for headers in received(pages.as_array().expect("a list")) {
            let sent = [&headers["x-key"], &headers["user-agent"], &headers["cookie"]];
            assert_eq!(sent, [&json!("k1"), &json!("hooked"), &json!("session=s1")], "{headers}");
        }
    }
}

#[actix::test]
async fn hooks_that_cannot_be_honoured_are_rejected() {
    let server = TestServer::start().await;
    let info = server.get("/hooks/info").await.1;
    for (action, params) in [
        ("add_cookies", json!({"cookies": [{"name": "a", "value": "b", "domain": "a.example"}]})),
        ("block_resources", json!({"resource_types": ["media"]})),
        ("set_headers", json!({"headers": {"x-a": "b"}})),
        ("scroll_to_bottom", json!({"max_steps": 1})),
        ("wait_for_timeout", json!({"timeout_ms": 1})),
    ] {
        let available = info["available_actions"][action]["params_schema"].is_object();
        assert_ne!(available, info["unavailable_actions"][action].is_string(), "{action}: {info}");
        let hooks = json!({"hooks": [{"action": action, "params": params}]});
        for path in ["/crawl", "/crawl/stream", "/crawl/job"] {
            let (status, response) = server.post(path, json!({"urls": ["raw:<p>x"], "hooks": hooks})).await;
            assert_eq!(matches!(status, 200 | 202), available, "{path} {action}: {status} {response}");
        }
    }
    let code = json!({"code": {"on_page_context_created": "async def hook(page, context, **kwargs): return page"}});
    let (status, response) = server.post("/crawl", json!({"urls": ["raw:<p>x"], "hooks": code})).await;
    assert!((400..=422).contains(&status) && response.to_string().contains("/hooks/info"), "{status} {response}");
}

#[actix::test]
async fn one_configuration_applies_to_the_urls_that_it_matches() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls = [site.url("/article"), site.url("/full")];
    let config = json!({"url_matcher": ["*/full", "*/nowhere"], "match_mode": "or", "css_selector": "h1"});
    let body = json!({"urls": urls, "crawler_config": config});
    let (_, accepted) = server.post("/crawl/job", body.clone()).await;
    let job = server.wait_until_settled(accepted["task_id"].as_str().expect("an id")).await;
    let pages = crawl(&server, body).await;
    for pages in [&pages, job["results"].as_array().expect("a list")] {
        let markdown: Vec<_> = pages.iter().map(|page| page["markdown"]["raw_markdown"].to_string()).collect();
        assert!(markdown[0].contains("bold") && !markdown[1].contains("bold"), "{markdown:?}");
        assert!(markdown[1].contains("A title"), "{markdown:?}");
    }
}

#[actix::test]
async fn page_without_tls_has_no_certificate() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let body = json!({"urls": [site.url("/article"), "raw:<p>x"], "crawler_config": {"fetch_ssl_certificate": true}});
    for page in crawl(&server, body).await {
        assert_eq!((&page["success"], &page["ssl_certificate"]), (&json!(true), &Value::Null));
    }
}

#[actix::test]
async fn monitor_shows_the_machine_and_the_requests() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    crawl(&server, json!({"urls": [site.url("/article")]})).await;
    server.post("/crawl/job", json!({})).await;
    let (status, stats) = server.get("/monitor/endpoints/stats").await;
    assert_eq!((status, &stats["/crawl"]["count"], &stats["/crawl"]["errors"]), (200, &json!(1), &json!(0)), "{stats}");
    assert_eq!((&stats["/crawl"]["success_rate_percent"], &stats["/crawl/job"]["errors"]), (&json!(100.0), &json!(1)));
    assert_eq!(stats.as_object().map(serde_json::Map::len), Some(2), "{stats}");
    let (status, health) = server.get("/monitor/health").await;
    assert_eq!((status, &health["pool"]["hot"]["count"]), (200, &json!(0)));
    let memory = health["container"]["memory_percent"].as_f64().expect("a number");
    assert!(memory > 0.0 && memory <= 100.0, "{health}");
    for key in ["cpu_percent", "network_sent_mb", "network_recv_mb", "uptime_seconds"] {
        assert!(health["container"][key].is_number(), "{key}: {health}");
    }
}

#[actix::test]
async fn links_are_previewed_within_the_limits() {
    let (site, server) = (TestSite::start(), TestServer::with_config("limits: {max_pages: 3}").await);
    let urls = [site.url("/linking"), site.url("/linking")];
    let config = json!({"type": "LinkPreviewConfig", "params": {"exclude_patterns": ["*/gated*"]}});
    let body = json!({"urls": urls, "crawler_config": {"link_preview_config": config}});
    let (_, accepted) = server.post("/crawl/job", body).await;
    let job = server.wait_until_settled(accepted["task_id"].as_str().expect("an id")).await;
    let status =
        |page: usize, link: usize| job["results"][page]["links"]["internal"][link]["head_extraction_status"].clone();
    let link = &job["results"][0]["links"]["internal"][0];
    assert_eq!((&link["head_data"]["title"], &link["head_extraction_status"]), (&json!("The page"), &json!("valid")));
    assert_eq!(link["head_data"]["meta"]["description"], "What it is about");
    assert_eq!(
        [status(0, 1), status(0, 2), status(1, 0), status(1, 1)].map(|status| status.is_null()),
        [false, true, false, true]
    );
    let failed = &job["results"][0]["links"]["internal"][1];
    assert_eq!(
        (&failed["head_extraction_status"], &failed["head_extraction_error"]),
        (&json!("not_valid"), &json!("HTTP 404 Not Found"))
    );
}

#[actix::test]
async fn previews_reach_no_further_than_their_page() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let raw = format!("raw:<a href='{}'>x</a>", site.url("/full"));
    for (base, reached) in [(None, false), (Some("https://example.com/"), false), (Some("http://127.0.0.1/"), true)] {
        let config = json!({"link_preview_config": {"include_external": true}, "base_url": base});
        let page = crawl(&server, json!({"urls": [raw], "crawler_config": config})).await.remove(0);
        let links = [&page["links"]["internal"], &page["links"]["external"]];
        let link = links.iter().find_map(|list| list.get(0)).expect("a link");
        assert_eq!(link["head_extraction_status"] == "valid", reached, "{base:?}: {link}");
        assert!(reached || link["head_extraction_error"] == "URL blocked", "{link}");
    }
}
