//! Webhooks on their way: which are due, and what came of each attempt.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::delivery::{
    Attempt, AttemptOutcome, DeliveryState, DueDelivery, LoggedAttempt, RetryDecision,
};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::retention::Keep;
use opilio_actors::domain::webhook::Receiver;
use opilio_actors::ports::{AttemptStart, AttemptTerms, DueQuery, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::access::{later, micros, store_error};
use super::row::{self, damaged};
use super::writer::Context;

/// Goes from receiver to receiver by seeks in the index: the cost does not grow with what waits for one of them.
pub fn due(connection: &Connection, now: Timestamp, query: &DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
    let mut next_receiver = connection
        .prepare_cached(
            "SELECT receiver FROM deliveries WHERE state = 'pending' AND lease_until IS NULL AND receiver > ?1 \
             ORDER BY receiver LIMIT 1",
        )
        .map_err(store_error)?;
    let (mut found, mut last) = (Vec::new(), String::new());
    while let Some(receiver) =
        next_receiver.query_row([&last], |row| row.get::<_, String>(0)).optional().map_err(store_error)?
    {
        last.clone_from(&receiver);
        let receiver = Receiver::new(receiver);
        if !query.excluded_receivers.contains(&receiver) {
            earliest_of(connection, now, query, &receiver, &mut found)?;
        }
    }
    found.sort_by_key(|due| due.wait);
    found.truncate(query.limit);
    Ok(found)
}

fn earliest_of(
    connection: &Connection,
    now: Timestamp,
    query: &DueQuery,
    receiver: &Receiver,
    found: &mut Vec<DueDelivery>,
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT j.id, d.version, d.due, d.interruptions FROM deliveries d JOIN jobs j ON j.seq = d.job WHERE d.state = 'pending' \
             AND d.lease_until IS NULL AND d.receiver = ?1 AND d.due <= ?2 ORDER BY d.due LIMIT ?3",
        )
        .map_err(store_error)?;
    // What lies further ahead than any wait can be was written by a clock that has moved since.
    let horizon = later(now, query.horizon);
    let until = if query.horizon >= query.max_wait { Timestamp::MAX } else { horizon };
    let mut rows =
        select.query(params![receiver.as_str(), micros(until), query.limit_per_receiver]).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        let id: String = row.get(0).map_err(store_error)?;
        let due = row::moment(row, "due")?.ok_or_else(|| damaged("a delivery's time"))?;
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        found.push(DueDelivery {
            job: JobId::parse(&id).map_err(|_| damaged("a job's id"))?,
            receiver: receiver.clone(),
            version: row.get(1).map_err(store_error)?,
            interruptions: row.get(3).map_err(store_error)?,
            wait: wait.min(query.max_wait),
        });
    }
    Ok(())
}

/// A delivery as its row has it.
struct Stored {
    seq: i64,
    state: String,
    attempts: u32,
    interruptions: u32,
    made: u32,
    version: u64,
    again: bool,
    leased: bool,
}

fn find(connection: &Connection, job: &JobId) -> Result<Option<Stored>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT d.job, d.state, d.attempts, d.interruptions, d.made, d.version, d.again, d.lease_until IS NOT NULL \
             FROM deliveries d JOIN jobs j ON j.seq = d.job WHERE j.id = ?1",
        )
        .map_err(store_error)?;
    let found = select.query_row([job.as_str()], |row| {
        Ok(Stored {
            seq: row.get(0)?,
            state: row.get(1)?,
            attempts: row.get(2)?,
            interruptions: row.get(3)?,
            made: row.get(4)?,
            version: row.get(5)?,
            again: row.get(6)?,
            leased: row.get(7)?,
        })
    });
    found.optional().map_err(store_error)
}

pub fn start_attempt(
    connection: &Connection,
    context: &Context,
    job: &JobId,
    version: u64,
    terms: AttemptTerms,
) -> Result<AttemptStart, StoreError> {
    super::upkeep::free_deliveries(connection, context.steady())?;
    let Some(stored) = find(connection, job)? else { return Ok(AttemptStart::Stale) };
    if stored.state != "pending" || stored.leased || stored.version != version {
        return Ok(AttemptStart::Stale);
    }
    if stored.interruptions > terms.max_interruptions {
        move_to(connection, context, stored.seq, &DeliveryState::Exhausted, stored.attempts)?;
        return Ok(AttemptStart::Exhausted);
    }
    let now = context.now();
    let token = stored.version + 1;
    let mut update = connection
        .prepare_cached(
            "UPDATE deliveries SET lease_until = ?2, due = ?3, version = ?4, made = made + 1, \
             interruptions = interruptions + 1 WHERE job = ?1",
        )
        .map_err(store_error)?;
    // Due again after its rest, if nobody ever says what came of it.
    let [until, due] =
        [terms.lease_duration, terms.interruption_delay].map(|wait| micros(later(context.steady(), wait)));
    update.execute(params![stored.seq, until, due, token]).map_err(store_error)?;
    let mut insert = connection
        .prepare_cached("INSERT INTO attempts (job, number, started_at) VALUES (?1, ?2, ?3)")
        .map_err(store_error)?;
    insert.execute(params![stored.seq, stored.made + 1, micros(now)]).map_err(store_error)?;
    Ok(AttemptStart::Started(Attempt { job: job.clone(), number: stored.attempts + 1, token }))
}

