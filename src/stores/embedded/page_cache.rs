//! The page cache of the embedded store: a file of its own, because cached pages may be lost and need no sync.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use opilio_actors::ports::{CachedPage, Clock, FetchedPage, PageCache, PageRequest};
use rusqlite::{Connection, OptionalExtension, params};
use tracing::warn;

use super::convert::micros;
use crate::stores::blob;
use crate::stores::page_cache::{Key, PageCacheSettings, decode, encode, key};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS cached_pages (
        key BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL, size INTEGER NOT NULL, page BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS newest ON cached_pages (at DESC, key, size);";

/// A page cache of one process that survives restarts. The newest pages are kept.
pub struct EmbeddedPageCache {
    file: Arc<Mutex<CacheFile>>,
    clock: Arc<dyn Clock>,
}

impl EmbeddedPageCache {
    /// Opens or creates the cache in the directory of an open store. An unreadable file is replaced by an empty one.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>, settings: PageCacheSettings) -> Result<Self, rusqlite::Error> {
        let path = directory.join("pages.db");
        let file = CacheFile::open(&path, settings).or_else(|error| {
            warn!(%error, "page cache is unreadable and was cleared");
            for name in ["pages.db", "pages.db-wal", "pages.db-shm"] {
                // If a file cannot be removed, opening it fails again.
                let _ = std::fs::remove_file(directory.join(name));
            }
            CacheFile::open(&path, settings)
        })?;
        Ok(Self { file: Arc::new(Mutex::new(file)), clock })
    }

    /// Runs `work` on a blocking thread. An error is logged and counts as a miss.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut CacheFile) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Option<T> {
        let file = Arc::clone(&self.file);
        let work = move || work(&mut file.lock().unwrap_or_else(PoisonError::into_inner));
        let result = tokio::task::spawn_blocking(work).await.ok()?;
        result.inspect_err(|error| warn!(%error, "page cache failed")).ok()
    }
}

#[async_trait]
impl PageCache for EmbeddedPageCache {
    async fn find(&self, request: &PageRequest) -> Option<CachedPage> {
        let (key, now) = (key(request), self.clock.now());
        let (at, stored) = self.run(move |file| file.get(&key, now)).await??;
        let at = Timestamp::from_microsecond(at).ok()?;
        let page = decode(&blob::unpack(&stored).ok()?)?;
        Some(CachedPage { page, cached_at: at, age: now.duration_since(at).unsigned_abs() })
    }

    async fn store(&self, request: &PageRequest, page: &FetchedPage) {
        let (key, now, page) = (key(request), self.clock.now(), encode(page));
        self.run(move |file| file.put(&key, now, &page)).await;
    }
}

struct CacheFile {
    connection: Connection,
    /// An upper bound of the total size: a replaced page counts until the next eviction.
    bytes: u64,
    settings: PageCacheSettings,
}

impl CacheFile {
    fn open(path: &Path, settings: PageCacheSettings) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { bytes: total_size(&connection)?, connection, settings })
    }

    fn get(&self, key: &Key, now: Timestamp) -> Result<Option<(i64, Vec<u8>)>, rusqlite::Error> {
        let mut select =
            self.connection.prepare_cached("SELECT at, page FROM cached_pages WHERE key = ?1 AND at > ?2")?;
        select.query_row(params![key, self.expired_before(now)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    fn put(&mut self, key: &Key, now: Timestamp, page: &Bytes) -> Result<(), rusqlite::Error> {
        let packed = blob::pack(page);
        let size = packed.len() as u64;
        if size > self.settings.max_bytes {
            return Ok(());
        }
        let mut insert = self
            .connection
            .prepare_cached("INSERT OR REPLACE INTO cached_pages (key, at, size, page) VALUES (?1, ?2, ?3, ?4)")?;
        insert.execute(params![key, micros(now), size, packed])?;
        drop(insert);
        self.bytes += size;
        if self.bytes > self.settings.max_bytes { self.evict(now) } else { Ok(()) }
    }

    /// Removes expired pages, then the oldest ones down to 90 % of the limit, so that not every `put` evicts.
    fn evict(&mut self, now: Timestamp) -> Result<(), rusqlite::Error> {
        self.connection.execute("DELETE FROM cached_pages WHERE at <= ?1", [self.expired_before(now)])?;
        let surplus = "DELETE FROM cached_pages WHERE key IN (SELECT key FROM (
            SELECT key, sum(size) OVER (ORDER BY at DESC, key) AS running_total FROM cached_pages)
            WHERE running_total > ?1)";
        self.connection.execute(surplus, [self.settings.max_bytes / 10 * 9])?;
        self.bytes = total_size(&self.connection)?;
        Ok(())
    }

    /// Pages stored at or before this moment have expired.
    fn expired_before(&self, now: Timestamp) -> i64 {
        micros(now.saturating_sub(self.settings.ttl).unwrap_or(Timestamp::MIN))
    }
}

fn total_size(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.query_row("SELECT coalesce(sum(size), 0) FROM cached_pages", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use opilio_actors::testing::clock::ManualClock;

    use super::*;
    use crate::stores::page_cache::tests::{SETTINGS, check_contract};

    fn open(directory: &Path, clock: &Arc<ManualClock>) -> EmbeddedPageCache {
        EmbeddedPageCache::open(directory, Arc::clone(clock) as Arc<dyn Clock>, SETTINGS).unwrap()
    }

    #[actix::test]
    async fn new_and_reopened_page_cache_fulfil_the_contract() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::default()));
        for _ in 0..2 {
            check_contract(&open(directory.path(), &clock), &clock).await;
        }
    }

    #[actix::test]
    async fn unreadable_page_cache_is_replaced() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::default()));
        std::fs::write(directory.path().join("pages.db"), "not a database ".repeat(40)).unwrap();
        check_contract(&open(directory.path(), &clock), &clock).await;
    }
}
