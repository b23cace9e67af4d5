//! The embedded store: one SQLite file in a directory that is locked to one process.
//!
//! One thread writes and commits waiting writes together ([`writer`]); reads use connections of their own ([`reader`]).

mod attempts;
mod changes;
mod checkpoints;
mod convert;
mod delivery_row;
mod delivery_store;
mod due;
mod file_identity;
mod integrity;
mod job_store;
mod lease;
mod maintenance;
pub mod page_cache;
mod queries;
mod queue;
mod reader;
mod replay;
mod row;
mod schema;
mod settle;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use opilio_actors::ports::{Clock, StoreError};

use super::settings::StoreSettings;
use schema::Format;

/// Jobs and deliveries of one process in SQLite.
pub struct EmbeddedStore {
    clock: Arc<dyn Clock>,
    reader: reader::Reader,
    /// Dropped after `reader`: the last connection that closes, if it may write, checkpoints the write-ahead log.
    writer: writer::Writer,
    /// Held while the store is open.
    _lock: std::fs::File,
}

impl EmbeddedStore {
    /// Opens or creates the store in `directory` and ends all leases of the previous process.
    ///
    /// # Errors
    /// The directory cannot be written, another process uses it, or the file is damaged or has an unsupported format.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>, settings: StoreSettings) -> Result<Self, OpenError> {
        let unusable = |source: std::io::Error| OpenError::Directory { path: directory.display().to_string(), source };
        std::fs::create_dir_all(directory).map_err(unusable)?;
        let lock = std::fs::File::create(directory.join("opilio.lock")).map_err(unusable)?;
        lock.try_lock().map_err(|_| OpenError::InUse { directory: directory.display().to_string() })?;
        let path = directory.join("opilio.db");
        let file = path.display().to_string();
        if integrity::is_truncated(&path).map_err(unusable)? {
            return Err(OpenError::Truncated { file });
        }
        let failed = |source: rusqlite::Error| OpenError::File { file: file.clone(), reason: source.to_string() };
        let mut connection = schema::connect(&path).map_err(failed)?;
        match schema::prepare(&mut connection).map_err(failed)? {
            Format::Supported => {}
            Format::Foreign => return Err(OpenError::Foreign { file }),
            Format::Unsupported { version } => {
                return Err(OpenError::Unsupported { file, version, supported: schema::VERSION });
            }
        }
        maintenance::end_leases(&connection, clock.steady())
            .map_err(|error| OpenError::File { file: file.clone(), reason: error.to_string() })?;
        let reader = reader::Reader::new(&path).map_err(failed)?;
        let files = file_identity::FileIdentity::of(&path).map_err(unusable)?;
        let writer = writer::Writer::start(connection, writer::Context::new(Arc::clone(&clock), settings, files));
        Ok(Self { clock, writer, reader, _lock: lock })
    }
}

/// Moves the write-ahead log into the file of the store in `directory`.
///
/// # Errors
/// The file cannot be written, or a transaction uses the log.
pub fn checkpoint(directory: &Path) -> Result<(), StoreError> {
    let connection = schema::connect(&directory.join("opilio.db")).map_err(convert::store_error)?;
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(convert::store_error)?;
    if busy { Err(StoreError::Unavailable("the write-ahead log is in use".to_owned())) } else { Ok(()) }
}

/// Writes the committed state of the store in `directory` into a new file. A server may use the store meanwhile.
///
/// # Errors
/// The store cannot be read, or the file cannot be written.
pub fn copy_into(directory: &Path, file: &Path) -> Result<(), CopyError> {
    let connection = schema::connect_reader(&directory.join("opilio.db"))?;
    connection.execute("VACUUM INTO ?1", [file.to_string_lossy()])?;
    std::fs::File::open(file)?.sync_all()?;
    Ok(())
}

/// Why a store cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    #[error("{0}")]
    File(#[from] std::io::Error),
}

/// Why a store cannot be opened. Except for `File`, the file has not been changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store directory {path} cannot be used: {source}")]
    Directory { path: String, source: std::io::Error },
    #[error("the store directory {directory} is in use by another process")]
    InUse { directory: String },
    #[error(
        "the store file {file} has format {version}; this version of Opilio supports only format {supported}. The file \
         was not changed"
    )]
    Unsupported { file: String, version: i64, supported: i64 },
    #[error("the store file {file} belongs to another application. The file was not changed")]
    Foreign { file: String },
    #[error("the store file {file} is truncated: it is shorter than its header states. The file was not changed")]
    Truncated { file: String },
    #[error("the store file {file} cannot be used: {reason}")]
    File { file: String, reason: String },
}
