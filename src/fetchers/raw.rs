//! `raw:` URLs: pages that the request contains.

use bytes::Bytes;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::ports::{FetchError, FetchedPage};
use serde_json::Map;

/// The page in a URL of the form `raw:<html>` or `raw://<html>`, with status 200 and without headers or a final URL, as in
/// Crawl4AI. `None`: another URL.
pub fn page(url: &str) -> Option<Result<FetchedPage, FetchError>> {
    let html = url.strip_prefix("raw:")?;
    let html = html.strip_prefix("//").unwrap_or(html);
    if html.trim().is_empty() {
        return Some(Err(FetchError::permanent("raw: must be followed by HTML")));
    }
    Some(Ok(FetchedPage {
        exchange: Exchange { status: Some(200), headers: Some(Map::new()), ..Exchange::default() },
        body: Bytes::copy_from_slice(html.as_bytes()),
        content_type: Some("text/html; charset=utf-8".to_owned()),
        retry_after: None,
        warnings: vec![],
    }))
}
