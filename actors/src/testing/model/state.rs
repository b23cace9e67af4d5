//! The state of a run: what the store has acknowledged and what each node holds in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::crash;
use crate::domain::delivery::Attempt;
use crate::domain::id::{JobId, NodeId};
use crate::domain::job::JobState;
use crate::domain::lease::Lease;
use crate::ports::{Claim, Clock, Store};
use crate::testing::clock::ManualClock;
use crate::testing::contract::LEASE;

/// A store under test.
pub struct Subject {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    /// Called when a process crashes.
    pub on_crash: Box<dyn Fn()>,
}

/// A description of the guarantee that the store violated.
pub type Violation = String;

/// The expected state of a job.
#[derive(Default)]
pub(super) struct Expected {
    pub pages: u32,
    /// Pages whose record was acknowledged.
    pub recorded: BTreeSet<u32>,
    /// The current lease with its expiry.
    pub lease: Option<(Lease, Timestamp)>,
    pub token: u64,
    /// Crashes while a node held the job.
    pub crashes: u32,
    /// The end of the delay after the last crash.
    pub crash_delay_until: Option<Timestamp>,
    pub settled: Option<JobState>,
    /// The end of the lease of the attempt in progress.
    pub attempt_until: Option<Timestamp>,
    /// The earliest next attempt if the present one is interrupted.
    pub delayed_until: Option<Timestamp>,
    /// The receiver has accepted the webhook.
    pub accepted: bool,
}

/// The memory of one process.
pub(super) struct Node {
    pub name: NodeId,
    /// Claims with the pages that are still to be recorded.
    pub claims: VecDeque<(Claim, VecDeque<u32>)>,
    /// The attempt in progress and, once the receiver has responded, whether it accepted.
    pub attempt: Option<(Attempt, Option<bool>)>,
}

impl Node {
    pub fn new(name: &str) -> Self {
        Self { name: NodeId::new(name), claims: VecDeque::new(), attempt: None }
    }

    pub fn crash(&mut self) {
        self.claims.clear();
        self.attempt = None;
    }
}

pub(super) struct RunState {
    pub subject: Subject,
    pub expected: BTreeMap<JobId, Expected>,
    /// Jobs in order of submission.
    pub jobs: Vec<JobId>,
    pub nodes: [Node; 2],
}

impl RunState {
    pub fn new(subject: Subject) -> Self {
        let nodes = [Node::new("a"), Node::new("b")];
        Self { subject, expected: BTreeMap::new(), jobs: Vec::new(), nodes }
    }

    pub fn now(&self) -> Timestamp {
        self.subject.clock.now()
    }

    pub fn lease_end(&self) -> Timestamp {
        self.now().saturating_add(LEASE).unwrap_or(Timestamp::MAX)
    }

    pub fn expected(&mut self, job: &JobId) -> &mut Expected {
        self.expected.entry(job.clone()).or_default()
    }

    /// Counts the crashes of the nodes whose leases have expired, as the store does when it requeues their jobs.
    pub fn expire_leases(&mut self) {
        let now = self.now();
        for expected in self.expected.values_mut() {
            if expected.lease.take_if(|(_, end)| *end <= now).is_some() {
                expected.crashes += 1;
                let delayed_until = now.saturating_add(crash::delay_after(expected.crashes));
                expected.crash_delay_until = Some(delayed_until.unwrap_or(Timestamp::MAX));
            }
        }
    }

    /// Checks that the stored job is as it was acknowledged.
    pub async fn check_job(&mut self, id: &JobId) -> Result<(), Violation> {
        let job = self.subject.store.job(id, None).await.map_err(|error| error.to_string())?;
        let Some(job) = job else { return violation(format!("lost job: {id}")) };
        match &self.expected(id).settled {
            Some(state) => {
                ensure(job.state == *state, "state differs from the acknowledged settlement", id)?;
                ensure(job.delivery.is_some(), "settled without a delivery", id)
            }
            None => ensure(!job.state.is_settled(), "settled without an acknowledgement", id),
        }
    }
}

pub(super) fn violation<T>(what: impl Into<String>) -> Result<T, Violation> {
    Err(what.into())
}

pub(super) fn ensure(holds: bool, what: &str, job: &JobId) -> Result<(), Violation> {
    if holds { Ok(()) } else { violation(format!("{what}: {job}")) }
}
