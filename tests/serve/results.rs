//! Results in parts, as NDJSON, and large.

use serde_json::{Value, json};

use crate::support::{TestServer, TestSite};

async fn lines_of(response: reqwest::Response) -> Vec<Value> {
    let text = response.text().await.expect("it is text");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[actix::test]
async fn pages_can_be_read_singly_in_parts_and_as_ndjson() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = (0..5).map(|n| format!("raw:<h1>Page {n}</h1>")).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (_, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    site.next_webhook().await;
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    let (_, part) = server.get(&format!("{path}?offset=1&limit=2&fields=url,success")).await;
    let expected = json!([{"url": urls[1], "success": true}, {"url": urls[2], "success": true}]);
    assert_eq!((&part["results"], &part["result"]["results"]), (&expected, &expected));
    let (status, page) = server.get(&format!("{path}/pages/3")).await;
    assert_eq!((status, &page["url"]), (200, &json!(urls[3])));
    assert_eq!(server.get(&format!("{path}/pages/5")).await.0, 404);
    let ndjson = server.client().get(format!("{}{path}?limit=3&fields=url", server.base()));
    let lines =
        lines_of(ndjson.header("accept", "application/x-ndjson").send().await.expect("the server responds")).await;
    assert_eq!(lines, [json!({"url": urls[0]}), json!({"url": urls[1]}), json!({"url": urls[2]})]);
    assert_eq!(server.get(&format!("{path}?offset=x")).await.0, 422);
    let either = format!("/task/{}", job["task_id"].as_str().expect("an id"));
    assert_eq!(server.get(&either).await.1["status"], "completed");
}

#[actix::test]
async fn large_result_is_sent_chunked_and_complete() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let text = "word ".repeat(100_000);
    let urls: Vec<_> = (0..8).map(|n| format!("raw:<p>{n} {text}</p>")).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (status, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    assert_eq!(status, 202, "{job}");
    site.next_webhook().await;
    let url = format!("{}/crawl/job/{}", server.base(), job["task_id"].as_str().expect("an id"));
    let response = server.client().get(&url).send().await.expect("the server responds");
    assert_eq!(response.headers().get("transfer-encoding").map(|value| value.as_bytes()), Some(&b"chunked"[..]));
    let job: Value = serde_json::from_slice(&response.bytes().await.expect("complete")).expect("one JSON value");
    for (index, page) in job["result"]["results"].as_array().expect("a list").iter().enumerate() {
        assert_eq!(page["url"], json!(urls[index]));
        assert_eq!(job["results"][index], *page);
    }
    assert_eq!(job["results"].as_array().map(Vec::len), Some(8));
}

#[actix::test]
async fn ndjson_is_sent_if_preferred_by_accept() {
    let server = TestServer::start().await;
    let (_, job) = server.post("/crawl/job", json!({"urls": ["raw:<p>x"]})).await;
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    server.get_until(&path, |job| job["status"] != "processing").await;
    for (accept, lines) in [
        ("application/x-ndjson", true),
        ("application/x-ndjson, application/json;q=0.5", true),
        ("application/json, application/x-ndjson;q=0.1", false),
        ("application/x-ndjson;q=0", false),
        ("*/*", false),
    ] {
        let request = server.client().get(format!("{}{path}", server.base())).header("accept", accept);
        let response = request.send().await.expect("the server responds");
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!(kind.starts_with("application/x-ndjson"), lines, "{accept}: {kind}");
    }
    let (status, response) = server.get(&format!("{path}/pages/7")).await;
    assert!(
        status == 404 && response["detail"].as_str().is_some_and(|why| why.contains("Page not found")),
        "{response}"
    );
    let (_, response) = server.get(&format!("{path}/pages/0?fields=url,success")).await;
    assert_eq!(response, json!({"url": "raw:<p>x", "success": true}));
}
