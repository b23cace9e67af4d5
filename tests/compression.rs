//! Answers compressed by `Accept-Encoding`, and streams that still flow.

mod support;

use serde_json::{Value, json};
use support::{TestServer, TestSite};

/// A client that understands this, and sees what is sent.
fn client(understands: &str) -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().no_deflate();
    let builder = if understands == "gzip" { builder } else { builder.no_gzip() };
    let builder = if understands == "br" { builder } else { builder.no_brotli() };
    let builder = if understands == "zstd" { builder } else { builder.no_zstd() };
    builder.build().expect("a client")
}

#[actix::test]
async fn a_long_answer_is_compressed_as_its_client_likes_it() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let urls: Vec<_> = (0..8).map(|n| format!("raw:<p>{n} {}", "word ".repeat(10_000))).collect();
    let webhook = json!({"webhook_url": site.webhook_url()});
    let (_, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    site.next_webhook().await;
    let job = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    for path in [job.as_str(), "/schema"] {
        let url = format!("{}{path}", server.base());
        let plain = client("").get(&url).send().await.expect("it answers");
        assert_eq!(plain.headers().get("content-encoding"), None);
        let plain = plain.bytes().await.expect("whole");
        for encoding in ["gzip", "br", "zstd"] {
            let sent = client("").get(&url).header("accept-encoding", encoding).send().await.expect("it answers");
            assert_eq!(sent.headers()["content-encoding"], encoding, "{path}");
            assert_eq!(sent.headers()["vary"], "accept-encoding", "{path}");
            let length = sent.bytes().await.expect("whole").len();
            assert!(length < plain.len() / 2, "{path} as {encoding}: {length} of {}", plain.len());
            let read = client(encoding).get(&url).send().await.expect("it answers").bytes().await.expect("whole");
            assert_eq!(read, plain, "{path} as {encoding}");
        }
    }
}

#[actix::test]
async fn short_answers_streams_and_whoever_likes_nothing_of_it_get_plain_text() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let encoding = async |request: reqwest::RequestBuilder, accepted: &str| {
        let answer = request.header("accept-encoding", accepted).send().await.expect("it answers");
        assert_eq!(answer.status(), 200);
        answer.headers().get("content-encoding").map(|encoding| encoding.to_str().expect("text").to_owned())
    };
    let get = |path: &str| client("").get(format!("{}{path}", server.base()));
    assert_eq!(encoding(get("/health"), "gzip").await, None);
    for accepted in ["", "identity", "exi", "gzip;q=0", "*", "*;q=0"] {
        assert_eq!(encoding(get("/schema"), accepted).await, None, "{accepted}");
    }
    assert_eq!(encoding(get("/schema"), "br;q=0.2, gzip;q=0.9").await.as_deref(), Some("gzip"));

    // The first line is there while the other page is still at its gate.
    let body: Value = json!({"urls": [site.url("/gated"), site.url("/article")]});
    let stream = client("").post(format!("{}/crawl/stream", server.base())).body(body.to_string());
    let stream = stream.header("content-type", "application/json").header("accept-encoding", "gzip, br, zstd");
    let mut stream = stream.send().await.expect("it answers");
    assert_eq!(stream.headers()["content-encoding"], "identity");
    let first = stream.chunk().await.expect("the connection holds").expect("a line");
    assert!(first.starts_with(b"{\"url\":"), "{first:?}");
    site.open_gate();
}
