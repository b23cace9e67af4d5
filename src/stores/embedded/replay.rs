//! Sending again what was sent, given up or refused.

use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::ports::{ReplayFilter, StoreError};
use rusqlite::{Connection, params};

use super::access::{micros, store_error};
use super::writer::Context;
use super::{deliveries, settle};

pub fn one(
    connection: &Connection,
    context: &Context,
    job: &JobId,
    principal: Option<&Principal>,
) -> Result<Job, StoreError> {
    let stored = settle::visible(connection, job, principal)?;
    if stored.job.spec.webhook.is_none() {
        return Err(StoreError::Conflict("no webhook was configured for this job"));
    }
    if stored.job.delivery.is_none() {
        return Err(StoreError::Conflict("the job is not settled yet"));
    }
    deliveries::restart(connection, context, stored.seq)?;
    Ok(settle::visible(connection, job, principal)?.job)
}

pub fn many(connection: &Connection, context: &Context, filter: &ReplayFilter) -> Result<u64, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT d.job FROM deliveries d JOIN jobs j ON j.seq = d.job \
             WHERE (?1 IS NULL OR j.principal = ?1) AND (?2 IS NULL OR d.state = ?2) \
             AND (?3 IS NULL OR j.finished_at >= ?3) AND (?4 IS NULL OR d.receiver = ?4)",
        )
        .map_err(store_error)?;
    let principal = filter.principal.as_ref().map(Principal::as_str);
    let state = filter.state.map(|state| state.as_str());
    let receiver = filter.receiver.as_ref().map(|receiver| receiver.as_str());
    let rows = select
        .query_map(params![principal, state, filter.since.map(micros), receiver], |row| row.get::<_, i64>(0))
        .map_err(store_error)?;
    let chosen: Vec<i64> = rows.collect::<Result<_, _>>().map_err(store_error)?;
    for seq in &chosen {
        deliveries::restart(connection, context, *seq)?;
    }
    Ok(chosen.len() as u64)
}
