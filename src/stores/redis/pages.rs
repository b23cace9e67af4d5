//! Results and checkpoints.

use std::collections::HashMap;

use bytes::Bytes;
use opilio_actors::domain::id::JobId;
use opilio_actors::ports::StoreError;
use redis::{Value, cmd, pipe};

use super::RedisStore;
use super::reply::read;
use crate::stores::blob;

/// Pages read at once.
const BATCH: u32 = 16;

pub async fn checkpoints(store: &RedisStore, id: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
    let key = &store.key("checkpoints", id.as_str());
    let read = async |connection: &mut _| cmd("HGETALL").arg(key).query_async(connection).await;
    let stored: HashMap<String, Vec<u8>> = store.connections.pooled(read).await?;
    stored.into_iter().map(|(name, value)| Ok((name, blob::unpack(&value)?))).collect()
}

pub async fn results(
    store: &RedisStore,
    id: &JobId,
    from: u32,
    max_bytes: usize,
) -> Result<Vec<(u32, Bytes)>, StoreError> {
    let (mut results, mut bytes, mut next) = (Vec::new(), 0, from);
    loop {
        let (total, batch) = read_batch(store, id, next, max_bytes.saturating_sub(bytes)).await?;
        for packed in batch {
            if let Some(packed) = packed {
                if bytes >= max_bytes {
                    return Ok(results);
                }
                let result = blob::unpack(&packed)?;
                bytes += result.len();
                results.push((next, result));
            }
            next = next.saturating_add(1);
        }
        if next >= total || bytes >= max_bytes {
            return Ok(results);
        }
    }
}

/// The job's number of pages, and the packed results from `from` on (`None`: no result yet): at least one, at most
/// [`BATCH`], and after the first one at most `max_bytes` in total.
async fn read_batch(
    store: &RedisStore,
    id: &JobId,
    from: u32,
    max_bytes: usize,
) -> Result<(u32, Vec<Option<Vec<u8>>>), StoreError> {
    let (job, pages) = (store.key("job", id.as_str()), store.key("pages", id.as_str()));
    let others = from.saturating_add(1)..from.saturating_add(BATCH);
    let mut commands = pipe();
    commands.cmd("HGET").arg(&job).arg("total").cmd("HGET").arg(&pages).arg(from);
    for index in others.clone() {
        commands.cmd("HSTRLEN").arg(&pages).arg(index);
    }
    let read_first = async |connection: &mut _| commands.query_async(connection).await;
    let replies: Vec<Value> = store.connections.pooled(read_first).await?;
    let mut replies = replies.into_iter();
    let mut reply = || replies.next().unwrap_or(Value::Nil);
    let (total, first): (Option<u32>, Option<Vec<u8>>) = (read(reply())?, read(reply())?);
    let total = total.unwrap_or_default();
    let mut bytes = first.as_ref().map_or(0, Vec::len);
    let mut wanted = Vec::new();
    for index in others.take_while(|index| *index < total) {
        bytes += read::<usize>(reply())?;
        if bytes > max_bytes {
            break;
        }
        wanted.push(index);
    }
    let mut batch = vec![first];
    if !wanted.is_empty() {
        let read_others =
            async |connection: &mut _| cmd("HMGET").arg(&pages).arg(&wanted).query_async(connection).await;
        let others: Vec<Option<Vec<u8>>> = store.connections.pooled(read_others).await?;
        batch.extend(others);
    }
    Ok((total, batch))
}
