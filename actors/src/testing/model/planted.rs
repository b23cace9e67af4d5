//! Faults planted in a store that has none, each of a kind that stores have had.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal, TaskType};
use crate::domain::job::{Job, JobState, Progress};
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::ports::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DueQuery, JobFilter, JobPage, JobStore, JobSummary,
    NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, StoreError, Submission,
};
use crate::testing::contract::{HOLD, TERMS};
use crate::testing::memory::MemoryStore;

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The last submission is in memory when it is acknowledged.
    AcknowledgesWhatIsNotWritten,
    LetsAStaleLeaseRecord,
    LetsAStaleLeaseSettle,
    RenewsWhatIsLost,
    HandsOutWhatRuns,
    NeverTakesALeaseBack,
    KeepsWhatIsHandedBack,
    /// The second page of a job is acknowledged and not written.
    LosesARecord,
    SettlesTwice,
    ForgetsACancellation,
    ForgetsTheWebhook,
    SendsSideBySide,
    TakesAFailureForADelivery,
    SendsAtOnceWhatWasCutShort,
    ForgetsAReplay,
}

impl Bug {
    pub const ALL: [Bug; 15] = [
        Bug::AcknowledgesWhatIsNotWritten,
        Bug::LetsAStaleLeaseRecord,
        Bug::LetsAStaleLeaseSettle,
        Bug::RenewsWhatIsLost,
        Bug::HandsOutWhatRuns,
        Bug::NeverTakesALeaseBack,
        Bug::KeepsWhatIsHandedBack,
        Bug::LosesARecord,
        Bug::SettlesTwice,
        Bug::ForgetsACancellation,
        Bug::ForgetsTheWebhook,
        Bug::SendsSideBySide,
        Bug::TakesAFailureForADelivery,
        Bug::SendsAtOnceWhatWasCutShort,
        Bug::ForgetsAReplay,
    ];
}

#[derive(Default)]
struct Memory {
    unwritten: Option<NewJob>,
    leases: Vec<Lease>,
    last_claim: Option<Claim>,
    last_attempt: Option<Attempt>,
}

/// A good store behind one fault.
pub struct Planted {
    store: MemoryStore,
    bug: Bug,
    memory: Mutex<Memory>,
}

impl Planted {
    pub fn new(store: MemoryStore, bug: Bug) -> Self {
        Self { store, bug, memory: Mutex::default() }
    }

