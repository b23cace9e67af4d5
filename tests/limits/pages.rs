//! Limits on redirects, decompression and the size of results.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::connections::read_until;
use crate::settled;
use crate::support::TestServer;

/// Starts a site with this response by path.
async fn site(response: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = read_until(&mut stream, "\r\n\r\n").await;
            let path = head.split(' ').nth(1).expect("a path");
            // The client may close the connection early.
            let _ = stream.write_all(&response(path)).await;
        }
    });
    base
}

#[actix::test]
async fn redirects_of_a_page_are_limited() {
    let site = site(|path| {
        let next = path.trim_start_matches('/').parse::<u32>().map_or(0, |left| left.saturating_sub(1));
        let head = if path == "/0" { "200 OK".to_owned() } else { format!("302 Found\r\nlocation: /{next}") };
        format!("HTTP/1.1 {head}\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 5\r\n\r\n<p>ok")
            .into()
    });
    let (site, server) = (site.await, TestServer::with_config("limits: {max_redirects: 3}").await);
    let (_, job) = server.post("/crawl/job", json!({"urls": [format!("{site}/3"), format!("{site}/4")]})).await;
    let status = settled(&server, &job).await;
    let outcome = |page: usize| (&status["results"][page]["success"], &status["results"][page]["error_message"]);
    assert_eq!(outcome(0), (&json!(true), &json!("")), "{status}");
    assert_eq!(outcome(1), (&json!(false), &json!("Too many redirects (3)")));
}

#[actix::test]
async fn decompression_ratio_is_limited_in_every_encoding() {
    let site = site(|path| {
        let zeros = vec![b' '; 4 << 20];
        let (encoding, bomb) = match path {
            "/gzip" => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                std::io::Write::write_all(&mut gzip, &zeros).expect("memory");
                ("gzip", gzip.finish().expect("memory"))
            }
            "/zstd" => ("zstd", zstd::encode_all(&zeros[..], 1).expect("memory")),
            _ => {
                let (mut bomb, quick) =
                    (Vec::new(), brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() });
                brotli::BrotliCompress(&mut &zeros[..], &mut bomb, &quick).expect("memory");
                ("br", bomb)
            }
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: {encoding}\r\nconnection: close");
        [format!("{head}\r\ncontent-length: {}\r\n\r\n", bomb.len()).into_bytes(), bomb].concat()
    });
    let site = site.await;
    let pages = ["/gzip", "/zstd", "/br"].map(|path| format!("{site}{path}"));
    for (ratio, reason) in [("", "Compression ratio of the body exceeds 250"), (": 0", "")] {
        let limit =
            if ratio.is_empty() { String::new() } else { format!("limits: {{max_decompression_ratio{ratio}}}") };
        let server = TestServer::with_config(&limit).await;
        let (_, job) = server.post("/crawl/job", json!({"urls": pages})).await;
        let status = settled(&server, &job).await;
        for page in status["results"].as_array().expect("a list") {
            assert_eq!(
                (&page["error_message"], &page["success"]),
                (&json!(reason), &json!(reason.is_empty())),
                "{}",
                page["url"]
            );
        }
    }
}

#[actix::test]
async fn pages_above_max_job_bytes_fail() {
    let server = TestServer::with_config("limits: {max_job_bytes: 20000}\ncrawler: {pages_per_job: 1}").await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(400));
    let (_, job) = server.post("/crawl/job", json!({"urls": [page, page, page, page]})).await;
    let status = settled(&server, &job).await;
    let results = status["results"].as_array().expect("a list");
    let failed: Vec<_> = results.iter().filter(|page| page["success"] == json!(false)).collect();
    assert!(results[0]["success"] == json!(true) && !failed.is_empty(), "{status}");
    let reason = json!("The job's results are larger than 20000 bytes");
    assert!(failed.iter().all(|page| page["error_message"] == reason), "{failed:?}");
}

#[actix::test]
async fn page_above_max_result_bytes_fails() {
    let server = TestServer::with_config("limits: {max_result_bytes: 5000}").await;
    let page = format!("raw:<p>{}</p>", "word ".repeat(2000));
    let (_, job) = server.post("/crawl/job", json!({"urls": [page, "raw:<p>small"]})).await;
    let status = settled(&server, &job).await;
    let results = &status["results"];
    assert_eq!((&results[0]["success"], &results[0]["html"]), (&json!(false), &json!("")));
    assert_eq!(results[0]["error_message"], "Result larger than 5000 bytes");
    assert_eq!((&status["status"], &results[1]["success"]), (&json!("completed"), &Value::Bool(true)));
}

#[actix::test]
async fn page_that_exceeds_the_reading_memory_fails_alone() {
    let server = TestServer::with_config("limits: {reading_memory: 4194304}").await;
    let urls = [format!("raw:<p>{}", "x".repeat(1_200_000)), "raw:<p>small".to_owned()];
    let (_, job) = server.post("/crawl/job", json!({"urls": urls})).await;
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let reason = job["results"][0]["error_message"].as_str().expect("a reason");
    assert!(reason.contains("needs more memory than limits.reading_memory"), "{reason}");
    assert_eq!(job["results"][1]["success"], true, "{}", job["status"]);
}

#[actix::test]
async fn outputs_of_a_page_with_a_long_base_url_are_limited() {
    let server = TestServer::start().await;
    let base = format!("raw:<base href=\"https://a.example/{}/\">", "b".repeat(7_950));
    let page = base + &"<a href=x>y</a>".repeat(3_000);
    let (_, job) = server.post("/crawl/job", json!({"urls": [page]})).await;
    let job = server.wait_until_settled(job["task_id"].as_str().expect("an id")).await;
    let result = &job["results"][0];
    assert_eq!(result["success"], true, "{}", result["error_message"]);
    let (bytes, limit) = (result.to_string().len(), 16 * page.len() + (1 << 20));
    assert!(
        bytes < 2 * limit && result["markdown"]["raw_markdown"].as_str().is_some_and(|text| !text.is_empty()),
        "{bytes}"
    );
}
