//! What the page caches share: settings, keys and the stored form of a page.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opilio_actors::domain::crawl::Exchange;
use opilio_actors::ports::{CachedPage, FetchedPage, PageCache, PageRequest};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The operator's settings of the page cache.
#[derive(Clone, Copy, Debug)]
pub struct PageCacheSettings {
    /// Limit of the total size of all stored pages; greater than 0.
    pub max_bytes: u64,
    /// Pages that are older are not returned.
    pub ttl: Duration,
}

pub type Key = [u8; 32];

/// A digest of everything that the request sends, so that no credential is stored. The fragment of a URL is not sent.
pub fn key(request: &PageRequest) -> Key {
    let fetch = &request.options.fetch;
    let (url, _) = request.url.split_once('#').unwrap_or((&request.url, ""));
    let sent = json!([url, fetch.headers, fetch.cookies, fetch.user_agent]).to_string();
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, sent.as_bytes()).as_ref());
    key
}

/// The cache of a server whose page cache is disabled.
pub struct NoPageCache;

#[async_trait]
impl PageCache for NoPageCache {
    async fn find(&self, _: &PageRequest) -> Option<CachedPage> {
        None
    }

    async fn store(&self, _: &PageRequest, _: &FetchedPage) {}
}

/// The stored part of a page before its body.
#[derive(Serialize, Deserialize)]
struct Head {
    status: Option<u16>,
    headers: Option<Map<String, Value>>,
    final_url: Option<String>,
    content_type: Option<String>,
}

/// The stored form: the length of the head as a little-endian `u64`, the head as JSON, the body.
pub fn encode(page: &FetchedPage) -> Bytes {
    let Exchange { status, headers, final_url, .. } = page.exchange.clone();
    let head = Head { status, headers, final_url, content_type: page.content_type.clone() };
    let head = json!(head).to_string();
    let length = u64::try_from(head.len()).unwrap_or(u64::MAX);
    [&length.to_le_bytes()[..], head.as_bytes(), &page.body].concat().into()
}

/// `None`: not a result of [`encode`].
pub fn decode(stored: &Bytes) -> Option<FetchedPage> {
    let (length, rest) = stored.split_at_checked(size_of::<u64>())?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (head, body) = rest.split_at_checked(length)?;
    let Head { status, headers, final_url, content_type } = serde_json::from_slice(head).ok()?;
    let exchange = Exchange { status, headers, final_url, ..Exchange::default() };
    Some(FetchedPage { exchange, body: stored.slice_ref(body), content_type, retry_after: None, warnings: vec![] })
}

#[cfg(test)]
pub mod tests;
