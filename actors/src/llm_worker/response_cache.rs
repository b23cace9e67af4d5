//! In-memory cache of extracted content, by page, instruction, schema, model and temperature.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// The complete inputs of an extraction. They are compared in full: with a digest, one page's content could be returned
/// for another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    pub page: String,
    pub instruction: String,
    pub schema: Option<String>,
    pub model: String,
    /// The bits of the number.
    pub temperature: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCacheSettings {
    /// Limit on the size of all keys and contents.
    pub max_bytes: usize,
    pub ttl: Duration,
}

/// Extracted content that conforms to its schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub value: Value,
    /// Notes for the user, e.g. on contradictions.
    pub notes: Vec<String>,
}

/// Evicts the oldest entries first.
pub struct ResponseCache {
    settings: Option<ResponseCacheSettings>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    contents: HashMap<Arc<CacheKey>, (Instant, Content)>,
    order: VecDeque<(Arc<CacheKey>, usize)>,
    bytes: usize,
}

impl ResponseCache {
    /// `None` disables the cache.
    pub fn new(settings: Option<ResponseCacheSettings>) -> Self {
        Self { settings: settings.filter(|settings| settings.max_bytes > 0), entries: Mutex::default() }
    }

    pub fn get(&self, key: &CacheKey) -> Option<Content> {
        let settings = self.settings?;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, content) = entries.contents.get(key)?;
        (since.elapsed() < settings.ttl).then(|| content.clone())
    }

    pub fn insert(&self, key: CacheKey, content: &Content) {
        let Some(settings) = self.settings else { return };
        let key = Arc::new(key);
        let size = key.size() + content.size();
        if size > settings.max_bytes {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.contents.insert(Arc::clone(&key), (Instant::now(), content.clone())).is_none() {
            entries.order.push_back((key, size));
            entries.bytes += size;
        }
        while entries.bytes > settings.max_bytes
            && let Some((oldest, size)) = entries.order.pop_front()
        {
            entries.contents.remove(&oldest);
            entries.bytes -= size;
        }
    }
}

impl CacheKey {
    fn size(&self) -> usize {
        let Self { page, instruction, schema, model, .. } = self;
        page.len() + instruction.len() + schema.as_ref().map_or(0, String::len) + model.len() + size_of::<Self>()
    }
}

impl Content {
    fn size(&self) -> usize {
        self.value.to_string().len() + self.notes.iter().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(page: &str) -> CacheKey {
        let (instruction, model) = ("the title".to_owned(), "openai/x".to_owned());
        CacheKey { page: page.to_owned(), instruction, schema: None, model, temperature: None }
    }

    fn content(text: &str) -> Content {
        Content { value: text.into(), notes: vec![] }
    }

    #[tokio::test(start_paused = true)]
    async fn newest_entries_are_returned_until_they_expire() {
        let ttl = Duration::from_secs(60);
        let max_bytes = 2 * (key("a").size() + content("a").size());
        let cache = ResponseCache::new(Some(ResponseCacheSettings { max_bytes, ttl }));
        cache.insert(key(&"x".repeat(max_bytes)), &content("x"));
        for page in ["a", "b", "c"] {
            cache.insert(key(page), &content(page));
        }
        assert_eq!((cache.get(&key("a")), cache.get(&key("c"))), (None, Some(content("c"))));
        tokio::time::advance(ttl).await;
        assert_eq!(cache.get(&key("c")), None);
    }

    #[tokio::test]
    async fn disabled_cache_stores_nothing() {
        let cache = ResponseCache::new(None);
        cache.insert(key("a"), &content("a"));
        assert_eq!(cache.get(&key("a")), None);
    }
}
