//! The row of a delivery.

use opilio_actors::domain::delivery::DeliveryState;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::retention::Keep;
use opilio_actors::ports::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::convert::{later, micros, store_error};
use super::writer::Context;

pub struct DeliveryRow {
    pub seq: i64,
    pub state: String,
    pub attempts: u32,
    pub interruptions: u32,
    pub total_attempts: u32,
    pub version: u64,
    pub replay_requested: bool,
    pub leased: bool,
}

pub fn find(connection: &Connection, job: &JobId) -> Result<Option<DeliveryRow>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT d.job, d.state, d.attempts, d.interruptions, d.total_attempts, d.version, d.replay_requested, \
             d.lease_until IS NOT NULL FROM deliveries d JOIN jobs j ON j.seq = d.job WHERE j.id = ?1",
        )
        .map_err(store_error)?;
    let found = select.query_row([job.as_str()], |row| {
        Ok(DeliveryRow {
            seq: row.get(0)?,
            state: row.get(1)?,
            attempts: row.get(2)?,
            interruptions: row.get(3)?,
            total_attempts: row.get(4)?,
            version: row.get(5)?,
            replay_requested: row.get(6)?,
            leased: row.get(7)?,
        })
    });
    found.optional().map_err(store_error)
}

/// Changes the delivery's state, ends its lease and updates the job's expiry. Returns the new version.
pub fn set_state(
    connection: &Connection,
    context: &Context,
    seq: i64,
    state: &DeliveryState,
    attempts: u32,
) -> Result<u64, StoreError> {
    let due = match state {
        DeliveryState::Pending { due } => Some(micros(*due)),
        _ => None,
    };
    let mut update = connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?2, due = coalesce(?3, due), attempts = ?4, interruptions = 0, \
             replay_requested = 0, lease_until = NULL, version = version + 1 WHERE job = ?1 RETURNING version",
        )
        .map_err(store_error)?;
    let version = update
        .query_row(params![seq, state.status().as_str(), due, attempts], |row| row.get(0))
        .map_err(store_error)?;
    let expires_at = match context.settings.retention.keep(Some(state)) {
        Keep::Unbounded => None,
        Keep::For(time) => Some(micros(later(context.now(), time))),
    };
    let mut expiry =
        connection.prepare_cached("UPDATE jobs SET expires_at = ?2 WHERE seq = ?1").map_err(store_error)?;
    expiry.execute(params![seq, expires_at]).map_err(store_error)?;
    Ok(version)
}
