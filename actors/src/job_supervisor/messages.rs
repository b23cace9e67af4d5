//! The commands of the supervisor, and the messages that it sends to itself.

use std::time::Duration;

use actix::prelude::*;

use crate::domain::id::{JobId, Principal};
use crate::domain::job::Job;
use crate::ports::{Claim, NewJob, StoreError, Submission};
use crate::worker::SlotId;

/// Admits a job. The reply follows the commit.
#[derive(Debug, Message)]
#[rtype(result = "Result<Submission, StoreError>")]
pub struct SubmitJob {
    pub job: NewJob,
}

/// Settles a job as cancelled, on behalf of `principal` (`None`: the operator).
#[derive(Debug, Message)]
#[rtype(result = "Result<Job, StoreError>")]
pub struct CancelJob {
    pub job: JobId,
    pub principal: Option<Principal>,
}

/// Stops claiming jobs and releases those that still run after `grace`. The reply follows when no job runs.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DrainJobs {
    pub grace: Duration,
}

/// Jobs were claimed for a pool.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Claimed {
    pub pool: usize,
    pub requested: usize,
    pub claims: Result<Vec<Claim>, StoreError>,
}

/// Claims jobs for every pool with idle workers.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ClaimJobs;

/// Finds work in the store whose notification was lost, and removes expired jobs.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Sweep;

/// Extends the leases of the running jobs.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RenewLeases;

/// Finds work without progress or past its deadline, and jobs to preempt.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CheckWork;

/// Starts a worker in an empty slot.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ReplaceWorker {
    pub slot: SlotId,
}
