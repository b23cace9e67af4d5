//! Operations under a job's lease, except settlement.

use std::time::Duration;

use bytes::Bytes;
use opilio_actors::domain::crash::CrashCount;
use opilio_actors::domain::crawl::PageRecord;
use opilio_actors::domain::job::Progress;
use opilio_actors::domain::lease::Lease;
use opilio_actors::ports::{Release, StoreError};
use redis::ScriptInvocation;

use super::RedisStore;
use super::reply::Reply;
use super::row::micros;
use crate::stores::blob;

/// Adds a lease to a script's arguments.
pub fn add_lease(call: &mut ScriptInvocation<'_>, lease: &Lease) {
    call.arg(lease.job.as_str()).arg(lease.node.as_str()).arg(lease.token);
}

pub async fn renew(store: &RedisStore, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let stale: Vec<usize> = store
        .run(&store.scripts.renew, |call| {
            call.arg(micros(lease_duration));
            leases.iter().for_each(|lease| add_lease(call, lease));
        })
        .await?;
    Ok(stale.into_iter().filter_map(|position| leases.get(position).cloned()).collect())
}

pub async fn note_waits(store: &RedisStore, waits: &[(Lease, Option<String>)]) -> Result<(), StoreError> {
    let _: i64 = store
        .run(&store.scripts.note_waits, |call| {
            for (lease, wait) in waits {
                add_lease(call, lease);
                call.arg(wait.as_deref().unwrap_or_default());
            }
        })
        .await?;
    Ok(())
}

pub async fn record_pages(store: &RedisStore, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
    let mut packed = Vec::with_capacity(pages.len());
    for page in &pages {
        packed.push(blob::pack_async(page.json.clone()).await);
    }
    let mut reply: Reply = store
        .run_large(&store.scripts.record_pages, |call| {
            add_lease(call, lease);
            for (page, packed) in pages.iter().zip(&packed) {
                call.arg(page.index).arg(u8::from(page.success)).arg(page.error.as_str()).arg(packed);
            }
        })
        .await?;
    reply.require_lease()?;
    Ok(Progress { done: reply.next()?, failed: reply.next()?, total: reply.next()? })
}

pub async fn checkpoint(store: &RedisStore, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
    let packed = blob::pack_async(value).await;
    let reply: Reply = store
        .run_large(&store.scripts.write_checkpoint, |call| {
            add_lease(call, lease);
            call.arg(name).arg(&packed);
        })
        .await?;
    reply.require_lease()
}

pub async fn clear_crashes(store: &RedisStore, lease: &Lease) -> Result<(), StoreError> {
    let reply: Reply = store.run(&store.scripts.clear_crashes, |call| add_lease(call, lease)).await?;
    reply.require_lease()
}

pub async fn release(store: &RedisStore, lease: &Lease, release: &Release) -> Result<(), StoreError> {
    let reply: Reply = store
        .run(&store.scripts.release, |call| {
            add_lease(call, lease);
            call.arg(micros(release.delay)).arg(release.reason.as_deref().unwrap_or_default());
            call.arg(u8::from(release.interruption.costs_an_attempt()));
            call.arg(match release.interruption.crash_count() {
                CrashCount::Increment => "increment",
                CrashCount::Keep => "keep",
                CrashCount::Clear => "clear",
            });
        })
        .await?;
    reply.require_lease()
}
