//! Replays of deliveries.

use opilio_actors::domain::delivery::DeliveryState;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::ports::{ReplayFilter, StoreError};
use rusqlite::{Connection, params};

use super::convert::{micros, store_error};
use super::writer::Context;
use super::{delivery_row, queries};

pub fn one(
    connection: &Connection,
    context: &Context,
    job: &JobId,
    principal: Option<&Principal>,
) -> Result<Job, StoreError> {
    let stored = queries::visible(connection, job, principal)?;
    if stored.job.spec.webhook.is_none() {
        return Err(StoreError::Conflict("no webhook was configured for this job"));
    }
    if stored.job.delivery.is_none() {
        return Err(StoreError::Conflict("the job is not settled yet"));
    }
    restart(connection, context, stored.seq)?;
    Ok(queries::visible(connection, job, principal)?.job)
}

pub fn many(connection: &Connection, context: &Context, filter: &ReplayFilter) -> Result<u64, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT d.job FROM deliveries d JOIN jobs j ON j.seq = d.job \
             WHERE (?1 IS NULL OR j.principal = ?1) AND (?2 IS NULL OR d.state = ?2) \
             AND (?3 IS NULL OR j.finished_at >= ?3) AND (?4 IS NULL OR substr(d.receiver, 1, length(?4) + 1) = ?4 || ' ')",
        )
        .map_err(store_error)?;
    let principal = filter.principal.as_ref().map(Principal::as_str);
    let state = filter.state.map(|state| state.as_str());
    let rows = select
        .query_map(params![principal, state, filter.since.map(micros), filter.origin], |row| row.get::<_, i64>(0))
        .map_err(store_error)?;
    let matching: Vec<i64> = rows.collect::<Result<_, _>>().map_err(store_error)?;
    for seq in &matching {
        restart(connection, context, *seq)?;
    }
    Ok(matching.len() as u64)
}

/// Starts a new retry schedule: now, or when the attempt in progress ends.
fn restart(connection: &Connection, context: &Context, seq: i64) -> Result<(), StoreError> {
    if request_after_attempt(connection, seq)? {
        return Ok(());
    }
    let due = DeliveryState::Pending { due: context.steady() };
    delivery_row::set_state(connection, context, seq, &due, 0).map(|_| ())
}

/// Returns whether an attempt is in progress.
fn request_after_attempt(connection: &Connection, seq: i64) -> Result<bool, StoreError> {
    let mut update = connection
        .prepare_cached("UPDATE deliveries SET replay_requested = 1 WHERE job = ?1 AND lease_until IS NOT NULL")
        .map_err(store_error)?;
    update.execute([seq]).map(|changed| changed > 0).map_err(store_error)
}
