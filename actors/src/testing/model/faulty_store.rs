//! A store with one deliberate fault, of a kind that stores have had. The model has to find each of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Job, JobState, Progress};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::ports::{
    AttemptStart, AttemptTerms, Claim, DeliveryStore, JobStore, NewJob, Release, SettleReason, Store, StoreError,
    Submission,
};
use crate::testing::contract::{LEASE, TERMS};
use crate::testing::memory::MemoryStore;
use crate::testing::store_decorator::StoreDecorator;

/// Generates [`Fault`] and the list of its variants.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident,)*) => {
        /// A deliberate fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            pub const ALL: &[Fault] = &[$(Fault::$fault,)*];
        }
    };
}

faults! {
    /// A submission is acknowledged before it is durable.
    AcknowledgesBeforeCommit,
    RecordsUnderStaleLease,
    SettlesUnderStaleLease,
    RenewsStaleLease,
    ClaimsRunningJob,
    NeverExpiresLeases,
    ForgetsCrashes,
    IgnoresRelease,
    /// The second page of a job is acknowledged and not recorded.
    LosesPageRecord,
    SettlesTwice,
    IgnoresCancellation,
    LosesDelivery,
    StartsConcurrentAttempts,
    TreatsFailureAsDelivered,
    RetriesInterruptedAttemptAtOnce,
    IgnoresReplay,
}

#[derive(Default)]
struct Memory {
    unwritten: Option<NewJob>,
    leases: Vec<Lease>,
    last_claim: Option<Claim>,
    last_attempt: Option<Attempt>,
}

/// A correct store behind one fault.
pub struct FaultyStore {
    store: MemoryStore,
    fault: Fault,
    memory: Mutex<Memory>,
}

impl FaultyStore {
    pub fn new(store: MemoryStore, fault: Fault) -> Self {
        Self { store, fault, memory: Mutex::default() }
    }

    /// Simulates a process crash: what is not durable is lost.
    pub fn crash(&self) {
        self.memory().unwritten = None;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_pending_submission(&self) -> Result<(), StoreError> {
        let job = self.memory().unwritten.take();
        match job {
            Some(job) => self.store.submit(job).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn extend_all_leases(&self, lease_duration: Duration) -> Result<(), StoreError> {
        if self.fault == Fault::NeverExpiresLeases {
            let leases = self.memory().leases.clone();
            self.store.renew(&leases, lease_duration).await?;
        }
        Ok(())
    }

    async fn current_lease(&self, lease: &Lease) -> Result<Lease, StoreError> {
        match self.store.job(&lease.job, None).await?.map(|job| job.state) {
            Some(JobState::Running { lease }) => Ok(lease),
            _ => Err(StoreError::LeaseLost),
        }
    }

    /// Marks a delivery as delivered without sending it.
    async fn mark_delivered(&self, job: &Job) -> Result<(), StoreError> {
        let Some(delivery) = &job.delivery else { return Ok(()) };
        let start = self.store.start_attempt(&job.id, delivery.version, &NodeId::new("faulty"), TERMS).await?;
        if let AttemptStart::Started(attempt) = start {
            let outcome = AttemptOutcome::Answered { status: 200, retry_after: None, excerpt: String::new() };
            self.store.finish_attempt(&attempt, &outcome, RetryDecision::Delivered).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl StoreDecorator for FaultyStore {
    fn inner(&self) -> &dyn Store {
        &self.store
    }

    async fn submit(&self, job: NewJob) -> Result<Submission, StoreError> {
        if self.fault != Fault::AcknowledgesBeforeCommit {
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
        kind: JobKind,
        limit: usize,
        lease_duration: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        self.write_pending_submission().await?;
        self.extend_all_leases(lease_duration).await?;
        let mut claims = self.store.claim(node, kind, limit, lease_duration).await?;
        if self.fault == Fault::ForgetsCrashes {
            claims.iter_mut().for_each(|claim| claim.job.crashes = 0);
        }
        let mut memory = self.memory();
        memory.leases.extend(claims.iter().map(|claim| claim.lease.clone()));
        if self.fault == Fault::ClaimsRunningJob && claims.is_empty() {
            return Ok(memory.last_claim.clone().into_iter().collect());
        }
        memory.last_claim = claims.last().cloned().or(memory.last_claim.take());
        Ok(claims)
    }

    async fn renew(&self, leases: &[Lease], lease_duration: Duration) -> Result<Vec<Lease>, StoreError> {
        let stale = self.store.renew(leases, lease_duration).await?;
        Ok(if self.fault == Fault::RenewsStaleLease { vec![] } else { stale })
    }

    async fn record_pages(&self, lease: &Lease, pages: Vec<PageRecord>) -> Result<Progress, StoreError> {
        if self.fault == Fault::LosesPageRecord && pages.iter().any(|page| page.index == 1) {
            return Ok(Progress::default());
        }
        match self.store.record_pages(lease, pages.clone()).await {
            Err(StoreError::LeaseLost) if self.fault == Fault::RecordsUnderStaleLease => {
                let current = self.current_lease(lease).await?;
                self.store.record_pages(&current, pages).await
            }
            result => result,
        }
    }

    async fn settle(&self, lease: &Lease, reason: SettleReason) -> Result<Job, StoreError> {
        let result = self.store.settle(lease, reason.clone()).await;
        match (self.fault, result) {
            (Fault::SettlesUnderStaleLease, Err(StoreError::LeaseLost)) => {
                let current = self.current_lease(lease).await?;
                self.store.settle(&current, reason).await
            }
            (Fault::SettlesTwice, Err(StoreError::LeaseLost)) => {
                let job = self.store.job(&lease.job, None).await?.ok_or(StoreError::NotFound)?;
                if job.state.is_settled() { Ok(job) } else { Err(StoreError::LeaseLost) }
            }
            (Fault::LosesDelivery, Ok(job)) => {
                self.mark_delivered(&job).await?;
                Ok(job)
            }
            (_, result) => result,
        }
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        if self.fault == Fault::IgnoresRelease {
            return Ok(());
        }
        self.store.release(lease, release).await
    }

    async fn cancel(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        if self.fault == Fault::IgnoresCancellation {
            return self.store.job(job, principal).await?.ok_or(StoreError::NotFound);
        }
        self.store.cancel(job, principal).await
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        node: &NodeId,
        mut terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        if self.fault == Fault::RetriesInterruptedAttemptAtOnce {
            terms.interruption_delay = Duration::ZERO;
        }
        let start = self.store.start_attempt(job, version, node, terms).await?;
        let mut memory = self.memory();
        match &start {
            AttemptStart::Started(attempt) => memory.last_attempt = Some(attempt.clone()),
            AttemptStart::Stale if self.fault == Fault::StartsConcurrentAttempts => {
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
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let faulty = self.fault == Fault::TreatsFailureAsDelivered;
        self.store.finish_attempt(attempt, outcome, if faulty { RetryDecision::Delivered } else { decision }).await
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let settled = self.store.job(job, principal).await?.filter(|job| job.delivery.is_some());
        if let Some(job) = settled.filter(|_| self.fault == Fault::IgnoresReplay) {
            return Ok(job);
        }
        self.store.replay(job, principal).await
    }

    async fn requeue(&self) -> Result<Option<Duration>, StoreError> {
        self.extend_all_leases(LEASE).await?;
        self.store.requeue().await
    }
}
