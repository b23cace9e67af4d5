//! The body of a page.

use bytes::Bytes;
use opilio::reader::read;
use opilio_actors::domain::crawl::{Exchange, FetchStats, PageResult};
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::ports::FetchedPage;
use opilio_page::{ContentFilter, Limits, Options};
use serde_json::Value;
use url::Url;

/// Keys that are never `null`.
const NOT_NULL: [&str; 7] = ["url", "html", "error_message", "media", "links", "tables", "markdown"];
const KEYS: usize = 34;

/// The result of every page has all keys, absolute links and media URLs, and consistent tables.
///
/// # Panics
/// If the property does not hold for the body `bytes`, in any character set.
pub fn page(bytes: &[u8]) {
    let filtered = Options { content_filter: Some(ContentFilter::default()), score_links: true, ..Options::default() };
    for options in [Options::default(), filtered] {
        let limits = Limits { max_bytes: 1 << 20, ..Limits::default() };
        let options = CrawlOptions { page: options, ..CrawlOptions::default() };
        let stats = FetchStats { attempts: 1, ..FetchStats::default() };
        let parse = |html: &str, base: &Url| opilio_page::read(html, base, &options.page, &limits);
        check(&read("https://a.b.co.uk/c/d", fetched(bytes), &options, stats, parse).content);
    }
}

fn fetched(bytes: &[u8]) -> FetchedPage {
    let exchange =
        Exchange { status: Some(200), final_url: Some("https://a.b.co.uk/c/d".to_owned()), ..Exchange::default() };
    let (body, content_type) = (Bytes::copy_from_slice(bytes), Some("text/html".to_owned()));
    FetchedPage { exchange, body, content_type, retry_after: None, warnings: vec![] }
}

fn check(result: &PageResult) {
    assert_eq!(result.success, result.error_message.is_empty());
    for link in result.links.internal.iter().chain(&result.links.external) {
        let href = Url::parse(&link.href).unwrap_or_else(|error| panic!("{}: {error}", link.href));
        assert!(matches!(href.scheme(), "http" | "https") && href.fragment().is_none(), "{href}");
        assert_eq!(result.links.internal.contains(link), link.base_domain == "b.co.uk", "{href}");
    }
    for item in result.media.images.iter().chain(&result.media.videos).chain(&result.media.audios) {
        assert!(Url::parse(&item.src).is_ok(), "{}", item.src);
    }
    for table in &result.tables {
        assert_eq!(table.metadata.row_count, table.rows.len());
        assert!(table.rows.iter().all(|row| row.len() == table.metadata.column_count));
    }
    let json = serde_json::to_string(result).expect("a result is valid JSON");
    let json: Value = serde_json::from_str(&json).expect("valid JSON");
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(KEYS));
    assert!(NOT_NULL.iter().all(|key| !json[key].is_null()));
}
