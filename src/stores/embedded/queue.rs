//! Submission and claims.

use std::collections::HashSet;
use std::time::Duration;

use opilio_actors::domain::id::{JobId, NodeId};
use opilio_actors::domain::job::Cause;
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::{Claim, Idempotency, NewJob, StoreError, Submission};
use rusqlite::{Connection, OptionalExtension, params};

use super::convert::{later, micros, store_error};
use super::maintenance;
use super::row::{self, StoredJob};
use super::writer::Context;
use crate::stores::convert::invalid;

pub fn submit(connection: &Connection, context: &Context, new: &NewJob) -> Result<Submission, StoreError> {
    if let Some(idempotency) = &new.idempotency
        && let Some(duplicate) = find_duplicate(connection, new, idempotency)?
    {
        return Ok(duplicate);
    }
    check_capacity(connection, context, new)?;
    let spec = serde_json::to_string(&new.spec).map_err(|_| invalid("job spec"))?;
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO jobs (id, principal, queue, kind, spec, state, total, created_at, idempotency_key, fingerprint) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8, ?9)",
        )
        .map_err(store_error)?;
    let key = new.idempotency.as_ref().map(|known| &known.key);
    let fingerprint = new.idempotency.as_ref().map(|known| &known.fingerprint);
    let (kind, total) = (new.spec.kind().as_str(), new.spec.urls().len());
    insert
        .execute(params![
            new.id.as_str(),
            new.principal.as_str(),
            new.queue_key().to_string(),
            kind,
            spec,
            total,
            micros(context.now()),
            key,
            fingerprint
        ])
        .map_err(store_error)?;
    Ok(Submission::Admitted)
}

fn find_duplicate(
    connection: &Connection,
    new: &NewJob,
    idempotency: &Idempotency,
) -> Result<Option<Submission>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, fingerprint FROM jobs WHERE principal = ?1 AND idempotency_key = ?2")
        .map_err(store_error)?;
    let found: Option<(String, String)> = select
        .query_row(params![new.principal.as_str(), idempotency.key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(store_error)?;
    let Some((id, fingerprint)) = found else { return Ok(None) };
    if fingerprint != idempotency.fingerprint {
        return Ok(Some(Submission::KeyReused));
    }
    JobId::parse(&id).map(|id| Some(Submission::Duplicate(id))).map_err(|_| invalid("job id"))
}

fn check_capacity(connection: &Connection, context: &Context, new: &NewJob) -> Result<(), StoreError> {
    let count = |sql: &str, args: &[&dyn rusqlite::ToSql]| -> Result<u64, StoreError> {
        let mut select = connection.prepare_cached(sql).map_err(store_error)?;
        select.query_row(args, |row| row.get(0)).map_err(store_error)
    };
    if let Some(limit) = context.settings.max_queued
        && count("SELECT coalesce(sum(jobs), 0) FROM job_counts WHERE state = 'queued'", &[])? >= limit
    {
        return Err(StoreError::Full { principal: false });
    }
    let own = "SELECT coalesce(sum(jobs), 0) FROM job_counts WHERE principal = ?1 AND state IN ('queued', 'running')";
    if let Some(limit) = new.max_open.or(context.settings.max_per_principal)
        && count(own, &[&new.principal.as_str()])? >= limit
    {
        return Err(StoreError::Full { principal: true });
    }
    Ok(())
}

pub fn claim(
    connection: &Connection,
    context: &Context,
    node: &NodeId,
    kind: JobKind,
    limit: usize,
    lease_duration: Duration,
) -> Result<Vec<Claim>, StoreError> {
    maintenance::requeue(connection, context)?;
    let mut last_claimed = context.last_claimed_queue.borrow_mut();
    let last = last_claimed.entry(kind).or_default();
    let mut claims = Vec::new();
    while claims.len() < limit {
        let Some((queue, seq)) = next_ready(connection, kind, last)? else { break };
        *last = queue;
        match lease_job(connection, context, node, seq, lease_duration) {
            Ok(claim) => claims.push(claim),
            Err(StoreError::Damaged(reason)) => maintenance::fail_unreadable(connection, context, seq, &reason)?,
            Err(other) => return Err(other),
        }
    }
    Ok(claims)
}

/// The oldest ready job of the next queue with one after `last` in round-robin order, and that queue.
fn next_ready(connection: &Connection, kind: JobKind, last: &str) -> Result<Option<(String, i64)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT queue, seq FROM jobs WHERE state = 'queued' AND not_before IS NULL AND kind = ?1 \
             AND queue > ?2 ORDER BY queue, seq LIMIT 1",
        )
        .map_err(store_error)?;
    let mut after = |queue: &str| {
        let found = select.query_row(params![kind.as_str(), queue], |row| Ok((row.get(0)?, row.get(1)?)));
        found.optional().map_err(store_error)
    };
    match after(last)? {
        Some(found) => Ok(Some(found)),
        None => after(""),
    }
}

fn lease_job(
    connection: &Connection,
    context: &Context,
    node: &NodeId,
    seq: i64,
    lease_duration: Duration,
) -> Result<Claim, StoreError> {
    let stored = row::find(connection, "j.seq = ?1", &[&seq])?.ok_or(StoreError::NotFound)?;
    let StoredJob { token, mut job, .. } = stored;
    let lease = Lease { job: job.id.clone(), node: node.clone(), token: token + 1 };
    job.state = job.state.after(Cause::Claimed { lease: lease.clone() }).ok_or_else(|| invalid("job state"))?;
    let now = context.now();
    job.started_at = job.started_at.or(Some(now));
    let mut update = connection
        .prepare_cached(
            "UPDATE jobs SET state = 'running', token = ?2, node = ?3, lease_until = ?4, waiting_for = NULL, \
             started_at = coalesce(started_at, ?5) WHERE seq = ?1",
        )
        .map_err(store_error)?;
    update
        .execute(params![seq, lease.token, node.as_str(), micros(later(context.steady(), lease_duration)), micros(now)])
        .map_err(store_error)?;
    Ok(Claim { lease, missing: missing_pages(connection, seq, job.progress.total)?, job })
}

fn missing_pages(connection: &Connection, seq: i64, total: u32) -> Result<Vec<u32>, StoreError> {
    let mut select = connection.prepare_cached("SELECT idx FROM pages WHERE job = ?1").map_err(store_error)?;
    let rows = select.query_map([seq], |row| row.get::<_, u32>(0)).map_err(store_error)?;
    let done: HashSet<u32> = rows.collect::<Result<_, _>>().map_err(store_error)?;
    Ok((0..total).filter(|index| !done.contains(index)).collect())
}
