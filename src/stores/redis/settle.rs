//! Settlement and cancellation.

use opilio_actors::domain::id::{JobId, Principal};
use opilio_actors::domain::job::Job;
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::{SettleReason, StoreError};

use super::RedisStore;
use super::lease::add_lease;
use super::reply::Reply;
use super::row::Fields;
use super::store::retention;

pub async fn settle(store: &RedisStore, lease: &Lease, reason: &SettleReason) -> Result<Job, StoreError> {
    let mut reply: Reply = store
        .run(&store.scripts.settle, |call| {
            add_lease(call, lease);
            call.arg(u8::from(*reason == SettleReason::WorkDone)).arg(retention(store.settings.retention.keep(None)));
        })
        .await?;
    if reply.result == "incomplete" {
        return Err(StoreError::Conflict("the job has pages without a result"));
    }
    reply.require_lease()?;
    Fields(reply.next()?).job(lease.job.clone())
}

pub async fn cancel(store: &RedisStore, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
    let mut reply: Reply = store
        .run(&store.scripts.cancel, |call| {
            call.arg(job.as_str()).arg(principal.map_or("", Principal::as_str));
            call.arg("Cancelled by request").arg(retention(store.settings.retention.keep(None)));
        })
        .await?;
    match reply.result.as_str() {
        "ok" => Fields(reply.next()?).job(job.clone()),
        "settled" => Err(StoreError::Conflict("the job is settled already")),
        _ => Err(StoreError::NotFound),
    }
}
