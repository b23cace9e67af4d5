//! Reads the pages of a settled job in chunks, so that a large result is never in memory as a whole.

use bytes::Bytes;

use super::job_store::JobStore;
use super::store_error::StoreError;
use crate::domain::id::JobId;

/// Bytes read from the store at once. A chunk has at least one page, which may be larger.
pub const CHUNK: usize = 1 << 20;

/// Consecutive pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageChunk {
    pub pages: Vec<Bytes>,
    /// The index after the last of them.
    pub next: u32,
}

/// Reads pages from index `from` on, none at or after `end`. The chunk is empty only if `from` is not before `end`.
///
/// # Errors
/// `NotFound` if the job has expired, `Damaged` if page `from` has no record.
pub async fn read_chunk(store: &dyn JobStore, job: &JobId, from: u32, end: u32) -> Result<PageChunk, StoreError> {
    let mut chunk = PageChunk { pages: Vec::new(), next: from };
    if from >= end {
        return Ok(chunk);
    }
    let records = store.pages(job, from, CHUNK).await?;
    if records.is_empty() {
        return Err(StoreError::NotFound);
    }
    for (index, page) in records {
        if index != chunk.next || index >= end {
            break;
        }
        chunk.pages.push(page);
        chunk.next += 1;
    }
    if chunk.next == from {
        return Err(StoreError::Damaged(format!("page {from} of {job} is missing")));
    }
    Ok(chunk)
}
