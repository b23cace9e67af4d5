//! The embedded store: one SQLite file in a folder that belongs to one process.
//!
//! Writes go through one thread that commits what waits together ([`writer`]); reads have connections of their own.

mod access;
mod changes;
mod checkpoints;
mod deliveries;
mod lease;
mod listing;
pub mod page_cache;
mod port;
mod queue;
mod reader;
mod replay;
mod row;
mod schema;
mod settle;
mod upkeep;
mod whole;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use opilio_actors::ports::Clock;

pub use super::StoreSettings;

/// Keeps every promise of [`opilio_actors::ports::JobStore`], for one process.
pub struct EmbeddedStore {
    clock: Arc<dyn Clock>,
    reader: reader::Reader,
    /// Closed after the readers: who closes last and may write empties the log into the file.
    writer: writer::Writer,
    /// Held for as long as the store is open.
    _lock: std::fs::File,
}

impl EmbeddedStore {
    /// Opens or makes the store under `folder`. All leases of the process that had it before are void.
    ///
    /// # Errors
    /// One sentence for a person: the folder cannot be written, another process has it, the file is damaged or was
    /// written by a newer version.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>, settings: StoreSettings) -> Result<Self, OpenError> {
        let unusable = |source: std::io::Error| OpenError::Unusable { folder: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let lock = std::fs::File::create(folder.join("opilio.lock")).map_err(unusable)?;
        lock.try_lock().map_err(|_| OpenError::Taken(folder.display().to_string()))?;
        let file = folder.join("opilio.db");
        if whole::is_cut_short(&file).map_err(unusable)? {
            return Err(OpenError::CutShort(file.display().to_string()));
        }
        let bad = |why: String| OpenError::Bad { file: file.display().to_string(), why };
        let mut connection = schema::connect(&file).map_err(|error| bad(error.to_string()))?;
        if let Some(found) = schema::migrate(&mut connection).map_err(|error| bad(error.to_string()))? {
            return Err(OpenError::Newer { file: file.display().to_string(), found, known: schema::NEWEST });
        }
        upkeep::void_leases(&connection, clock.steady()).map_err(|error| bad(error.to_string()))?;
        let reader = reader::Reader::new(&file).map_err(|error| bad(error.to_string()))?;
        let writer = writer::Writer::start(connection, writer::Context::new(Arc::clone(&clock), settings));
        Ok(Self { clock, writer, reader, _lock: lock })
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store folder {folder} cannot be used: {source}")]
    Unusable { folder: String, source: std::io::Error },
    #[error("the store folder {0} is in use by another process")]
    Taken(String),
    #[error(
        "the store file {file} was written by a newer version of Opilio (schema {found}; this one knows {known}); it is \
         left as it is"
    )]
    Newer { file: String, found: i64, known: i64 },
    #[error("the store file {0} has been cut short: it says that it is longer than it is; it is left as it is")]
    CutShort(String),
    #[error("the store file {file} cannot be used: {why}")]
    Bad { file: String, why: String },
}
