//! Pages that the caller brings along: `raw:<html>` and `raw://<html>`.

use bytes::Bytes;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::ports::FetchedPage;
use serde_json::Map;

/// The page in an address of this kind, with status 200, no headers and no address of its own, as the clients of
/// Crawl4AI know it. `None`: an address of another kind.
pub fn page(url: &str) -> Option<FetchedPage> {
    let html = url.strip_prefix("raw:")?;
    let html = html.strip_prefix("//").unwrap_or(html);
    Some(FetchedPage {
        exchange: Exchange { status: Some(200), headers: Some(Map::new()), final_url: None },
        body: Bytes::copy_from_slice(html.as_bytes()),
        content_type: Some("text/html; charset=utf-8".to_owned()),
        retry_after: None,
    })
}
