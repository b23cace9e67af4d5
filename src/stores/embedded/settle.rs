//! Settlement: a job's final state, its delivery and the end of its lease, in one transaction.

use jiff::Timestamp;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Cause, Job, JobState};
use opilio_actors::domain::lease::Lease;
use opilio_actors::domain::retention::Keep;
use opilio_actors::ports::{SettleReason, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::convert::{later, micros, store_error};
use super::lease::leased_job;
use super::queries::visible;
use super::row::{self, StoredJob};
use super::writer::Context;
use crate::stores::convert::job_state_name;

pub fn settle(
    connection: &Connection,
    context: &Context,
    lease: &Lease,
    reason: &SettleReason,
) -> Result<Job, StoreError> {
    let stored = leased_job(connection, lease)?;
    let progress = stored.job.progress;
    if progress.done < progress.total {
        return Err(StoreError::Conflict("the job has pages without a result"));
    }
    let verdict = progress.verdict();
    let error = match JobState::from(verdict) {
        JobState::Failed => first_error(connection, stored.seq)?,
        _ => None,
    };
    let counts = *reason == SettleReason::WorkDone;
    finish(connection, context, &stored, Cause::Settled { verdict }, error, counts)
}

pub fn cancel(
    connection: &Connection,
    context: &Context,
    job: &JobId,
    principal: Option<&Principal>,
) -> Result<Job, StoreError> {
    let stored = visible(connection, job, principal)?;
    if stored.job.state.is_settled() {
        return Err(StoreError::Conflict("the job is settled already"));
    }
    let running = matches!(stored.job.state, JobState::Running { .. });
    finish(connection, context, &stored, Cause::CancelRequested, Some("Cancelled by request".to_owned()), running)
}

fn finish(
    connection: &Connection,
    context: &Context,
    stored: &StoredJob,
    cause: Cause,
    error: Option<String>,
    counts_as_attempt: bool,
) -> Result<Job, StoreError> {
    let state = stored.job.state.clone().after(cause).ok_or(StoreError::LeaseLost)?;
    let now = context.now();
    let expires_at = match (&stored.job.spec.webhook, context.settings.retention.keep(None)) {
        (None, Keep::For(time)) => Some(later(now, time)),
        _ => None,
    };
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, error = ?3, finished_at = ?4, expires_at = ?5, not_before = NULL, node = NULL, \
             lease_until = NULL, attempts_spent = attempts_spent + ?6 WHERE seq = ?1",
        )
        .map_err(store_error)?;
    let (state, expires_at) = (job_state_name(&state), expires_at.map(micros));
    update
        .execute(params![stored.seq, state, error, micros(now), expires_at, counts_as_attempt])
        .map_err(store_error)?;
    create_delivery(connection, stored, context.steady())?;
    Ok(row::find(connection, "j.seq = ?1", &[&stored.seq])?.ok_or(StoreError::NotFound)?.job)
}

/// Creates the job's delivery, due now, if it has a webhook.
fn create_delivery(connection: &Connection, stored: &StoredJob, now: Timestamp) -> Result<(), StoreError> {
    let Some(target) = &stored.job.spec.webhook else { return Ok(()) };
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO deliveries (job, principal, receiver, state, due) VALUES (?1, ?2, ?3, 'pending', ?4)",
        )
        .map_err(store_error)?;
    let (principal, receiver) = (stored.job.principal.as_str(), target.receiver());
    insert.execute(params![stored.seq, principal, receiver.as_str(), micros(now)]).map_err(store_error)?;
    Ok(())
}

/// The error of the first page.
fn first_error(connection: &Connection, seq: i64) -> Result<Option<String>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT error FROM pages WHERE job = ?1 ORDER BY idx LIMIT 1")
        .map_err(store_error)?;
    select.query_row([seq], |row| row.get(0)).optional().map_err(store_error)
}
