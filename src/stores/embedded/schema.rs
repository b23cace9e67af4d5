//! The tables, and how an older file becomes today's.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// One step a version; a file is brought up step by step. A step that was released is never changed.
const STEPS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];
/// Today's version.
pub const NEWEST: i64 = STEPS.len() as i64;

/// A connection that may write.
pub fn connect(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A connection that may only read.
pub fn connect_reader(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

/// Brings the file to today's schema. Returns the version of one that is newer, and does nothing to it.
pub fn migrate(connection: &mut Connection) -> Result<Option<i64>, rusqlite::Error> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > NEWEST {
        return Ok(Some(found));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    for (version, step) in (1_i64..).zip(STEPS).filter(|(version, _)| *version > found) {
        let change = connection.transaction()?;
        change.execute_batch(step)?;
        change.pragma_update(None, "user_version", version)?;
        change.commit()?;
    }
    Ok(None)
}
