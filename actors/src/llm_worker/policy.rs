//! Operator settings for extractions.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::response_cache::ResponseCacheSettings;
use crate::domain::retry::Backoff;

#[derive(Clone, Copy, Debug)]
pub struct ExtractionPolicy {
    /// Further requests after a response that does not conform to the schema.
    pub repair_attempts: u32,
    /// Attempts per request to a model before the job waits in the queue.
    pub tries: u32,
    /// The delay before the next of these attempts.
    pub backoff: Backoff,
    /// The longest delay for which a worker waits; for a longer one the job returns to the queue.
    pub max_inline_wait: Duration,
    /// The minimum time a job waits in the queue for an unavailable provider.
    pub requeue_delay: Duration,
    /// How long after its first start a job can wait for an unavailable provider.
    pub max_wait: Duration,
    pub max_tokens_per_job: Option<u64>,
    /// Tokens at the end of a chunk that the next chunk repeats.
    pub chunk_overlap_tokens: usize,
    /// Chunks of one page that are processed concurrently.
    pub concurrent_chunks: NonZeroUsize,
    /// `None`: responses are not cached.
    pub response_cache: Option<ResponseCacheSettings>,
}
