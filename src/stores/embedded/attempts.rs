//! Delivery attempts: start, outcome and log.

use jiff::Timestamp;
use opilio_actors::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, LoggedAttempt, RetryDecision};
use opilio_actors::domain::id::JobId;
use opilio_actors::ports::{AttemptStart, AttemptTerms, StoreError};
use rusqlite::{Connection, params};

use super::convert::{later, micros, store_error};
use super::delivery_row::{self, DeliveryRow};
use super::maintenance;
use super::row;
use super::writer::Context;
use crate::stores::convert::invalid;

pub fn start(
    connection: &Connection,
    context: &Context,
    job: &JobId,
    version: u64,
    terms: AttemptTerms,
) -> Result<AttemptStart, StoreError> {
    maintenance::end_interrupted_attempts(connection, context.steady())?;
    let Some(delivery) = delivery_row::find(connection, job)? else { return Ok(AttemptStart::Stale) };
    if delivery.state != "pending" || delivery.leased || delivery.version != version {
        return Ok(AttemptStart::Stale);
    }
    if delivery.interruptions > terms.max_interruptions {
        delivery_row::set_state(connection, context, delivery.seq, &DeliveryState::Exhausted, delivery.attempts)?;
        return Ok(AttemptStart::Exhausted);
    }
    let token = delivery.version + 1;
    let mut update = connection
        .prepare_cached(
            "UPDATE deliveries SET lease_until = ?2, due = ?3, version = ?4, total_attempts = total_attempts + 1, \
             interruptions = interruptions + 1 WHERE job = ?1",
        )
        .map_err(store_error)?;
    // `due` and `interruptions` apply if the attempt is interrupted; its outcome overwrites them.
    let [until, due] =
        [terms.lease_duration, terms.interruption_delay].map(|wait| micros(later(context.steady(), wait)));
    update.execute(params![delivery.seq, until, due, token]).map_err(store_error)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO attempts (job, number, started_at) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?;
    insert.execute(params![delivery.seq, delivery.total_attempts + 1, micros(context.now())]).map_err(store_error)?;
    Ok(AttemptStart::Started(Attempt { job: job.clone(), number: delivery.attempts + 1, token }))
}

pub fn finish(
    connection: &Connection,
    context: &Context,
    attempt: &Attempt,
    outcome: &AttemptOutcome,
    decision: RetryDecision,
) -> Result<(DeliveryState, u64), StoreError> {
    let delivery = delivery_row::find(connection, &attempt.job)?.ok_or(StoreError::LeaseLost)?;
    if delivery.version != attempt.token || !delivery.leased {
        return Err(StoreError::LeaseLost);
    }
    let now = context.now();
    let state = match decision {
        _ if delivery.replay_requested => DeliveryState::Pending { due: context.steady() },
        RetryDecision::Delivered => DeliveryState::Delivered,
        RetryDecision::Refused => DeliveryState::Refused,
        RetryDecision::Exhausted => DeliveryState::Exhausted,
        RetryDecision::RetryIn(wait) => DeliveryState::Pending { due: later(context.steady(), wait) },
        RetryDecision::Aborted => DeliveryState::Pending { due: context.steady() },
    };
    // The log uses wall-clock time, like its other times.
    let next_due = match (&state, decision) {
        (DeliveryState::Pending { .. }, RetryDecision::RetryIn(wait)) if !delivery.replay_requested => {
            Some(later(now, wait))
        }
        (DeliveryState::Pending { .. }, _) => Some(now),
        _ => None,
    };
    log_outcome(connection, &delivery, now, outcome, next_due)?;
    let attempts = match decision {
        _ if delivery.replay_requested => 0,
        RetryDecision::Aborted => delivery.attempts,
        _ => delivery.attempts + 1,
    };
    let version = delivery_row::set_state(connection, context, delivery.seq, &state, attempts)?;
    Ok((state, version))
}

fn log_outcome(
    connection: &Connection,
    delivery: &DeliveryRow,
    now: Timestamp,
    outcome: &AttemptOutcome,
    next_due: Option<Timestamp>,
) -> Result<(), StoreError> {
    let (status, error, response) = match outcome {
        AttemptOutcome::Answered { status, excerpt, .. } => (Some(*status), None, Some(excerpt)),
        AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => (None, Some(reason), None),
    };
    let mut update = connection
        .prepare_cached(
            "UPDATE attempts SET finished_at = ?3, status = ?4, error = ?5, next_due = ?6, response = ?7 \
             WHERE job = ?1 AND number = ?2",
        )
        .map_err(store_error)?;
    let (number, next_due) = (delivery.total_attempts, next_due.map(micros));
    update
        .execute(params![delivery.seq, number, micros(now), status, error, next_due, response])
        .map_err(store_error)?;
    Ok(())
}

/// All attempts at the webhook of job `seq`, oldest first.
pub fn log(connection: &Connection, seq: i64) -> Result<Vec<LoggedAttempt>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT number, started_at, finished_at, status, error, next_due, response FROM attempts WHERE job = ?1 \
             ORDER BY number",
        )
        .map_err(store_error)?;
    let mut rows = select.query([seq]).map_err(store_error)?;
    let mut log = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        log.push(LoggedAttempt {
            number: row.get("number").map_err(store_error)?,
            started_at: row::moment(row, "started_at")?.ok_or_else(|| invalid("attempt time"))?,
            finished_at: row::moment(row, "finished_at")?,
            status: row.get("status").map_err(store_error)?,
            error: row.get("error").map_err(store_error)?,
            next_due: row::moment(row, "next_due")?,
            answer: row.get("response").map_err(store_error)?,
        });
    }
    Ok(log)
}
