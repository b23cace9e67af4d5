//! Detects a truncated database file before SQLite opens it. File format: <https://www.sqlite.org/fileformat2.html>,
//! sections 1.3 and 4.1.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 100;
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Whether pages are missing from both the file and its write-ahead log. A missing or empty file is not truncated.
pub fn is_truncated(file: &Path) -> std::io::Result<bool> {
    let mut db = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let mut header = [0; HEADER];
    match db.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(db.metadata()?.len() > 0),
        read => read?,
    }
    let Some(page_size) = page_size(&header) else { return Ok(false) };
    // The page count is valid only if these two counters are equal (SQLite before 3.7.0 does not write it).
    if word(&header, 24) != word(&header, 92) {
        return Ok(false);
    }
    let (expected, present) = (u64::from(word(&header, 28)), db.metadata()?.len() / page_size);
    if present >= expected {
        return Ok(false);
    }
    let logged = wal_pages(file, page_size)?;
    Ok((present + 1..=expected).any(|page| !logged.contains(&page)))
}

/// `None`: not a database; SQLite reports the error.
fn page_size(header: &[u8; HEADER]) -> Option<u64> {
    match u16::from_be_bytes([header[16], header[17]]) {
        0 => None,
        1 => Some(65_536),
        size => Some(size.into()),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn wal_pages(file: &Path, page_size: u64) -> std::io::Result<HashSet<u64>> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let mut log = match File::open(PathBuf::from(log)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashSet::new()),
        opened => BufReader::new(opened?),
    };
    let mut pages = HashSet::new();
    let mut frame = [0; FRAME_HEADER];
    let mut skip = i64::try_from(WAL_HEADER).unwrap_or(i64::MAX);
    loop {
        log.seek_relative(skip)?;
        match log.read_exact(&mut frame) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(pages),
            read => read?,
        }
        pages.insert(word(&frame, 0).into());
        skip = i64::try_from(page_size).unwrap_or(i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// Writes a database of several pages and a copy of it with its write-ahead log.
    fn create(folder: &Path, file: &Path) {
        let writer = Connection::open(file).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000));").unwrap();
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (1);").unwrap();
        for name in ["a.db", "a.db-wal"] {
            std::fs::copy(folder.join(name), folder.join(format!("copy-{name}"))).unwrap();
        }
    }

    fn truncate(path: &Path, pages: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(pages * 4096).unwrap();
    }

    #[test]
    fn missing_pages_are_detected() {
        let folder = tempfile::tempdir().unwrap();
        let (file, copy) = (folder.path().join("a.db"), folder.path().join("copy-a.db"));
        assert!(!is_truncated(&file).unwrap(), "missing file");
        create(folder.path(), &file);
        assert!(!is_truncated(&copy).unwrap());
        let pages = std::fs::metadata(&copy).unwrap().len() / 4096;
        truncate(&copy, pages - 1);
        assert!(is_truncated(&copy).unwrap());
        truncate(&copy, 0);
        assert!(!is_truncated(&copy).unwrap(), "empty file");
        std::fs::write(&copy, "SQLite").unwrap();
        assert!(is_truncated(&copy).unwrap(), "partial header");
    }

    #[test]
    fn pages_in_the_write_ahead_log_are_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let writer = Connection::open(&file).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x);").unwrap();
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (zeroblob(100000));").unwrap();
        // A crash during a checkpoint: the first page is written, the others are not.
        let log = std::fs::read(folder.path().join("a.db-wal")).unwrap();
        let frame = FRAME_HEADER + 4096;
        let newest_first_page = (WAL_HEADER..log.len()).step_by(frame).rfind(|at| word(&log, *at) == 1);
        let at = newest_first_page.unwrap() + FRAME_HEADER;
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[..4096].copy_from_slice(&log[at..at + 4096]);
        let copy = folder.path().join("copy.db");
        std::fs::write(&copy, &bytes).unwrap();
        assert!(is_truncated(&copy).unwrap());
        std::fs::write(folder.path().join("copy.db-wal"), &log).unwrap();
        assert!(!is_truncated(&copy).unwrap());
    }
}
