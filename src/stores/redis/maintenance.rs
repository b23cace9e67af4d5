//! Expired leases, elapsed delays, ended retention, and the readiness check.

use std::time::Duration;

use opilio_actors::ports::StoreError;
use redis::Value;

use super::RedisStore;

pub async fn requeue(store: &RedisStore) -> Result<Option<Duration>, StoreError> {
    let next: i64 = store.run(&store.scripts.requeue, |_| {}).await?;
    Ok(u64::try_from(next).ok().map(Duration::from_micros))
}

pub async fn expire(store: &RedisStore, max_pages: usize) -> Result<usize, StoreError> {
    store
        .run(&store.scripts.expire, |call| {
            call.arg(max_pages);
        })
        .await
}

/// Writes one key to find out whether writes succeed; fails if the user lacks a permission that any script needs.
pub async fn probe(store: &RedisStore) -> Result<(), StoreError> {
    store.run::<Value>(&store.scripts.probe, |_| {}).await.map(|_| ())
}
