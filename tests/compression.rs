//! Compression of responses by `Accept-Encoding`; streams are not buffered.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// A client that decodes only this encoding.
fn client(decodes: &str) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().no_deflate();
    let builder = if decodes == "gzip" { builder } else { builder.no_gzip() };
    let builder = if decodes == "br" { builder } else { builder.no_brotli() };
    let builder = if decodes == "zstd" { builder } else { builder.no_zstd() };
    builder.build().expect("a client")
}

#[actix::test]
async fn long_responses_are_compressed_as_accepted() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = (0..8).map(|n| format!("raw:<p>{n} {}", "word ".repeat(10_000))).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (_, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    site.next_webhook().await;
    let job = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    for path in [job.as_str(), "/schema"] {
        let url = format!("{}{path}", server.base());
        let plain = client("").get(&url).send().await.expect("the server responds");
        assert_eq!(plain.headers().get("content-encoding"), None);
        let plain = plain.bytes().await.expect("complete");
        for encoding in ["gzip", "br", "zstd"] {
            let sent =
                client("").get(&url).header("accept-encoding", encoding).send().await.expect("the server responds");
            assert_eq!(sent.headers()["content-encoding"], encoding, "{path}");
            assert_eq!(sent.headers()["vary"], "accept-encoding", "{path}");
            let length = sent.bytes().await.expect("complete").len();
            assert!(length < plain.len() / 2, "{path} as {encoding}: {length} of {}", plain.len());
            let read =
                client(encoding).get(&url).send().await.expect("the server responds").bytes().await.expect("complete");
            assert_eq!(read, plain, "{path} as {encoding}");
        }
    }
}

#[actix::test]
async fn short_responses_and_streams_are_not_compressed() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let encoding = async |request: reqwest::RequestBuilder, accepted: &str| {
        let response = request.header("accept-encoding", accepted).send().await.expect("the server responds");
        assert_eq!(response.status(), 200);
        response.headers().get("content-encoding").map(|encoding| encoding.to_str().expect("text").to_owned())
    };
    let get = |path: &str| client("").get(format!("{}{path}", server.base()));
    assert_eq!(encoding(get("/health"), "gzip").await, None);
    for accepted in ["", "identity", "exi", "gzip;q=0", "*", "*;q=0"] {
        assert_eq!(encoding(get("/schema"), accepted).await, None, "{accepted}");
    }
    assert_eq!(encoding(get("/schema"), "br;q=0.2, gzip;q=0.9").await.as_deref(), Some("gzip"));

    // The first line arrives while the other page is still being fetched.
    let body: Value = json!({"urls": [site.url("/gated"), site.url("/article")]});
    let stream = client("").post(format!("{}/crawl/stream", server.base())).body(body.to_string());
    let stream = stream.header("content-type", "application/json").header("accept-encoding", "gzip, br, zstd");
    let mut stream = stream.send().await.expect("the server responds");
    assert_eq!(stream.headers()["content-encoding"], "identity");
    let first = stream.chunk().await.expect("the connection holds").expect("a line");
    assert!(first.starts_with(b"{\"url\":"), "{first:?}");
    site.open_gate();
}
