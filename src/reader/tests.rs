use bytes::Bytes;
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::queue_key::QueueKey;
use serde_json::Value;

use super::*;

const STATS: FetchStats = FetchStats { attempts: 2, cache_hit: None, engine: FetchEngine::Http, engine_reason: None };

fn page(status: u16, content_type: Option<&str>, body: impl Into<Bytes>) -> FetchedPage {
    FetchedPage {
        exchange: Exchange {
            status: Some(status),
            headers: None,
            final_url: Some("http://example.com/dir/page".to_owned()),
            ..Exchange::default()
        },
        body: body.into(),
        content_type: content_type.map(str::to_owned),
        retry_after: None,
        warnings: vec![],
    }
}

async fn read_with(settings: ReaderSettings, page: FetchedPage) -> (PageRecord, Value) {
    let reader = CpuReader::new(settings);
    let queue = QueueKey::batch(Principal::anonymous());
    let request = PageRequest {
        url: "http://example.com/".to_owned(),
        options: Arc::default(),
        engine: FetchEngine::Http,
        queue,
        linked_from: None,
    };
    let record = reader.read(3, &request, page, STATS).await.content;
    let json = serde_json::from_slice(&record.json).expect("JSON");
    (record, json)
}

async fn read_page(page: FetchedPage) -> (PageRecord, Value) {
    read_with(ReaderSettings::default(), page).await
}

#[tokio::test]
async fn html_is_decoded_and_links_resolved_against_final_url() {
    let body = b"<meta charset=iso-8859-1><title>Caf\xe9</title><p>cr\xe8me <a href=x>link</a>".to_vec();
    let (record, json) = read_page(page(200, Some("text/html"), body)).await;
    assert!(record.success && record.error.is_empty() && record.index == 3);
    assert_eq!(json["url"], "http://example.com/");
    assert_eq!(json["redirected_url"], "http://example.com/dir/page");
    assert_eq!(json["metadata"]["title"], "Café");
    assert_eq!(json["links"]["internal"][0]["href"], "http://example.com/dir/x");
    assert!(json["html"].as_str().unwrap().contains("crème"));
    assert!(json["markdown"]["raw_markdown"].as_str().unwrap().contains("crème"));
    assert_eq!(json["crawl_stats"]["attempts"], 2);
}

#[tokio::test]
async fn other_text_is_returned_unchanged() {
    for (content_type, body) in
        [("application/json", "{\"a\": \"<b>\"}"), ("text/markdown", "# T\n\n* x"), ("text/x", "y")]
    {
        let (record, json) = read_page(page(200, Some(content_type), body)).await;
        assert!(record.success, "{}", record.error);
        assert_eq!(json["html"], body);
        assert!(json["markdown"]["raw_markdown"].as_str().unwrap().contains(body), "{json}");
    }
}

#[tokio::test]
async fn binary_content_fails_the_page() {
    let (record, json) = read_page(page(200, Some("application/pdf; x"), "%PDF-1.7")).await;
    assert_eq!((record.success, record.error.as_str()), (false, "Unsupported content type application/pdf"));
    assert_eq!((json["html"].as_str(), json["status_code"].as_u64()), (Some(""), Some(200)));
    assert_eq!(json["error_message"], record.error);
}

#[tokio::test]
async fn page_with_error_status_fails_with_content() {
    let (record, json) = read_page(page(404, Some("text/html"), "<h1>Gone fishing</h1>")).await;
    assert_eq!((record.success, record.error.as_str()), (false, "HTTP 404 Not Found"));
    assert_eq!(json["markdown"]["raw_markdown"].as_str().map(str::trim), Some("# Gone fishing"));
    for (status, error) in
        [(500, "HTTP 500 Internal Server Error"), (429, "HTTP 429 Too Many Requests"), (799, "HTTP 799")]
    {
        assert_eq!(read_page(page(status, Some("image/png"), "x")).await.0.error, error);
    }
}

