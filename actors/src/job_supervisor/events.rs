//! The events of the supervisor.

use std::sync::Arc;

use actix::prelude::*;

use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::supervised::Subscriber;

/// A worker starts an attempt at a job.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobStarted {
    pub job: JobId,
}

/// A job is settled, and its webhook, if it has one, is due. A hint: the store holds both.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct JobSettled {
    pub job: Arc<Job>,
}

/// The receivers of the supervisor's events.
#[derive(Clone)]
pub struct JobListeners {
    pub started: Subscriber<JobStarted>,
    pub settled: Vec<Subscriber<JobSettled>>,
}
