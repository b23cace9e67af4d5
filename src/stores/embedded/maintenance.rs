//! Expired leases, elapsed delays, ended retention, and the readiness check.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::job::Interruption;
use opilio_actors::ports::{Release, StoreError};
use rusqlite::{Connection, Params, params};

use super::convert::{later, micros, store_error};
use super::lease;
use super::row;
use super::writer::Context;

/// The longest delay of a queued job that survives a restart. A longer one was written by a clock that has been set back
/// since. A job that starts too early is deferred again.
const MAX_DELAY: Duration = Duration::from_secs(600);

/// Ends every lease: the process that held them has exited.
pub fn end_leases(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut shorten = connection
        .prepare_cached("UPDATE jobs SET not_before = ?1 WHERE state = 'queued' AND not_before > ?1")
        .map_err(store_error)?;
    shorten.execute([micros(later(now, MAX_DELAY))]).map_err(store_error)?;
    // 0 is in the past even if the clock has been set back.
    connection.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'running'", []).map_err(store_error)?;
    end_attempts(connection, "lease_until IS NOT NULL", [])
}

/// Ends delivery attempts whose lease has expired.
pub fn end_interrupted_attempts(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    end_attempts(connection, "lease_until <= ?1", [micros(now)])
}

/// Ends the matching attempts as interrupted. A replay that was requested meanwhile starts a new schedule.
fn end_attempts(connection: &Connection, condition: &str, args: impl Params) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE deliveries SET lease_until = NULL, version = version + 1, \
         attempts = iif(replay_requested, 0, attempts), replay_requested = 0 WHERE {condition}"
    );
    let mut update = connection.prepare_cached(&sql).map_err(store_error)?;
    update.execute(args).map_err(store_error)?;
    Ok(())
}

/// Requeues jobs whose lease has expired or whose delay has passed. Returns the time until the next delay ends.
pub fn requeue(connection: &Connection, context: &Context) -> Result<Option<Duration>, StoreError> {
    let now = context.steady();
    end_interrupted_attempts(connection, now)?;
    requeue_expired(connection, context, now)?;
    let mut ready = connection
        .prepare_cached("UPDATE jobs SET not_before = NULL WHERE state = 'queued' AND not_before <= ?1")
        .map_err(store_error)?;
    ready.execute([micros(now)]).map_err(store_error)?;
    let mut next = connection
        .prepare_cached("SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before IS NOT NULL")
        .map_err(store_error)?;
    let next: Option<i64> = next.query_row([], |row| row.get(0)).map_err(store_error)?;
    Ok(next.map(|next| Duration::from_micros(u64::try_from(next.saturating_sub(micros(now))).unwrap_or_default())))
}

fn requeue_expired(connection: &Connection, context: &Context, now: Timestamp) -> Result<(), StoreError> {
    let mut select = connection
        .prepare_cached("SELECT seq FROM jobs WHERE state = 'running' AND lease_until <= ?1")
        .map_err(store_error)?;
    let rows = select.query_map([micros(now)], |row| row.get::<_, i64>(0)).map_err(store_error)?;
    let expired: Vec<i64> = rows.collect::<Result<_, _>>().map_err(store_error)?;
    let release = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
    for seq in expired {
        match row::find(connection, "j.seq = ?1", &[&seq]) {
            Ok(Some(stored)) => lease::requeue(connection, context, &stored, &release)?,
            Ok(None) => {}
            Err(StoreError::Damaged(reason)) => fail_unreadable(connection, context, seq, &reason)?,
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// Fails a job that cannot be read, so that it does not block other jobs; its row stays for inspection.
pub fn fail_unreadable(connection: &Connection, context: &Context, seq: i64, reason: &str) -> Result<(), StoreError> {
    tracing::error!(seq, reason, "stored job cannot be read and was failed");
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET state = 'failed', error = ?2, finished_at = ?3, node = NULL, lease_until = NULL, \
             not_before = NULL WHERE seq = ?1",
        )
        .map_err(store_error)?;
    let error = format!("The stored job cannot be read: {reason}");
    update.execute(params![seq, error, micros(context.now())]).map_err(store_error)?;
    Ok(())
}

/// Removes jobs whose retention has ended until `max_pages` pages are reached, at least one job. Their pages, delivery and
/// attempts are removed by foreign keys.
pub fn expire(connection: &Connection, context: &Context, max_pages: usize) -> Result<usize, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT seq, total FROM jobs WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        )
        .map_err(store_error)?;
    let mut delete = connection.prepare_cached("DELETE FROM jobs WHERE seq = ?1").map_err(store_error)?;
    let mut rows = select.query(params![micros(context.now()), max_pages.max(1)]).map_err(store_error)?;
    let (mut expired, mut pages) = (Vec::new(), 0);
    while pages < max_pages.max(1)
        && let Some(row) = rows.next().map_err(store_error)?
    {
        expired.push(row.get::<_, i64>(0).map_err(store_error)?);
        pages += row.get::<_, usize>(1).map_err(store_error)?;
    }
    for seq in &expired {
        delete.execute([seq]).map_err(store_error)?;
    }
    Ok(expired.len())
}

/// Writes one row to find out whether writes succeed.
pub fn probe(connection: &Connection, context: &Context) -> Result<(), StoreError> {
    let now = micros(context.now());
    connection.execute("INSERT OR REPLACE INTO write_probe VALUES (1, ?1)", [now]).map_err(store_error)?;
    Ok(())
}
