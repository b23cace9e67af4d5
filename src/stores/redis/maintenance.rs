//! Expired leases, elapsed delays, ended retention, and the readiness check.

use std::time::Duration;

use opilio_actors::domain::job::Interruption;
use opilio_actors::ports::StoreError;
use redis::cmd;

use super::RedisStore;
use super::store::costs;

pub async fn requeue(store: &RedisStore) -> Result<Option<Duration>, StoreError> {
    let next: i64 = store
        .run(&store.scripts.requeue, |call| {
            call.arg(&costs(Interruption::Vanished)[..]);
        })
        .await?;
    Ok(u64::try_from(next).ok().map(Duration::from_micros))
}

pub async fn expire(store: &RedisStore, max_pages: usize) -> Result<usize, StoreError> {
    store
        .run(&store.scripts.expire, |call| {
            call.arg(max_pages);
        })
        .await
}

/// Writes one key to find out whether writes succeed.
pub async fn probe(store: &RedisStore) -> Result<(), StoreError> {
    let key = &format!("{}write_probe", store.prefix);
    let write = |mut connection| async move { cmd("SET").arg(key).arg(1).query_async(&mut connection).await };
    store.connections.shared(write).await
}
