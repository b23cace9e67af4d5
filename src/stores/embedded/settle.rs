//! A job's end: its final state, its webhook and the freed lease, in one transaction.

use jiff::Timestamp;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Cause, Job, JobState};
use opilio_actors::domain::lease::Lease;
use opilio_actors::domain::retention::Keep;
use opilio_actors::ports::{SettleReason, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::access::{later, micros, store_error};
use super::lease::held;
use super::row::{self, StoredJob};
use super::writer::Context;

pub fn settle(
    connection: &Connection,
    context: &Context,
    lease: &Lease,
    ending: &SettleReason,
) -> Result<Job, StoreError> {
    let stored = held(connection, lease)?;
    let progress = stored.job.progress;
    if progress.done < progress.total {
        return Err(StoreError::Conflict("the job has pages without a result"));
    }
    let verdict = progress.verdict();
    let error = match JobState::from(verdict) {
        JobState::Failed => first_error(connection, stored.seq)?,
        _ => None,
    };
    let counts = *ending == SettleReason::WorkDone;
    end(connection, context, &stored, Cause::Settled { verdict }, error, counts)
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
    end(connection, context, &stored, Cause::CancelRequested, Some("Cancelled by request".to_owned()), running)
}

/// The job, as far as `principal` (`None`: anybody) may know of it.
pub fn visible(connection: &Connection, job: &JobId, principal: Option<&Principal>) -> Result<StoredJob, StoreError> {
    row::find(connection, "j.id = ?1", &[&job.as_str()])?
        .filter(|stored| principal.is_none_or(|principal| *principal == stored.job.principal))
        .ok_or(StoreError::NotFound)
}

fn end(
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
    update
        .execute(params![
            stored.seq,
            row::state_name(&state),
            error,
            micros(now),
            expires_at.map(micros),
            counts_as_attempt
        ])
        .map_err(store_error)?;
    queue_webhook(connection, stored, context.steady())?;
    Ok(row::find(connection, "j.seq = ?1", &[&stored.seq])?.ok_or(StoreError::NotFound)?.job)
}

fn queue_webhook(connection: &Connection, stored: &StoredJob, now: Timestamp) -> Result<(), StoreError> {
    let Some(target) = &stored.job.spec.webhook else { return Ok(()) };
    let mut insert = connection
        .prepare_cached("INSERT INTO deliveries (job, receiver, state, due) VALUES (?1, ?2, 'pending', ?3)")
        .map_err(store_error)?;
    insert.execute(params![stored.seq, target.receiver().as_str(), micros(now)]).map_err(store_error)?;
    Ok(())
}

/// Why the first page failed.
fn first_error(connection: &Connection, seq: i64) -> Result<Option<String>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT error FROM pages WHERE job = ?1 ORDER BY idx LIMIT 1")
        .map_err(store_error)?;
    select.query_row([seq], |row| row.get(0)).optional().map_err(store_error)
}
