//! Checkpoints of unsettled jobs.

use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::StoreError;
use rusqlite::{Connection, params};

use super::convert::store_error;
use super::lease::leased_job;

pub fn write(connection: &Connection, lease: &Lease, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let stored = leased_job(connection, lease)?;
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO checkpoints (job, name, value) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?;
    insert.execute(params![stored.seq, name, value]).map_err(store_error)?;
    Ok(())
}

pub fn read(connection: &Connection, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT c.name, c.value FROM checkpoints c JOIN jobs j ON j.seq = c.job WHERE j.id = ?1 ORDER BY c.name",
        )
        .map_err(store_error)?;
    let rows = select
        .query_map([job.as_str()], |row| Ok((row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?))))
        .map_err(store_error)?;
    rows.collect::<Result<_, _>>().map_err(store_error)
}
