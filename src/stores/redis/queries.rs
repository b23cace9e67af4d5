//! Reads of jobs, lists and counts.

use std::collections::HashMap;

use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::{Job, Status};
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::queue_key::QueueKey;
use opilio_actors::ports::{Changes, DeliveryLog, JobFilter, JobPage, JobSummary, PageLimit, QueueCounts, StoreError};
use redis::{Value, cmd};

use super::RedisStore;
use super::reply::read;
use super::row::Fields;
use crate::stores::convert::invalid;

/// Jobs of a list read at once.
const BATCH: usize = 100;

async fn hash(store: &RedisStore, key: &str) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let read = |mut connection| async move { cmd("HGETALL").arg(key).query_async(&mut connection).await };
    store.connections.shared(read).await
}

pub async fn job(store: &RedisStore, id: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
    let fields = Fields(hash(store, &store.key("job", id.as_str())).await?);
    if fields.0.is_empty() {
        return Ok(None);
    }
    let job = fields.job(id.clone())?;
    Ok(Some(job).filter(|job| principal.is_none_or(|principal| *principal == job.principal)))
}

pub async fn summary(store: &RedisStore, id: &JobId) -> Result<Option<JobSummary>, StoreError> {
    const NAMES: [&str; 5] = ["state", "started_at", "done", "failed", "total"];
    let key = &store.key("job", id.as_str());
    let read = |mut connection| async move { cmd("HMGET").arg(key).arg(&NAMES).query_async(&mut connection).await };
    let values: [Option<Vec<u8>>; 5] = store.connections.shared(read).await?;
    let present = NAMES.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
    let fields = Fields(present.collect());
    if fields.0.is_empty() {
        return Ok(None);
    }
    let status = fields.state(id)?.status();
    Ok(Some(JobSummary { status, started: fields.0.contains_key("started_at"), progress: fields.progress()? }))
}

pub async fn list(store: &RedisStore, filter: &JobFilter) -> Result<JobPage, StoreError> {
    let mut below = filter.cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
    let mut page = JobPage { jobs: Vec::new(), next: None };
    let (mut bytes, mut last) = (0, None);
    loop {
        let batch: Vec<(String, HashMap<String, Vec<u8>>)> = store
            .run(&store.scripts.list_jobs, |call| {
                call.arg(filter.principal.as_ref().map_or("", Principal::as_str)).arg(&below).arg(BATCH);
                call.arg(filter.limit.bytes);
            })
            .await?;
        if batch.is_empty() {
            return Ok(page);
        }
        for (id, fields) in batch {
            let fields = Fields(fields);
            let seq: u64 = fields.number("seq")?;
            below = seq.to_string();
            let job = match JobId::parse(&id).map_err(|_| invalid("job id")).and_then(|id| fields.job(id)) {
                Ok(job) => job,
                // An unreadable job does not hide the others.
                Err(StoreError::Damaged(_)) => continue,
                Err(other) => return Err(other),
            };
            if matches(&job, filter) {
                if !filter.limit.allows(page.jobs.len(), bytes, fields.request_size()) {
                    page.next = last;
                    return Ok(page);
                }
                bytes += fields.request_size();
                page.jobs.push(job);
                last = Some(seq);
            }
        }
    }
}

fn matches(job: &Job, filter: &JobFilter) -> bool {
    let status = |status: Status| job.state.status() == status;
    let webhook = |wanted: DeliveryStatus| match &job.delivery {
        Some(delivery) => delivery.state.status() == wanted,
        None => wanted == DeliveryStatus::Waiting && job.spec.webhook.is_some(),
    };
    filter.status.is_none_or(status)
        && filter.kind.is_none_or(|kind| job.spec.kind() == kind)
        && filter.webhook.is_none_or(webhook)
}

pub async fn changes(
    store: &RedisStore,
    principal: Option<&Principal>,
    after: Option<u64>,
    limit: PageLimit,
) -> Result<Changes, StoreError> {
    let (up_to, changed): (u64, Vec<Vec<Value>>) = store
        .run(&store.scripts.changes, |call| {
            call.arg(principal.map_or("", Principal::as_str));
            call.arg(after.map(|after| after.to_string()).unwrap_or_default()).arg(limit.jobs).arg(limit.bytes);
        })
        .await?;
    let mut changes = Changes { jobs: Vec::with_capacity(changed.len()), up_to };
    let (mut bytes, mut previous) = (0, after.unwrap_or_default());
    for (examined, change) in changed.into_iter().enumerate() {
        let [id, number, fields] = <[Value; 3]>::try_from(change).map_err(|_| invalid("change"))?;
        let (id, number, fields): (String, u64, _) = (read(id)?, read(number)?, Fields(read(fields)?));
        if !limit.allows(examined, bytes, fields.request_size()) {
            changes.up_to = previous;
            break;
        }
        match JobId::parse(&id).map_err(|_| invalid("job id")).and_then(|id| fields.job(id)) {
            Ok(job) => changes.jobs.push((number, job)),
            // An unreadable job does not hide the others.
            Err(StoreError::Damaged(_)) => {}
            Err(other) => return Err(other),
        }
        (bytes, previous) = (bytes + fields.request_size(), number);
    }
    Ok(changes)
}

pub async fn counts(store: &RedisStore) -> Result<QueueCounts, StoreError> {
    let counts = Fields(hash(store, &format!("{}counts", store.prefix)).await?);
    Ok(QueueCounts {
        queued: counts.number("queued")?,
        running: counts.number("running")?,
        pending_deliveries: counts.number("pending_deliveries")?,
    })
}

pub async fn should_yield(store: &RedisStore, kind: JobKind, queue: &QueueKey) -> Result<bool, StoreError> {
    store
        .run(&store.scripts.should_yield, |call| {
            call.arg(kind.as_str()).arg(&queue.does_not_yield_to().map(|queue| queue.to_string())[..]);
        })
        .await
}

pub async fn delivery_log(
    store: &RedisStore,
    id: &JobId,
    principal: Option<&Principal>,
) -> Result<Option<DeliveryLog>, StoreError> {
    let Some(job) = job(store, id, principal).await? else { return Ok(None) };
    let log = Fields(hash(store, &store.key("attempts", id.as_str())).await?);
    Ok(Some(DeliveryLog { job, attempts: log.attempts()? }))
}
