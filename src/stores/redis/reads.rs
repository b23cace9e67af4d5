//! Looking at jobs, pages and lists without changing them.

use std::collections::HashMap;

use bytes::Bytes;
use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Job, Status};
use opilio_actors::ports::{Changes, DeliveryLog, JobFilter, JobPage, JobSummary, PageLimit, QueueCounts, StoreError};
use redis::{Value, cmd, pipe};

use super::row::{Fields, damaged};
use super::{RedisStore, blob, read};

/// Pages asked for in one go, at most.
const PAGES: u32 = 16;
/// Jobs of a list looked at in one go, at least.
const STRETCH: usize = 100;

impl RedisStore {
    async fn hash(&self, key: &str) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        self.link.run(|mut line| async move { cmd("HGETALL").arg(key).query_async(&mut line).await }).await
    }

    pub(super) async fn find(&self, id: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        let fields = Fields(self.hash(&self.key("job", id.as_str())).await?);
        if fields.0.is_empty() {
            return Ok(None);
        }
        let job = fields.job(id.clone())?;
        Ok(Some(job).filter(|job| principal.is_none_or(|principal| *principal == job.principal)))
    }

    pub(super) async fn how_far(&self, id: &JobId) -> Result<Option<JobSummary>, StoreError> {
        const ASKED: [&str; 5] = ["state", "started_at", "done", "failed", "total"];
        let key = &self.key("job", id.as_str());
        let ask = |mut line| async move { cmd("HMGET").arg(key).arg(&ASKED).query_async(&mut line).await };
        let found: [Option<Vec<u8>>; 5] = self.link.run(ask).await?;
        let known = ASKED.iter().zip(found).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        let fields = Fields(known.collect());
        if fields.0.is_empty() {
            return Ok(None);
        }
        let status = fields.state(id)?.status();
        Ok(Some(JobSummary { status, started: fields.0.contains_key("started_at"), progress: fields.progress()? }))
    }

    pub(super) async fn steps(&self, id: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        let steps = self.hash(&self.key("steps", id.as_str())).await?;
        steps.into_iter().map(|(name, value)| Ok((name, blob::unpack(&value)?))).collect()
    }

    pub(super) async fn results(
        &self,
        id: &JobId,
        from: u32,
        max_bytes: usize,
    ) -> Result<Vec<(u32, Bytes)>, StoreError> {
        let (mut found, mut bytes, mut next) = (Vec::new(), 0, from);
        loop {
            let (total, stretch) = self.stretch(id, next, max_bytes.saturating_sub(bytes)).await?;
            for packed in stretch {
                if let Some(packed) = packed {
                    if bytes >= max_bytes {
                        return Ok(found);
                    }
                    let result = blob::unpack(&packed)?;
                    bytes += result.len();
                    found.push((next, result));
                }
                next = next.saturating_add(1);
            }
            if next >= total || bytes >= max_bytes {
                return Ok(found);
            }
        }
    }

    /// How many pages the job has, and the packed ones from `from` on, where there are any: one at least, and no more
    /// than come over a line within a caller's time.
    async fn stretch(
        &self,
        id: &JobId,
        from: u32,
        max_bytes: usize,
    ) -> Result<(u32, Vec<Option<Vec<u8>>>), StoreError> {
        let (job, pages) = (self.key("job", id.as_str()), self.key("pages", id.as_str()));
        let mut ask = pipe();
        ask.cmd("HGET").arg(&job).arg("total").cmd("HGET").arg(&pages).arg(from);
        let others = from.saturating_add(1)..from.saturating_add(PAGES);
        for index in others.clone() {
            ask.cmd("HSTRLEN").arg(&pages).arg(index);
        }
        let ask = &ask;
        let answers: Vec<Value> = self.link.run(|mut line| async move { ask.query_async(&mut line).await }).await?;
        let mut answers = answers.into_iter();
        let mut answer = || answers.next().unwrap_or(Value::Nil);
        let (total, first): (Option<u32>, Option<Vec<u8>>) = (read(answer())?, read(answer())?);
        let total = total.unwrap_or_default();
        let mut bytes = first.as_ref().map_or(0, Vec::len);
        let mut wanted = Vec::new();
        for index in others.take_while(|index| *index < total) {
            bytes += read::<usize>(answer())?;
            if bytes > max_bytes {
                break;
            }
            wanted.push(index);
        }
        let mut stretch = vec![first];
        if !wanted.is_empty() {
            let (pages, wanted) = (&pages, &wanted);
            let others: Vec<Option<Vec<u8>>> = self
                .link
                .run(|mut line| async move { cmd("HMGET").arg(pages).arg(wanted).query_async(&mut line).await })
                .await?;
            stretch.extend(others);
        }
        Ok((total, stretch))
    }

    pub(super) async fn list(&self, filter: &JobFilter) -> Result<JobPage, StoreError> {
        let mut below = filter.cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
        let mut page = JobPage { jobs: Vec::new(), next: None };
        let (mut bytes, mut last) = (0, None);
        loop {
            let stretch: Vec<Vec<Value>> = self
                .ask(&self.scripts.jobs, |call| {
                    call.arg(filter.principal.as_ref().map_or("", Principal::as_str)).arg(&below).arg(STRETCH);
                    call.arg(filter.limit.bytes);
                })
                .await?;
            if stretch.is_empty() {
                return Ok(page);
            }
            for row in stretch {
                let [id, fields] = <[Value; 2]>::try_from(row).map_err(|_| damaged("a list of jobs"))?;
                let (id, fields): (String, _) = (read(id)?, Fields(read(fields)?));
                let seq: u64 = fields.number("seq")?;
                below = seq.to_string();
                let job = match JobId::parse(&id).map_err(|_| damaged("a job's id")).and_then(|id| fields.job(id)) {
                    Ok(job) => job,
                    // One that cannot be read hides no other.
                    Err(StoreError::Damaged(_)) => continue,
                    Err(other) => return Err(other),
                };
                if fits(&job, filter) {
                    if !filter.limit.allows(page.jobs.len(), bytes, fields.weight()) {
                        page.next = last;
                        return Ok(page);
                    }
                    bytes += fields.weight();
                    page.jobs.push(job);
                    last = Some(seq);
                }
            }
        }
    }

    pub(super) async fn changes_since(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        most: PageLimit,
    ) -> Result<Changes, StoreError> {
        let (up_to, changed): (u64, Vec<Vec<Value>>) = self
            .ask(&self.scripts.changes, |call| {
                call.arg(principal.map_or("", Principal::as_str));
                call.arg(after.map(|after| after.to_string()).unwrap_or_default()).arg(most.jobs).arg(most.bytes);
            })
            .await?;
        let mut changes = Changes { jobs: Vec::with_capacity(changed.len()), up_to };
        let (mut bytes, mut before) = (0, after.unwrap_or_default());
        for (looked_at, row) in changed.into_iter().enumerate() {
            let [id, number, fields] = <[Value; 3]>::try_from(row).map_err(|_| damaged("a list of changes"))?;
            let (id, number, fields): (String, u64, _) = (read(id)?, read(number)?, Fields(read(fields)?));
            if !most.allows(looked_at, bytes, fields.weight()) {
                changes.up_to = before;
                break;
            }
            match JobId::parse(&id).map_err(|_| damaged("a job's id")).and_then(|id| fields.job(id)) {
                Ok(job) => changes.jobs.push((number, job)),
                // One that cannot be read hides no other.
                Err(StoreError::Damaged(_)) => {}
                Err(other) => return Err(other),
            }
            (bytes, before) = (bytes + fields.weight(), number);
        }
        Ok(changes)
    }

    pub(super) async fn tally(&self) -> Result<QueueCounts, StoreError> {
        let tally = Fields(self.hash(&format!("{}tally", self.prefix)).await?);
        Ok(QueueCounts {
            queued: tally.number("queued")?,
            running: tally.number("running")?,
            pending_deliveries: tally.number("pending")?,
        })
    }

    pub(super) async fn log(
        &self,
        id: &JobId,
        principal: Option<&Principal>,
    ) -> Result<Option<DeliveryLog>, StoreError> {
        let Some(job) = self.find(id, principal).await? else { return Ok(None) };
        let log = Fields(self.hash(&self.key("log", id.as_str())).await?);
        Ok(Some(DeliveryLog { job, attempts: log.attempts()? }))
    }

    /// A real write, small and in place.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        let key = format!("{}probe", self.prefix);
        let key = &key;
        self.link.run(|mut line| async move { cmd("SET").arg(key).arg(1).query_async(&mut line).await }).await
    }
}

fn fits(job: &Job, filter: &JobFilter) -> bool {
    let status = |status: Status| job.state.status() == status;
    let webhook = |wanted: DeliveryStatus| match &job.delivery {
        Some(delivery) => delivery.state.status() == wanted,
        None => wanted == DeliveryStatus::Waiting && job.spec.webhook.is_some(),
    };
    filter.status.is_none_or(status)
        && filter.kind.is_none_or(|kind| job.spec.kind() == kind)
        && filter.webhook.is_none_or(webhook)
}
