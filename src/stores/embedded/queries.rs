//! Reads of jobs, results, lists and counts.

use bytes::Bytes;
use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Progress, Status};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::ports::{DeliveryLog, JobFilter, JobPage, JobSummary, QueueCounts, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::attempts;
use super::convert::store_error;
use super::row::{self, Column, JOB, StoredJob};

/// The job; `NotFound` if it does not exist or belongs to another principal (`None`: any principal).
pub fn visible(connection: &Connection, job: &JobId, principal: Option<&Principal>) -> Result<StoredJob, StoreError> {
    row::find(connection, "j.id = ?1", &[&job.as_str()])?
        .filter(|stored| principal.is_none_or(|principal| *principal == stored.job.principal))
        .ok_or(StoreError::NotFound)
}

/// As [`visible`], with `None` instead of `NotFound`.
pub fn job(
    connection: &Connection,
    job: &JobId,
    principal: Option<&Principal>,
) -> Result<Option<StoredJob>, StoreError> {
    match visible(connection, job, principal) {
        Ok(stored) => Ok(Some(stored)),
        Err(StoreError::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

pub fn summary(connection: &Connection, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT state, started_at IS NOT NULL AS started, done, failed, total FROM jobs WHERE id = ?1")
        .map_err(store_error)?;
    let found = select.query_row([job.as_str()], |row| Ok(read_summary(row))).optional().map_err(store_error)?;
    found.transpose()
}

fn read_summary(row: &Row<'_>) -> Result<JobSummary, StoreError> {
    let state: String = row.get("state").map_err(store_error)?;
    let started = row.get("started").map_err(store_error)?;
    let count = |name: &str| row.get(name).map_err(store_error);
    let progress = Progress { done: count("done")?, failed: count("failed")?, total: count("total")? };
    Ok(JobSummary { status: row::status(&state)?, started, progress })
}

pub fn pages(
    connection: &Connection,
    job: &JobId,
    from: u32,
    max_bytes: usize,
) -> Result<Vec<(u32, Bytes)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT p.idx, p.result FROM pages p JOIN jobs j ON j.seq = p.job WHERE j.id = ?1 AND p.idx >= ?2 \
             ORDER BY p.idx",
        )
        .map_err(store_error)?;
    let mut rows = select.query(params![job.as_str(), from]).map_err(store_error)?;
    let (mut pages, mut bytes) = (Vec::new(), 0);
    while bytes < max_bytes {
        let Some(row) = rows.next().map_err(store_error)? else { break };
        let result: Vec<u8> = row.get(1).map_err(store_error)?;
        bytes += result.len();
        pages.push((row.get(0).map_err(store_error)?, result.into()));
    }
    Ok(pages)
}

pub fn jobs(connection: &Connection, filter: &JobFilter) -> Result<JobPage, StoreError> {
    let (condition, mut args) = condition(filter);
    args.push(Box::new(filter.limit.jobs.saturating_add(1)));
    let sql = format!("{JOB} WHERE {condition} ORDER BY j.seq DESC LIMIT ?");
    let mut select = connection.prepare_cached(&sql).map_err(store_error)?;
    let mut rows = select.query(rusqlite::params_from_iter(args.iter())).map_err(store_error)?;
    let mut page = JobPage { jobs: Vec::new(), next: None };
    let (mut examined, mut bytes, mut last) = (0, 0, None);
    while let Some(row) = rows.next().map_err(store_error)? {
        let size = row::request_size(row)?;
        if !filter.limit.allows(examined, bytes, size) {
            page.next = last;
            break;
        }
        match row::stored_job(row) {
            Ok(stored) => page.jobs.push(stored.job),
            // An unreadable job does not hide the others.
            Err(StoreError::Damaged(_)) => {}
            Err(other) => return Err(other),
        }
        (examined, bytes) = (examined + 1, bytes + size);
        last = Some(row::get(row, Column::Seq)?);
    }
    Ok(page)
}

/// The filter as an SQL condition with its arguments.
fn condition(filter: &JobFilter) -> (String, Vec<Box<dyn ToSql>>) {
    let (mut conditions, mut args) = (Vec::new(), Vec::<Box<dyn ToSql>>::new());
    let mut add = |condition: &'static str, value: Box<dyn ToSql>| {
        conditions.push(condition);
        args.push(value);
    };
    if let Some(principal) = &filter.principal {
        add("j.principal = ?", Box::new(principal.as_str().to_owned()));
    }
    match filter.status {
        Some(Status::Processing) => add("j.state IN ('queued', ?)", Box::new("running")),
        Some(settled) => add("j.state = ?", Box::new(settled.as_str())),
        None => {}
    }
    if let Some(kind) = filter.kind {
        add("j.kind = ?", Box::new(kind.as_str()));
    }
    match filter.webhook {
        Some(DeliveryStatus::Waiting) => {
            add("json_extract(j.spec, '$.webhook') IS NOT NULL AND d.job IS NULL AND ?", Box::new(true));
        }
        Some(state) => add("d.state = ?", Box::new(state.as_str())),
        None => {}
    }
    add("j.seq < ?", Box::new(filter.cursor.and_then(|cursor| i64::try_from(cursor).ok()).unwrap_or(i64::MAX)));
    (conditions.join(" AND "), args)
}

pub fn delivery_log(
    connection: &Connection,
    job: &JobId,
    principal: Option<&Principal>,
) -> Result<Option<DeliveryLog>, StoreError> {
    let Some(stored) = self::job(connection, job, principal)? else { return Ok(None) };
    Ok(Some(DeliveryLog { attempts: attempts::log(connection, stored.seq)?, job: stored.job }))
}

pub fn counts(connection: &Connection) -> Result<QueueCounts, StoreError> {
    let count = |sql: &str| -> Result<u64, StoreError> {
        let mut select = connection.prepare_cached(sql).map_err(store_error)?;
        select.query_row([], |row| row.get(0)).map_err(store_error)
    };
    Ok(QueueCounts {
        queued: count("SELECT coalesce(sum(jobs), 0) FROM job_counts WHERE state = 'queued'")?,
        running: count("SELECT coalesce(sum(jobs), 0) FROM job_counts WHERE state = 'running'")?,
        // Each half counts a whole partial index; a leased delivery is pending.
        pending_deliveries: count(
            "SELECT (SELECT count(*) FROM deliveries WHERE state = 'pending' AND lease_until IS NULL) \
             + (SELECT count(*) FROM deliveries WHERE lease_until IS NOT NULL)",
        )?,
    })
}

/// Whether a job is ready in a queue other than these two, which are in order.
pub fn should_yield(connection: &Connection, kind: JobKind, [low, high]: &[String; 2]) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND not_before IS NULL AND kind = ?1 AND queue < ?2) \
             OR EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND not_before IS NULL AND kind = ?1 AND queue > ?3) \
             OR EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND not_before IS NULL AND kind = ?1 \
                        AND queue > ?2 AND queue < ?3)",
        )
        .map_err(store_error)?;
    select.query_row(params![kind.as_str(), low, high], |row| row.get(0)).map_err(store_error)
}
