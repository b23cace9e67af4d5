//! Whether a store's file holds all the pages that it says it holds, looked at before anything touches it.
//!
//! The format is SQLite's own (<https://www.sqlite.org/fileformat2.html>, sections 1.3 and 4.1).

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 100;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A file that is not there, or holds nothing yet, is whole. What is missing from the file may stand in its log still.
pub fn is_cut_short(file: &Path) -> std::io::Result<bool> {
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
    // Programs of before 2010 do not write how many pages there are; then these two differ.
    if word(&header, 24) != word(&header, 92) {
        return Ok(false);
    }
    let (says, there) = (u64::from(word(&header, 28)), db.metadata()?.len() / page_size);
    if there >= says {
        return Ok(false);
    }
    let logged = logged_pages(file, page_size)?;
    Ok((there + 1..=says).any(|page| !logged.contains(&page)))
}

/// `None`: it is no database, and SQLite will say so.
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

fn logged_pages(file: &Path, page_size: u64) -> std::io::Result<HashSet<u64>> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let mut log = match File::open(PathBuf::from(log)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashSet::new()),
        opened => BufReader::new(opened?),
    };
    let mut pages = HashSet::new();
    let mut frame = [0; FRAME_HEADER];
    let mut skip = i64::try_from(LOG_HEADER).unwrap_or(i64::MAX);
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

    /// A file of some pages, and what its last writes left in the log.
    fn written(folder: &Path, file: &Path) {
        let writer = Connection::open(file).expect("the folder is ours");
        writer.pragma_update(None, "journal_mode", "WAL").expect("it can be set");
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000));").expect("there is room");
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (1);").expect("there is room");
        for name in ["a.db", "a.db-wal"] {
            std::fs::copy(folder.join(name), folder.join(format!("copy-{name}"))).expect("the folder is ours");
        }
    }

    fn cut(path: &Path, pages: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(path).expect("it is there");
        file.set_len(pages * 4096).expect("it can be cut");
    }

    #[test]
    fn a_file_is_cut_short_where_pages_are_missing_that_its_log_does_not_hold() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, copy) = (folder.path().join("a.db"), folder.path().join("copy-a.db"));
        assert!(!is_cut_short(&file).expect("it can be looked for"), "it is not there yet");
        written(folder.path(), &file);
        assert!(!is_cut_short(&copy).expect("it can be read"));
        let pages = std::fs::metadata(&copy).expect("it is there").len() / 4096;
        cut(&copy, pages - 1);
        assert!(is_cut_short(&copy).expect("it can be read"));
        cut(&copy, 0);
        assert!(!is_cut_short(&copy).expect("it can be read"), "an empty file is a new one");
        std::fs::write(&copy, "SQLite").expect("the folder is ours");
        assert!(is_cut_short(&copy).expect("it can be read"), "less than a header");
    }

    #[test]
    fn what_stands_in_the_log_is_not_missing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.db");
        let writer = Connection::open(&file).expect("the folder is ours");
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x);").expect("there is room");
        writer
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (zeroblob(100000));")
            .expect("room");
        // As a crash leaves it in the middle of a checkpoint: the first page is new, the others are still to come.
        let log = std::fs::read(folder.path().join("a.db-wal")).expect("it is there");
        let frame = FRAME_HEADER + 4096;
        let newest_first_page = (LOG_HEADER..log.len()).step_by(frame).rfind(|at| word(&log, *at) == 1);
        let at = newest_first_page.expect("every write changes the first page") + FRAME_HEADER;
        let mut bytes = std::fs::read(&file).expect("it is there");
        bytes[..4096].copy_from_slice(&log[at..at + 4096]);
        let copy = folder.path().join("copy.db");
        std::fs::write(&copy, &bytes).expect("the folder is ours");
        assert!(is_cut_short(&copy).expect("it can be read"));
        std::fs::write(folder.path().join("copy.db-wal"), &log).expect("the folder is ours");
        assert!(!is_cut_short(&copy).expect("it can be read"));
    }
}
