//! The database file: its format and its connections.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// `OPIL`, SQLite's `application_id` of a store file.
const APPLICATION: i64 = 0x4f50_494c;
/// The format that this version reads and writes, SQLite's `user_version`.
pub const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// The format of a database file.
pub enum Format {
    Supported,
    /// A store file of another version.
    Unsupported {
        version: i64,
    },
    /// A database of another application.
    Foreign,
}

/// Opens a read-write connection.
pub fn connect(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a read-only connection.
pub fn connect_reader(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

/// Creates the tables in an empty file. A file whose format is not supported is not changed.
pub fn prepare(connection: &mut Connection) -> Result<Format, rusqlite::Error> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = (application, version, tables) == (0, 0, 0);
    if !empty && application != APPLICATION {
        return Ok(Format::Foreign);
    }
    if !empty && version != VERSION {
        return Ok(Format::Unsupported { version });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    if empty {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(Format::Supported)
}