    /// The process dies, with what it had only in memory.
    pub fn crash(&self) {
        self.memory().unwritten = None;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_late(&self) -> Result<(), StoreError> {
        let job = self.memory().unwritten.take();
        match job {
            Some(job) => self.store.submit(job).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn hold_on(&self, hold: Duration) -> Result<(), StoreError> {
        if self.bug == Bug::NeverTakesALeaseBack {
            let leases = self.memory().leases.clone();
            self.store.renew(&leases, hold).await?;
        }
        Ok(())
    }

    async fn newest(&self, lease: &Lease) -> Result<Lease, StoreError> {
        match self.store.job(&lease.job, None).await?.map(|job| job.state) {
            Some(JobState::Running { lease }) => Ok(lease),
            _ => Err(StoreError::LeaseLost),
        }
    }

    async fn deliver_to_nobody(&self, job: &Job) -> Result<(), StoreError> {
        let Some(delivery) = &job.delivery else { return Ok(()) };
        let start = self.store.start_attempt(&job.id, delivery.version, &NodeId::new("planted"), TERMS).await?;
        if let AttemptStart::Started(attempt) = start {
            let outcome = AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() };
            self.store.finish_attempt(&attempt, &outcome, RetryDecision::Delivered).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl JobStore for Planted {
    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        if self.bug != Bug::AcknowledgesWhatIsNotWritten {
            return self.store.submit(job).await;
        }
        let before = self.memory().unwritten.replace(job);
        match before {
            Some(job) => self.store.submit(job).await,
            None => Ok(Submission::Admitted),
        }
    }

    async fn claim(
        &self,
        node: &NodeId,
        task: TaskType,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        self.write_late().await?;
        self.hold_on(hold).await?;
        let claims = self.store.claim(node, task, most, hold).await?;
        let mut memory = self.memory();
        memory.leases.extend(claims.iter().map(|claim| claim.lease.clone()));
        if self.bug == Bug::HandsOutWhatRuns && claims.is_empty() {
            return Ok(memory.last_claim.clone().into_iter().collect());
        }
        memory.last_claim = claims.last().cloned().or(memory.last_claim.take());
        Ok(claims)
    }

    async fn renew(&self, leases: &[Lease], hold: Duration) -> Result<Vec<Lease>, StoreError> {
        let lost = self.store.renew(leases, hold).await?;
        Ok(if self.bug == Bug::RenewsWhatIsLost { vec![] } else { lost })
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        if self.bug == Bug::LosesARecord && pages.iter().any(|page| page.index == 1) {
            return Ok(Progress::default());
        }
        match self.store.record_pages(lease, pages.clone()).await {
            Err(StoreError::LeaseLost) if self.bug == Bug::LetsAStaleLeaseRecord => {
                let newest = self.newest(lease).await?;
                self.store.record_pages(&newest, pages).await
            }
            answer => answer,
        }
    }

    async fn checkpoint(&self, lease: &Lease, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.store.checkpoint(lease, name, value).await
    }

    async fn checkpoints(&self, job: &JobId) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.store.checkpoints(job).await
    }

    async fn settle(&self, lease: &Lease, ending: SettleReason) -> Result<Job, StoreError> {
        let answer = self.store.settle(lease, ending.clone()).await;
        match (self.bug, answer) {
            (Bug::LetsAStaleLeaseSettle, Err(StoreError::LeaseLost)) => {
                let newest = self.newest(lease).await?;
                self.store.settle(&newest, ending).await
            }
            (Bug::SettlesTwice, Err(StoreError::LeaseLost)) => {
                let job = self.store.job(&lease.job, None).await?.ok_or(StoreError::NotFound)?;
                if job.state.is_settled() { Ok(job) } else { Err(StoreError::LeaseLost) }
            }
            (Bug::ForgetsTheWebhook, Ok(job)) => {
                self.deliver_to_nobody(&job).await?;
                Ok(job)
            }
            (_, answer) => answer,
        }
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        if self.bug == Bug::KeepsWhatIsHandedBack {
            return Ok(());
        }
        self.store.release(lease, release).await
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        if self.bug == Bug::ForgetsACancellation {
            return self.store.job(job, principal).await?.ok_or(StoreError::NotFound);
        }
        self.store.cancel(job, principal).await
    }

    async fn job(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<Job>, StoreError> {
        self.store.job(job, principal).await
    }

    async fn summary(&self, job: &JobId) -> Result<Option<JobSummary>, StoreError> {
        self.store.summary(job).await
    }

    async fn pages(&self, job: &JobId, from: u32, max_bytes: usize) -> Result<Vec<(u32, Bytes)>, StoreError> {
        self.store.pages(job, from, max_bytes).await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.store.jobs(filter).await
    }

    async fn changes(
        &self,
        principal: Option<&Principal>,
        after: Option<u64>,
        most: PageLimit,
    ) -> Result<Changes, StoreError> {
        self.store.changes(principal, after, most).await
    }

    async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.store.counts().await
    }

    async fn should_yield(&self, task: TaskType, queue: &QueueKey) -> Result<bool, StoreError> {
        self.store.should_yield(task, queue).await
    }

    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        self.store.due(query).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        let rest = if self.bug == Bug::SendsAtOnceWhatWasCutShort { Duration::ZERO } else { terms.rest };
        let start = self.store.start_attempt(job, version, node, AttemptTerms { rest, ..terms }).await?;
        let mut memory = self.memory();
        match &start {
            AttemptStart::Started(attempt) => memory.last_attempt = Some(attempt.clone()),
            AttemptStart::Stale if self.bug == Bug::SendsSideBySide => {
                let last = memory.last_attempt.clone().filter(|attempt| attempt.job == *job);
                return Ok(last.map_or(start, AttemptStart::Started));
            }
            _ => {}
        }
        Ok(start)
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        next: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let wrong = self.bug == Bug::TakesAFailureForADelivery;
        self.store.finish_attempt(attempt, outcome, if wrong { RetryDecision::Delivered } else { next }).await
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        self.store.deliveries(job, principal).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let settled = self.store.job(job, principal).await?.filter(|job| job.delivery.is_some());
        if let Some(job) = settled.filter(|_| self.bug == Bug::ForgetsAReplay) {
            return Ok(job);
        }
        self.store.replay(job, principal).await
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        self.store.replay_all(filter).await
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        self.hold_on(HOLD).await?;
        self.store.requeue().await
    }

    async fn expire(&self, most_pages: usize) -> Result<usize, StoreError> {
        self.store.expire(most_pages).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}
