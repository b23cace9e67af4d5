//! Rows and what they mean.

use jiff::Timestamp;
use opilio_actors::domain::delivery::{Delivery, DeliveryState};
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::{Job, JobState, Progress, Status};
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::access::store_error;

/// Everything [`stored_job`] reads.
pub const JOB: &str = "SELECT j.seq, j.id, j.principal, j.spec, j.state, j.total, j.done, j.failed, j.attempts_spent, \
    j.pages_in_attempt, j.error, j.created_at, j.started_at, j.finished_at, j.expires_at, j.not_before, j.token, j.node, j.changed, \
    d.state AS delivery, d.due, d.attempts, d.version FROM jobs j LEFT JOIN deliveries d ON d.job = j.seq";

/// A job and what only the store knows of it.
pub struct StoredJob {
    pub seq: i64,
    pub token: u64,
    pub pages_in_attempt: u32,
    pub job: Job,
}

/// The one job that `condition` (about `j` and `d`) picks.
pub fn find(connection: &Connection, condition: &str, args: &[&dyn ToSql]) -> Result<Option<StoredJob>, StoreError> {
    let mut select = connection.prepare_cached(&format!("{JOB} WHERE {condition}")).map_err(store_error)?;
    let found = select.query_row(args, |row| Ok(stored_job(row))).optional().map_err(store_error)?;
    found.transpose()
}

pub fn stored_job(row: &Row<'_>) -> Result<StoredJob, StoreError> {
    let get = |error: rusqlite::Error| store_error(error);
    let id: String = row.get("id").map_err(get)?;
    let id = JobId::parse(&id).map_err(|_| damaged("a job's id"))?;
    let spec: String = row.get("spec").map_err(get)?;
    let token: u64 = row.get("token").map_err(get)?;
    let job = Job {
        principal: Principal::new(row.get::<_, String>("principal").map_err(get)?),
        spec: serde_json::from_str(&spec).map_err(|_| damaged("a job's spec"))?,
        state: job_state(row, &id, token)?,
        progress: progress(row).map_err(get)?,
        attempts_spent: row.get("attempts_spent").map_err(get)?,
        error: row.get("error").map_err(get)?,
        created_at: moment(row, "created_at")?.ok_or_else(|| damaged("a job's time"))?,
        started_at: moment(row, "started_at")?,
        finished_at: moment(row, "finished_at")?,
        expires_at: moment(row, "expires_at")?,
        delivery: delivery(row)?,
        id,
    };
    let pages_in_attempt = row.get("pages_in_attempt").map_err(get)?;
    Ok(StoredJob { seq: row.get("seq").map_err(get)?, token, pages_in_attempt, job })
}

/// Bytes of the job's request.
pub fn weight(row: &Row<'_>) -> Result<usize, StoreError> {
    let spec = row.get_ref("spec").map_err(store_error)?;
    Ok(spec.as_bytes().map_or(0, <[u8]>::len))
}

pub fn progress(row: &Row<'_>) -> rusqlite::Result<Progress> {
    Ok(Progress { done: row.get("done")?, failed: row.get("failed")?, total: row.get("total")? })
}

pub fn status(state: &str) -> Result<Status, StoreError> {
    match state {
        "queued" | "running" => Ok(Status::Processing),
        settled => Status::parse(settled).ok_or_else(|| damaged("a job's state")),
    }
}

fn job_state(row: &Row<'_>, id: &JobId, token: u64) -> Result<JobState, StoreError> {
    let state: String = row.get("state").map_err(store_error)?;
    Ok(match state.as_str() {
        "queued" => JobState::Queued { not_before: moment(row, "not_before")? },
        "running" => {
            let node = row.get::<_, Option<String>>("node").map_err(store_error)?.unwrap_or_default();
            JobState::Running { lease: Lease { job: id.clone(), node: NodeId::new(node), token } }
        }
        "completed" => JobState::Completed,
        "failed" => JobState::Failed,
        "cancelled" => JobState::Cancelled,
        _ => return Err(damaged("a job's state")),
    })
}

fn delivery(row: &Row<'_>) -> Result<Option<Delivery>, StoreError> {
    let Some(state) = row.get::<_, Option<String>>("delivery").map_err(store_error)? else { return Ok(None) };
    let due = moment(row, "due")?.ok_or_else(|| damaged("a delivery's time"))?;
    let state = delivery_state(&state, due)?;
    let attempts = row.get("attempts").map_err(store_error)?;
    Ok(Some(Delivery { state, attempts, version: row.get("version").map_err(store_error)? }))
}

pub fn delivery_state(name: &str, due: Timestamp) -> Result<DeliveryState, StoreError> {
    Ok(match name {
        "pending" => DeliveryState::Pending { due },
        "delivered" => DeliveryState::Delivered,
        "exhausted" => DeliveryState::Exhausted,
        "refused" => DeliveryState::Refused,
        _ => return Err(damaged("a delivery's state")),
    })
}

pub fn moment(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.get(column).map_err(store_error)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| damaged("a time"))).transpose()
}

pub fn state_name(state: &JobState) -> &'static str {
    match state {
        JobState::Queued { .. } => "queued",
        JobState::Running { .. } => "running",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

pub fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("{what} is not what this version writes"))
}
