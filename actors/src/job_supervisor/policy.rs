//! The operator's settings for jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::kind::JobKind;
use crate::domain::retry::Backoff;

#[derive(Clone, Debug)]
pub struct JobPolicy {
    /// The number of workers of each kind. A kind that is not listed has its default number.
    pub workers: BTreeMap<JobKind, usize>,
    /// The duration of a lease. It is renewed at a third of it.
    pub lease: Duration,
    pub max_attempts: u32,
    /// A job that is isolated at this many consecutive crashes of the process fails.
    pub max_crashes: u32,
    /// The delay between the attempts of a job.
    pub backoff: Backoff,
    /// An attempt without progress for this time is aborted.
    pub stall_timeout: Duration,
    /// The time limit of a job from its first start; `None`: unlimited.
    pub wall_clock: Option<Duration>,
    /// The interval of sweeps.
    pub sweep: Duration,
}