#[tokio::test]
async fn raw_page_has_no_base_url() {
    let mut raw = page(200, Some("text/html; charset=utf-8"), "<p>é <a href=/x>y</a> <a href=http://a.example/>z</a>");
    raw.exchange.final_url = None;
    let (record, json) = read_page(raw).await;
    assert!(record.success);
    assert_eq!(json["redirected_url"], Value::Null);
    let links = [&json["links"]["internal"], &json["links"]["external"]].map(|list| list.as_array().unwrap().len());
    assert_eq!(links.iter().sum::<usize>(), 1, "{json}");
}

#[tokio::test]
async fn page_that_exceeds_a_limit_becomes_failed_record() {
    let hurried = ReaderSettings { timeout: Duration::ZERO, ..ReaderSettings::default() };
    let big = "<p>x".repeat(100_000);
    let (record, json) = read_with(hurried.clone(), page(200, Some("text/html"), big.clone())).await;
    assert_eq!((record.success, record.error.as_str()), (false, "Page could not be read within 0s"));
    assert_eq!(json["status_code"], 200);
    assert_eq!(read_with(hurried, page(404, Some("text/html"), big)).await.0.error, "HTTP 404 Not Found");
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    let narrow = ReaderSettings { limits, ..ReaderSettings::default() };
    let (record, _) = read_with(narrow, page(200, None, "<p>more than ten")).await;
    assert!(record.error.starts_with("Page could not be read: page has 16 bytes"), "{}", record.error);
}

#[tokio::test]
async fn page_that_does_not_meet_its_condition_fails_with_the_reason() {
    let (reader, queue) = (CpuReader::new(ReaderSettings::default()), QueueKey::batch(Principal::anonymous()));
    let options = Options { required_selector: Some(".x".to_owned()), ..Options::default() };
    let options = Arc::new(CrawlOptions { page: options, ..CrawlOptions::default() });
    let request = PageRequest {
        url: "http://example.com/".to_owned(),
        options,
        engine: FetchEngine::Http,
        queue,
        linked_from: None,
    };
    for (status, body, error) in [
        (200, "<p class=x>", ""),
        (200, "<p>", "`wait_for` is not met: no element of the page matches .x"),
        (404, "<p>", "HTTP 404 Not Found"),
    ] {
        let record = reader.read(0, &request, page(status, Some("text/html"), body), STATS).await.content;
        assert_eq!((record.success, record.error.as_str()), (error.is_empty(), error));
    }
}

#[tokio::test]
async fn refresh_that_was_not_followed_is_a_warning() {
    let refresh = |content: &str| format!("<meta http-equiv=refresh content='{content}'><h1>T</h1><p>Text");
    for (content, warnings) in [
        (
            "9; url=/x",
            serde_json::json!([
                "the page leads to http://example.com/x after 9 s (meta refresh), which was not followed"
            ]),
        ),
        ("9; url=page", serde_json::json!([])),
        ("9", serde_json::json!([])),
    ] {
        let (record, json) = read_page(page(200, Some("text/html"), refresh(content))).await;
        assert!(record.success);
        assert_eq!(json["warnings"], warnings, "{content}");
    }
}

#[tokio::test]
async fn document_under_a_text_type_fails() {
    for header in ["text/html", "text/plain"] {
        let (record, json) = read_page(page(200, Some(header), "%PDF-1.7\n1 0 obj")).await;
        assert_eq!((record.success, record.error.as_str()), (false, "Unsupported content type application/pdf"));
        assert_eq!(json["markdown"]["raw_markdown"], "");
    }
}

#[tokio::test]
async fn xhtml_is_parsed_as_xml_by_its_type_or_declaration() {
    let page_with = |start: &str| {
        format!("{start}<html xmlns='http://www.w3.org/1999/xhtml'><body><script/><p>Text</p></body></html>")
    };
    for (content_type, start, expected) in [
        ("application/xhtml+xml; charset=utf-8", "", "Text\n"),
        ("application/xhtml+xml", "<?xml version='1.0'?><!DOCTYPE html>", "Text\n"),
        ("text/html", "<?xml version='1.0' encoding='utf-8'?>", "Text\n"),
        ("text/html", "<!DOCTYPE html>", ""),
    ] {
        let (_, json) = read_page(page(200, Some(content_type), page_with(start))).await;
        assert_eq!(json["markdown"]["raw_markdown"], expected, "{content_type} {start}");
    }
}
