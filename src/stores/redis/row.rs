//! The hash of a job.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use opilio_actors::domain::delivery::{Delivery, LoggedAttempt};
use opilio_actors::domain::id::{JobId, NodeId, Principal};
use opilio_actors::domain::job::{Job, JobSpec, JobState, Progress};
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::StoreError;

use crate::stores::blob;
use crate::stores::convert::{delivery_state, invalid};

/// The fields of a hash.
pub struct Fields(pub HashMap<String, Vec<u8>>);

impl Fields {
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, StoreError> {
        let text = self.bytes(name).map(|bytes| String::from_utf8(bytes.to_vec()));
        text.transpose().map_err(|_| invalid(name))
    }

    /// 0 if the field does not exist.
    pub fn number<T: FromStr + Default>(&self, name: &str) -> Result<T, StoreError> {
        let number = self.text(name)?.map(|text| text.parse());
        number.transpose().map(Option::unwrap_or_default).map_err(|_| invalid(name))
    }

    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        self.text(name)?.map(|micros| moment(&micros)).transpose()
    }

    pub fn job(&self, id: JobId) -> Result<Job, StoreError> {
        Ok(Job {
            principal: Principal::new(self.text("principal")?.ok_or_else(|| invalid("job principal"))?),
            spec: self.spec()?,
            state: self.state(&id)?,
            progress: self.progress()?,
            attempts_spent: self.number("attempts_spent")?,
            crashes: self.number("crashes")?,
            error: self.text("error")?,
            waiting_for: self.text("waiting_for")?,
            created_at: self.moment("created_at")?.ok_or_else(|| invalid("job time"))?,
            started_at: self.moment("started_at")?,
            finished_at: self.moment("finished_at")?,
            expires_at: self.moment("expires_at")?,
            delivery: self.delivery()?,
            id,
        })
    }

    /// The size of the job's request in bytes.
    pub fn request_size(&self) -> usize {
        self.bytes("spec").map_or(0, blob::unpacked_len)
    }

    pub fn progress(&self) -> Result<Progress, StoreError> {
        Ok(Progress { done: self.number("done")?, failed: self.number("failed")?, total: self.number("total")? })
    }

    fn spec(&self) -> Result<JobSpec, StoreError> {
        let stored = blob::unpack(self.bytes("spec").ok_or_else(|| invalid("job spec"))?)?;
        let mut spec: JobSpec = serde_json::from_slice(&stored).map_err(|_| invalid("job spec"))?;
        if let Some(webhook) = self.bytes("webhook_config") {
            spec.webhook = Some(serde_json::from_slice(webhook).map_err(|_| invalid("job webhook_config"))?);
        }
        Ok(spec)
    }

    pub fn state(&self, id: &JobId) -> Result<JobState, StoreError> {
        let state = self.text("state")?.unwrap_or_default();
        Ok(match state.as_str() {
            "queued" => JobState::Queued { not_before: self.moment("not_before")? },
            "running" => {
                let node = NodeId::new(self.text("node")?.unwrap_or_default());
                JobState::Running { lease: Lease { job: id.clone(), node, token: self.number("token")? } }
            }
            "completed" => JobState::Completed,
            "failed" => JobState::Failed,
            "cancelled" => JobState::Cancelled,
            _ => return Err(invalid("job state")),
        })
    }

    fn delivery(&self) -> Result<Option<Delivery>, StoreError> {
        let Some(state) = self.text("delivery_state")? else { return Ok(None) };
        let due = self.moment("delivery_due")?.ok_or_else(|| invalid("delivery time"))?;
        let (attempts, version) = (self.number("delivery_attempts")?, self.number("delivery_version")?);
        Ok(Some(Delivery { state: delivery_state(&state, due)?, attempts, version }))
    }

    /// The log of a delivery's attempts, whose fields are `<number>.<field>`.
    pub fn attempts(&self) -> Result<Vec<LoggedAttempt>, StoreError> {
        let started = self.0.keys().filter_map(|name| name.strip_suffix(".started_at")?.parse().ok());
        let mut numbers: Vec<u32> = started.collect();
        numbers.sort_unstable();
        let attempt = |number: u32| {
            let field = |name: &str| format!("{number}.{name}");
            let status = self.text(&field("status"))?.map(|status| status.parse());
            Ok(LoggedAttempt {
                number,
                started_at: self.moment(&field("started_at"))?.ok_or_else(|| invalid("attempt time"))?,
                finished_at: self.moment(&field("finished_at"))?,
                status: status.transpose().map_err(|_| invalid("attempt status"))?,
                error: self.text(&field("error"))?,
                next_due: self.moment(&field("next_due"))?,
                answer: self.text(&field("response"))?,
            })
        };
        numbers.into_iter().map(attempt).collect()
    }
}

pub fn moment(micros: &str) -> Result<Timestamp, StoreError> {
    let micros = micros.parse().map_err(|_| invalid("time"))?;
    Timestamp::from_microsecond(micros).map_err(|_| invalid("time"))
}

/// A duration as the scripts expect it, in microseconds.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
