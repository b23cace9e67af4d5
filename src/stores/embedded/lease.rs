//! Operations under a job's lease, except settlement.

use std::time::Duration;

use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::job::{Cause, JobState, Progress};
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::{Release, StoreError};
use rusqlite::{Connection, params};

use super::convert::{later, micros, store_error};
use super::row::{self, StoredJob};
use super::writer::Context;
use crate::stores::convert::job_state_name;

/// The job that `lease` belongs to; `LeaseLost` if the lease is stale.
pub fn leased_job(connection: &Connection, lease: &Lease) -> Result<StoredJob, StoreError> {
    let stored = row::find(connection, "j.id = ?1", &[&lease.job.as_str()])?.ok_or(StoreError::LeaseLost)?;
    match &stored.job.state {
        JobState::Running { lease: current } if current == lease => Ok(stored),
        _ => Err(StoreError::LeaseLost),
    }
}

pub fn renew(
    connection: &Connection,
    context: &Context,
    leases: &[Lease],
    lease_duration: Duration,
) -> Result<Vec<Lease>, StoreError> {
    let until = micros(later(context.steady(), lease_duration));
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET lease_until = ?4 WHERE id = ?1 AND state = 'running' AND token = ?2 AND node = ?3",
        )
        .map_err(store_error)?;
    let mut stale = Vec::new();
    for lease in leases {
        let renewed = update
            .execute(params![lease.job.as_str(), lease.token, lease.node.as_str(), until])
            .map_err(store_error)?;
        if renewed == 0 {
            stale.push(lease.clone());
        }
    }
    Ok(stale)
}

pub fn note_waits(connection: &Connection, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError> {
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET waiting_for = ?4 WHERE id = ?1 AND state = 'running' AND token = ?2 AND node = ?3",
        )
        .map_err(store_error)?;
    for (lease, wait) in waits {
        update.execute(params![lease.job.as_str(), lease.token, lease.node.as_str(), wait]).map_err(store_error)?;
    }
    Ok(())
}

pub fn record_pages(connection: &Connection, lease: &Lease, pages: &[PageRecord]) -> Result<Progress, StoreError> {
    let stored = leased_job(connection, lease)?;
    let mut progress = stored.job.progress;
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO pages (job, idx, success, error, result) VALUES (?1, ?2, ?3, ?4, ?5)")
        .map_err(store_error)?;
    for page in pages.iter().filter(|page| page.index < progress.total) {
        let added = insert
            .execute(params![stored.seq, page.index, page.success, page.error, &page.json[..]])
            .map_err(store_error)?;
        progress.done += u32::from(added > 0);
        progress.failed += u32::from(added > 0 && !page.success);
    }
    let mut update =
        connection.prepare_cached("UPDATE jobs SET done = ?2, failed = ?3 WHERE seq = ?1").map_err(store_error)?;
    update.execute(params![stored.seq, progress.done, progress.failed]).map_err(store_error)?;
    Ok(progress)
}

pub fn clear_crashes(connection: &Connection, lease: &Lease) -> Result<(), StoreError> {
    let stored = leased_job(connection, lease)?;
    let mut update = connection.prepare_cached("UPDATE jobs SET crashes = 0 WHERE seq = ?1").map_err(store_error)?;
    update.execute([stored.seq]).map_err(store_error)?;
    Ok(())
}

pub fn release(connection: &Connection, context: &Context, lease: &Lease, release: &Release) -> Result<(), StoreError> {
    let stored = leased_job(connection, lease)?;
    requeue(connection, context, &stored, release)
}

/// Returns a running job to its queue, at its original position.
pub fn requeue(
    connection: &Connection,
    context: &Context,
    stored: &StoredJob,
    release: &Release,
) -> Result<(), StoreError> {
    let spent = release.interruption.costs_an_attempt();
    let (crashes, delay) = release.crashes_and_delay(stored.job.crashes);
    let not_before = (!delay.is_zero()).then(|| later(context.steady(), delay));
    let state = stored.job.state.clone().after(Cause::Released { not_before }).ok_or(StoreError::LeaseLost)?;
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, not_before = ?3, attempts_spent = attempts_spent + ?4, \
             crashes = ?5, error = coalesce(?6, error), node = NULL, lease_until = NULL WHERE seq = ?1",
        )
        .map_err(store_error)?;
    let changes = params![stored.seq, job_state_name(&state), not_before.map(micros), spent, crashes, release.reason];
    update.execute(changes).map_err(store_error)?;
    Ok(())
}
