//! Section `jobs`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use super::backoff::Backoff;

const MIN_LEASE: Duration = Duration::from_secs(1);
/// A job is isolated after its second crash.
const MIN_CRASHES: u32 = 3;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub crawl_workers: NonZeroUsize,
    pub llm_workers: NonZeroUsize,
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    pub max_attempts: NonZeroU32,
    pub max_crashes: u32,
    #[serde(with = "humantime_serde")]
    pub stall_timeout: Duration,
    pub slice: usize,
    #[serde(with = "humantime_serde")]
    pub max_wait: Duration,
    pub retry: Backoff,
}

impl Jobs {
    pub fn check(&self) -> Result<(), String> {
        if self.lease < MIN_LEASE {
            return Err(format!("jobs.lease ({:?}) must be at least {MIN_LEASE:?}", self.lease));
        }
        if self.max_crashes < MIN_CRASHES {
            let crashes = self.max_crashes;
            return Err(format!("jobs.max_crashes ({crashes}) must be at least {MIN_CRASHES}"));
        }
        self.retry.check("jobs.retry")
    }
}
