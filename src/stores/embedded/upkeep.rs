//! What time does to jobs and deliveries.

use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::job::Interruption;
use opilio_actors::ports::{Release, StoreError};
use rusqlite::{Connection, Params, params};

use super::access::{later, micros, store_error};
use super::lease::interrupt;
use super::row;
use super::writer::Context;

/// A job that is to wait for longer than this when a process starts has its time from a clock that was set back since. If
/// not, it comes early, and is handed back again.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Leases of a process that is gone end now; the next requeue and the next attempt find what they held.
pub fn void_leases(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut wait = connection
        .prepare_cached("UPDATE jobs SET not_before = ?1 WHERE state = 'queued' AND not_before > ?1")
        .map_err(store_error)?;
    wait.execute([micros(later(now, LONGEST_WAIT))]).map_err(store_error)?;
    // Long ago by any clock, also one that is set back.
    connection.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'running'", []).map_err(store_error)?;
    free_where(connection, "lease_until IS NOT NULL", [])
}

/// The attempts of these deliveries were cut short. A replay asked for meanwhile is the next one.
fn free_where(connection: &Connection, which: &str, args: impl Params) -> Result<(), StoreError> {
    let free = "UPDATE deliveries SET lease_until = NULL, version = version + 1, \
        attempts = iif(again, 0, attempts), again = 0 WHERE";
    let mut update = connection.prepare_cached(&format!("{free} {which}")).map_err(store_error)?;
    update.execute(args).map_err(store_error)?;
    Ok(())
}

/// Frees deliveries whose sender did not come back in time.
pub fn free_deliveries(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    free_where(connection, "lease_until <= ?1", [micros(now)])
}

/// Jobs whose lease ran out or whose wait is over go back to the queue. Returns the time until the next one's turn.
pub fn requeue(connection: &Connection, context: &Context) -> Result<Option<Duration>, StoreError> {
    let now = context.steady();
    free_deliveries(connection, now)?;
    let mut select = connection
        .prepare_cached("SELECT seq FROM jobs WHERE state = 'running' AND lease_until <= ?1")
        .map_err(store_error)?;
    let rows = select.query_map([micros(now)], |row| row.get::<_, i64>(0)).map_err(store_error)?;
    let expired: Vec<i64> = rows.collect::<Result<_, _>>().map_err(store_error)?;
    let vanished = Release { interruption: Interruption::Vanished, reason: None, delay: Duration::ZERO };
    for seq in expired {
        match row::find(connection, "j.seq = ?1", &[&seq]) {
            Ok(Some(stored)) => interrupt(connection, context, &stored, &vanished)?,
            Ok(None) => {}
            Err(StoreError::Damaged(why)) => set_aside(connection, context, seq, &why)?,
            Err(other) => return Err(other),
        }
    }
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

/// A job that cannot be read stops nobody else: it fails, and its row stays for who wants to look.
pub fn set_aside(connection: &Connection, context: &Context, seq: i64, why: &str) -> Result<(), StoreError> {
    tracing::error!(seq, why, "a job cannot be read and is set aside");
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET state = 'failed', error = ?2, finished_at = ?3, node = NULL, lease_until = NULL, \
             not_before = NULL WHERE seq = ?1",
        )
        .map_err(store_error)?;
    update
        .execute(params![seq, format!("The job cannot be read: {why}"), micros(context.now())])
        .map_err(store_error)?;
    Ok(())
}

/// Removes jobs that were kept long enough, up to so many pages; pages, delivery and attempts go with them.
pub fn expire(connection: &Connection, context: &Context, most_pages: usize) -> Result<usize, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT seq, total FROM jobs WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        )
        .map_err(store_error)?;
    let mut delete = connection.prepare_cached("DELETE FROM jobs WHERE seq = ?1").map_err(store_error)?;
    let mut rows = select.query(params![micros(context.now()), most_pages.max(1)]).map_err(store_error)?;
    let (mut expired, mut pages) = (Vec::new(), 0);
    while pages < most_pages.max(1)
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

/// A real write, small and in place.
pub fn probe(connection: &Connection, context: &Context) -> Result<(), StoreError> {
    let now = micros(context.now());
    connection.execute("INSERT OR REPLACE INTO probe VALUES (1, ?1)", [now]).map_err(store_error)?;
    Ok(())
}
