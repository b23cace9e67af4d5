//! The row of a job.

use jiff::Timestamp;
use opilio_actors::domain::delivery::Delivery;
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::{Job, JobState, Progress, Status};
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::StoreError;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, RowIndex, ToSql};

use super::convert::store_error;
use crate::stores::convert::{delivery_state, invalid};

/// Generates [`Column`] and the query [`JOB`] from one list, so that columns are read by index instead of by name.
macro_rules! columns {
    ($first:ident = $from:literal, $($name:ident = $sql:literal),* $(,)?) => {
        #[derive(Clone, Copy)]
        pub enum Column { $first, $($name),* }

        /// Selects what [`stored_job`] reads, from jobs `j` and deliveries `d`.
        pub const JOB: &str = concat!(
            "SELECT ", $from, $(", ", $sql),*, " FROM jobs j LEFT JOIN deliveries d ON d.job = j.seq",
        );
    };
}

columns! {
    Seq = "j.seq",
    Id = "j.id",
    Principal = "j.principal",
    Spec = "j.spec",
    State = "j.state",
    Total = "j.total",
    Done = "j.done",
    Failed = "j.failed",
    AttemptsSpent = "j.attempts_spent",
    Crashes = "j.crashes",
    Error = "j.error",
    WaitingFor = "j.waiting_for",
    CreatedAt = "j.created_at",
    StartedAt = "j.started_at",
    FinishedAt = "j.finished_at",
    ExpiresAt = "j.expires_at",
    NotBefore = "j.not_before",
    Token = "j.token",
    Node = "j.node",
    ChangeNumber = "j.change_number",
    DeliveryState = "d.state",
    DeliveryDue = "d.due",
    DeliveryAttempts = "d.attempts",
    DeliveryVersion = "d.version",
}

/// A column of a row of [`JOB`].
pub fn get<T: FromSql>(row: &Row<'_>, column: Column) -> Result<T, StoreError> {
    row.get(column as usize).map_err(store_error)
}

/// A job with the store's own fields.
pub struct StoredJob {
    pub seq: i64,
    pub token: u64,
    pub job: Job,
}

/// The job that `condition` (over `j` and `d`) selects.
pub fn find(connection: &Connection, condition: &str, args: &[&dyn ToSql]) -> Result<Option<StoredJob>, StoreError> {
    let mut select = connection.prepare_cached(&format!("{JOB} WHERE {condition}")).map_err(store_error)?;
    let found = select.query_row(args, |row| Ok(stored_job(row))).optional().map_err(store_error)?;
    found.transpose()
}

pub fn stored_job(row: &Row<'_>) -> Result<StoredJob, StoreError> {
    let id = JobId::parse(&get::<String>(row, Column::Id)?).map_err(|_| invalid("job id"))?;
    let token = get(row, Column::Token)?;
    let job = Job {
        principal: Principal::new(get::<String>(row, Column::Principal)?),
        spec: serde_json::from_str(&get::<String>(row, Column::Spec)?).map_err(|_| invalid("job spec"))?,
        state: job_state(row, &id, token)?,
        progress: Progress {
            done: get(row, Column::Done)?,
            failed: get(row, Column::Failed)?,
            total: get(row, Column::Total)?,
        },
        attempts_spent: get(row, Column::AttemptsSpent)?,
        crashes: get(row, Column::Crashes)?,
        error: get(row, Column::Error)?,
        waiting_for: get(row, Column::WaitingFor)?,
        created_at: moment(row, Column::CreatedAt as usize)?.ok_or_else(|| invalid("job time"))?,
        started_at: moment(row, Column::StartedAt as usize)?,
        finished_at: moment(row, Column::FinishedAt as usize)?,
        expires_at: moment(row, Column::ExpiresAt as usize)?,
        delivery: delivery(row)?,
        id,
    };
    Ok(StoredJob { seq: get(row, Column::Seq)?, token, job })
}

/// The size of the job's stored request in bytes.
pub fn request_size(row: &Row<'_>) -> Result<usize, StoreError> {
    let spec = row.get_ref(Column::Spec as usize).map_err(store_error)?;
    Ok(spec.as_bytes().map_or(0, <[u8]>::len))
}

pub fn status(state: &str) -> Result<Status, StoreError> {
    match state {
        "queued" | "running" => Ok(Status::Processing),
        settled => Status::parse(settled).ok_or_else(|| invalid("job state")),
    }
}

fn job_state(row: &Row<'_>, id: &JobId, token: u64) -> Result<JobState, StoreError> {
    let state: String = get(row, Column::State)?;
    Ok(match state.as_str() {
        "queued" => JobState::Queued { not_before: moment(row, Column::NotBefore as usize)? },
        "running" => {
            let node = get::<Option<String>>(row, Column::Node)?.unwrap_or_default();
            JobState::Running { lease: Lease { job: id.clone(), node: NodeId::new(node), token } }
        }
        "completed" => JobState::Completed,
        "failed" => JobState::Failed,
        "cancelled" => JobState::Cancelled,
        _ => return Err(invalid("job state")),
    })
}

fn delivery(row: &Row<'_>) -> Result<Option<Delivery>, StoreError> {
    let Some(state) = get::<Option<String>>(row, Column::DeliveryState)? else { return Ok(None) };
    let due = moment(row, Column::DeliveryDue as usize)?.ok_or_else(|| invalid("delivery time"))?;
    let state = delivery_state(&state, due)?;
    let (attempts, version) = (get(row, Column::DeliveryAttempts)?, get(row, Column::DeliveryVersion)?);
    Ok(Some(Delivery { state, attempts, version }))
}

pub fn moment(row: &Row<'_>, column: impl RowIndex) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.get(column).map_err(store_error)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| invalid("time"))).transpose()
}
