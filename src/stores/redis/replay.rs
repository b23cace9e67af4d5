//! Replays of deliveries.

use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::ports::{ReplayFilter, StoreError};

use super::RedisStore;
use super::reply::Reply;
use super::row::Fields;

/// Jobs examined by one script call, so that other commands are not delayed.
const BATCH: u32 = 500;

pub async fn one(store: &RedisStore, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
    let mut reply: Reply = store
        .run(&store.scripts.replay, |call| {
            call.arg(job.as_str()).arg(principal.map_or("", Principal::as_str));
        })
        .await?;
    match reply.result.as_str() {
        "ok" => Fields(reply.next()?).job(job.clone()),
        "no_webhook" => Err(StoreError::Conflict("no webhook was configured for this job")),
        "not_settled" => Err(StoreError::Conflict("the job is not settled yet")),
        _ => Err(StoreError::NotFound),
    }
}

/// Each batch is a transaction of its own.
pub async fn many(store: &RedisStore, filter: &ReplayFilter) -> Result<u64, StoreError> {
    let (mut cursor, mut replayed) = ("0".to_owned(), 0);
    loop {
        let (count, next): (u64, String) = store
            .run(&store.scripts.replay_matching, |call| {
                call.arg(&cursor).arg(BATCH).arg(filter.principal.as_ref().map_or("", Principal::as_str));
                call.arg(filter.state.map_or("", |state| state.as_str()));
                call.arg(filter.since.map(|since| since.as_microsecond().to_string()).unwrap_or_default());
                call.arg(filter.origin.as_deref().unwrap_or_default());
            })
            .await?;
        replayed += count;
        if next.is_empty() {
            return Ok(replayed);
        }
        cursor = next;
    }
}