pub fn finish_attempt(
    connection: &Connection,
    context: &Context,
    attempt: &Attempt,
    outcome: &AttemptOutcome,
    next: RetryDecision,
) -> Result<(DeliveryState, u64), StoreError> {
    let stored = find(connection, &attempt.job)?.ok_or(StoreError::LeaseLost)?;
    if stored.version != attempt.token || !stored.leased {
        return Err(StoreError::LeaseLost);
    }
    let now = context.now();
    let state = match next {
        _ if stored.again => DeliveryState::Pending { due: context.steady() },
        RetryDecision::Delivered => DeliveryState::Delivered,
        RetryDecision::Refused => DeliveryState::Refused,
        RetryDecision::Exhausted => DeliveryState::Exhausted,
        RetryDecision::RetryIn(wait) => DeliveryState::Pending { due: later(context.steady(), wait) },
        RetryDecision::BrokenOff => DeliveryState::Pending { due: context.steady() },
    };
    // The log is read by people, beside the other times in it.
    let next_due = match (&state, next) {
        (DeliveryState::Pending { .. }, RetryDecision::RetryIn(wait)) if !stored.again => Some(later(now, wait)),
        (DeliveryState::Pending { .. }, _) => Some(now),
        _ => None,
    };
    log_outcome(connection, &stored, now, outcome, next_due)?;
    let attempts = match next {
        _ if stored.again => 0,
        RetryDecision::BrokenOff => stored.attempts,
        _ => stored.attempts + 1,
    };
    let version = move_to(connection, context, stored.seq, &state, attempts)?;
    Ok((state, version))
}

fn log_outcome(
    connection: &Connection,
    stored: &Stored,
    now: Timestamp,
    outcome: &AttemptOutcome,
    next_due: Option<Timestamp>,
) -> Result<(), StoreError> {
    let (status, error, answer) = match outcome {
        AttemptOutcome::Answered { status, excerpt, .. } => (Some(*status), None, Some(excerpt)),
        AttemptOutcome::Failed { reason } | AttemptOutcome::Unsendable { reason } => (None, Some(reason), None),
    };
    let mut update = connection
        .prepare_cached(
            "UPDATE attempts SET finished_at = ?3, status = ?4, error = ?5, next_due = ?6, answer = ?7 \
             WHERE job = ?1 AND number = ?2",
        )
        .map_err(store_error)?;
    update
        .execute(params![stored.seq, stored.made, micros(now), status, error, next_due.map(micros), answer])
        .map_err(store_error)?;
    Ok(())
}

/// Moves a delivery, frees its lease and, where it ended, starts its job's remaining time. Returns the new version.
fn move_to(
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
             again = 0, lease_until = NULL, version = version + 1 WHERE job = ?1 RETURNING version",
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

/// Notes that the attempt under way, if there is one, is followed by a fresh schedule.
fn ask_again_after_this_attempt(connection: &Connection, seq: i64) -> Result<bool, StoreError> {
    let mut update = connection
        .prepare_cached("UPDATE deliveries SET again = 1 WHERE job = ?1 AND lease_until IS NOT NULL")
        .map_err(store_error)?;
    update.execute([seq]).map(|changed| changed > 0).map_err(store_error)
}

/// Makes a delivery due by a fresh schedule: now, or when the attempt under way is over.
pub fn restart(connection: &Connection, context: &Context, seq: i64) -> Result<(), StoreError> {
    if ask_again_after_this_attempt(connection, seq)? {
        return Ok(());
    }
    move_to(connection, context, seq, &DeliveryState::Pending { due: context.steady() }, 0).map(|_| ())
}

pub fn log(connection: &Connection, seq: i64) -> Result<Vec<LoggedAttempt>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT number, started_at, finished_at, status, error, next_due, answer FROM attempts WHERE job = ?1 \
             ORDER BY number",
        )
        .map_err(store_error)?;
    let mut rows = select.query([seq]).map_err(store_error)?;
    let mut log = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        log.push(LoggedAttempt {
            number: row.get("number").map_err(store_error)?,
            started_at: row::moment(row, "started_at")?.ok_or_else(|| damaged("an attempt's time"))?,
            finished_at: row::moment(row, "finished_at")?,
            status: row.get("status").map_err(store_error)?,
            error: row.get("error").map_err(store_error)?,
            next_due: row::moment(row, "next_due")?,
            answer: row.get("answer").map_err(store_error)?,
        });
    }
    Ok(log)
}
