//! The page cache beside the embedded store: a file of its own, because its pages may be lost and need no sync.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use opilio_actors::ports::{CachedPage, Clock, FetchedPage, PageCache, PageRequest};
use rusqlite::{Connection, OptionalExtension, params};
use tracing::warn;

use super::access::micros;
use crate::stores::blob;
use crate::stores::page_cache::{Key, PageCacheSettings, decode, encode, key};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pages (
        key BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL, size INTEGER NOT NULL, page BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS newest ON pages (at DESC, key, size);";

/// Keeps the newest pages, for one process; they outlive it.
pub struct EmbeddedPageCache {
    kept: Arc<Mutex<Kept>>,
    clock: Arc<dyn Clock>,
}

struct Kept {
    file: Connection,
    /// Of all pages in the file, at most: of one that was replaced both are counted until room is made.
    bytes: u64,
    settings: PageCacheSettings,
}

impl EmbeddedPageCache {
    /// Opens or makes the cache in the folder of a store that this process has opened. A file that cannot be used is made
    /// anew.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>, settings: PageCacheSettings) -> Result<Self, rusqlite::Error> {
        let file = folder.join("pages.db");
        let kept = Kept::open(&file, settings).or_else(|damaged| {
            warn!("kept pages are given up, because their file cannot be read: {damaged}");
            for name in ["pages.db", "pages.db-wal", "pages.db-shm"] {
                // What cannot be removed is met again when the file is opened.
                let _ = std::fs::remove_file(folder.join(name));
            }
            Kept::open(&file, settings)
        })?;
        Ok(Self { kept: Arc::new(Mutex::new(kept)), clock })
    }

    /// Away from the threads that serve messages. What fails is no page, and is said in the log.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Option<T> {
        let kept = Arc::clone(&self.kept);
        let work = move || work(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
        let done = tokio::task::spawn_blocking(work).await.ok()?;
        done.inspect_err(|error| warn!("the page cache failed: {error}")).ok()
    }
}

#[async_trait]
impl PageCache for EmbeddedPageCache {
    async fn find(&self, request: &PageRequest) -> Option<CachedPage> {
        let (key, now) = (key(request), self.clock.now());
        let (at, stored) = self.run(move |kept| kept.find(&key, now)).await??;
        let at = Timestamp::from_microsecond(at).ok()?;
        let page = decode(&blob::unpack(&stored).ok()?)?;
        Some(CachedPage { page, cached_at: at, age: now.duration_since(at).unsigned_abs() })
    }

    async fn store(&self, request: &PageRequest, page: &FetchedPage) {
        let (key, now, page) = (key(request), self.clock.now(), encode(page));
        self.run(move |kept| kept.keep(&key, now, &page)).await;
    }
}

impl Kept {
    fn open(file: &Path, settings: PageCacheSettings) -> Result<Self, rusqlite::Error> {
        let file = Connection::open(file)?;
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "NORMAL")?;
        file.pragma_update(None, "cache_size", -1024)?;
        file.execute_batch(SCHEMA)?;
        Ok(Self { bytes: total(&file)?, file, settings })
    }

    fn find(&self, key: &Key, now: Timestamp) -> Result<Option<(i64, Vec<u8>)>, rusqlite::Error> {
        let mut find = self.file.prepare_cached("SELECT at, page FROM pages WHERE key = ?1 AND at > ?2")?;
        find.query_row(params![key, self.oldest(now)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    fn keep(&mut self, key: &Key, now: Timestamp, page: &Bytes) -> Result<(), rusqlite::Error> {
        let packed = blob::pack(page);
        let size = packed.len() as u64;
        if size > self.settings.max_bytes {
            return Ok(());
        }
        let mut insert =
            self.file.prepare_cached("INSERT OR REPLACE INTO pages (key, at, size, page) VALUES (?1, ?2, ?3, ?4)")?;
        insert.execute(params![key, micros(now), size, packed])?;
        drop(insert);
        self.bytes += size;
        if self.bytes > self.settings.max_bytes { self.make_room(now) } else { Ok(()) }
    }

    /// Removes what is too old, and then the oldest; some more than needed, so that not every page has to make room.
    fn make_room(&mut self, now: Timestamp) -> Result<(), rusqlite::Error> {
        self.file.execute("DELETE FROM pages WHERE at <= ?1", [self.oldest(now)])?;
        let surplus = "DELETE FROM pages WHERE key IN (
            SELECT key FROM (SELECT key, sum(size) OVER (ORDER BY at DESC, key) AS so_far FROM pages) WHERE so_far > ?1)";
        self.file.execute(surplus, [self.settings.max_bytes / 10 * 9])?;
        self.bytes = total(&self.file)?;
        Ok(())
    }

    /// A page kept at this moment or before is too old.
    fn oldest(&self, now: Timestamp) -> i64 {
        micros(now.saturating_sub(self.settings.keep).unwrap_or(Timestamp::MIN))
    }
}

fn total(file: &Connection) -> Result<u64, rusqlite::Error> {
    file.query_row("SELECT coalesce(sum(size), 0) FROM pages", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use opilio_actors::testing::clock::ManualClock;

    use super::*;
    use crate::stores::page_cache::tests::{SETTINGS, every_promise};

    fn open(folder: &Path, clock: &Arc<ManualClock>) -> EmbeddedPageCache {
        EmbeddedPageCache::open(folder, Arc::clone(clock) as Arc<dyn Clock>, SETTINGS).expect("a folder to write in")
    }

    #[actix::test]
    async fn a_cache_in_a_file_keeps_every_promise_also_when_it_is_opened_again() {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), Arc::new(ManualClock::default()));
        for _ in 0..2 {
            every_promise(&open(folder.path(), &clock), &clock).await;
        }
    }

    #[actix::test]
    async fn a_file_that_is_no_cache_is_made_anew() {
        let (folder, clock) = (tempfile::tempdir().expect("a folder"), Arc::new(ManualClock::default()));
        std::fs::write(
            folder.path().join("pages.db"),
            "no database at all, but long enough to look like one".repeat(9),
        )
        .expect("it can be written");
        every_promise(&open(folder.path(), &clock), &clock).await;
    }
}
