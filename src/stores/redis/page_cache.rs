//! The page cache on Redis, shared by all processes. The newest pages within the size limit are kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use opilio_actors::ports::{CachedPage, FetchedPage, PageCache, PageRequest, StoreError};
use tracing::warn;

use super::RedisStore;
use super::row::micros;
use crate::stores::blob;
use crate::stores::page_cache::{PageCacheSettings, decode, encode, key};

pub struct RedisPageCache {
    store: Arc<RedisStore>,
    settings: PageCacheSettings,
}

impl RedisPageCache {
    /// Uses the connections and the prefix of `store`.
    pub fn new(store: Arc<RedisStore>, settings: PageCacheSettings) -> Self {
        Self { store, settings }
    }

    /// The time, the age and the packed form of a page.
    async fn read(&self, request: &PageRequest) -> Result<Option<(i64, u64, Vec<u8>)>, StoreError> {
        let store = &self.store;
        let found: Vec<Vec<u8>> = store
            .run_large(&store.scripts.find_cached_page, |call| {
                call.arg(&key(request)[..]).arg(micros(self.settings.ttl));
            })
            .await?;
        let Ok([at, age, page]) = <[_; 3]>::try_from(found) else { return Ok(None) };
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<u64>().ok();
        Ok(number(&at).zip(number(&age)).and_then(|(at, age)| Some((i64::try_from(at).ok()?, age, page))))
    }

    async fn write(&self, request: &PageRequest, page: &FetchedPage) -> Result<(), StoreError> {
        let packed = blob::pack_async(encode(page)).await;
        let store = &self.store;
        if packed.len() as u64 > self.settings.max_bytes {
            return Ok(());
        }
        store
            .run_large(&store.scripts.store_cached_page, |call| {
                call.arg(&key(request)[..]).arg(packed).arg(self.settings.max_bytes).arg(micros(self.settings.ttl));
            })
            .await
    }
}

#[async_trait]
impl PageCache for RedisPageCache {
    async fn find(&self, request: &PageRequest) -> Option<CachedPage> {
        let found = self.read(request).await;
        let (at, age, packed) = found.inspect_err(|error| warn!(%error, "cached page could not be read")).ok()??;
        let (cached_at, page) = (Timestamp::from_microsecond(at).ok()?, decode(&blob::unpack(&packed).ok()?)?);
        Some(CachedPage { page, cached_at, age: Duration::from_micros(age) })
    }

    async fn store(&self, request: &PageRequest, page: &FetchedPage) {
        if let Err(error) = self.write(request, page).await {
            warn!(%error, "page could not be cached");
        }
    }
}
