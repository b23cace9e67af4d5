//! What the two nodes do, a step at a time, and what the store may answer.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::{Broken, World, broken, ensure};
use crate::domain::delivery::{Attempt, AttemptOutcome, RetryDecision};
use crate::domain::id::{NodeId, TaskType};
use crate::domain::job::{Interruption, JobState};
use crate::ports::{AttemptStart, AttemptTerms, Claim, DueQuery, Release, SettleReason, StoreError};
use crate::testing::contract::{LEASE, TERMS};
use crate::testing::jobs::good_page;

/// What a process holds in its memory.
pub struct Node {
    name: NodeId,
    claims: VecDeque<(Claim, VecDeque<u32>)>,
    sending: Option<(Attempt, Option<bool>)>,
}

impl Node {
    pub fn new(name: &str) -> Self {
        Self { name: NodeId::new(name), claims: VecDeque::new(), sending: None }
    }

    pub fn crash(&mut self) {
        self.claims.clear();
        self.sending = None;
    }
}

/// No delivery of the model is given up.
const ENDLESS: AttemptTerms = AttemptTerms { max_interruptions: 1000, ..TERMS };

pub fn everything() -> DueQuery {
    let max_wait = Duration::from_secs(32);
    DueQuery { horizon: Duration::ZERO, limit: 100, limit_per_receiver: 100, excluded_receivers: vec![], max_wait }
}

impl World {
    pub(super) async fn claim(&mut self, node: usize) -> Result<(), Broken> {
        let (name, now, until) = (self.nodes[node].name.clone(), self.now(), self.in_a_hold());
        let claims = self.subject.store.claim(&name, TaskType::Crawl, 1, LEASE).await;
        for claim in claims.map_err(|error| error.to_string())? {
            let id = claim.job.id.clone();
            let known = self.known(&id);
            ensure(known.settled.is_none(), "claimed after it was settled", &id)?;
            ensure(claim.lease.token > known.token, "claimed under an old token", &id)?;
            let free = known.lease.as_ref().is_none_or(|(_, end)| *end <= now);
            ensure(free, "claimed while somebody's lease was good", &id)?;
            let again = claim.missing.iter().any(|page| known.recorded.contains(page));
            ensure(!again, "a page is to be crawled again after its record", &id)?;
            known.token = claim.lease.token;
            known.lease = Some((claim.lease.clone(), until));
            let missing = claim.missing.clone().into();
            self.nodes[node].claims.push_back((claim, missing));
        }
        Ok(())
    }

    /// Whether the lease of the node's first job is its newest; one that ran out may be good still.
    fn summary(&mut self, node: usize) -> Option<(Claim, bool, bool)> {
        let now = self.now();
        let (claim, _) = self.nodes[node].claims.front()?;
        let claim = claim.clone();
        let lease = self.known(&claim.job.id).lease.clone();
        let newest = lease.as_ref().is_some_and(|(newest, _)| *newest == claim.lease);
        let runs = newest && lease.is_some_and(|(_, end)| end > now);
        Some((claim, newest, runs))
    }

    /// A write by a lease: refused if the lease is stale, never if it runs.
    fn judge<T>(answer: &Result<T, StoreError>, claim: &Claim, newest: bool, runs: bool) -> Result<(), Broken> {
        ensure(newest || answer.is_err(), "a stale lease has written", &claim.job.id)?;
        ensure(
            !runs || *answer.as_ref().err().unwrap_or(&StoreError::NotFound) != StoreError::LeaseLost,
            "a good lease was refused",
            &claim.job.id,
        )
    }

    pub(super) async fn renew(&mut self, node: usize) -> Result<(), Broken> {
        let Some((claim, newest, runs)) = self.summary(node) else { return Ok(()) };
        let until = self.in_a_hold();
        let lost = self.subject.store.renew(std::slice::from_ref(&claim.lease), LEASE).await;
        let renewed = lost.map_err(|error| error.to_string())?.is_empty();
        ensure(newest || !renewed, "a stale lease was renewed", &claim.job.id)?;
        ensure(!runs || renewed, "a good lease was not renewed", &claim.job.id)?;
        if renewed {
            self.known(&claim.job.id).lease = Some((claim.lease, until));
        } else {
            self.nodes[node].claims.pop_front();
        }
        Ok(())
    }

    pub(super) async fn record(&mut self, node: usize) -> Result<(), Broken> {
        let Some((claim, newest, runs)) = self.summary(node) else { return Ok(()) };
        let page = self.nodes[node].claims.front_mut().and_then(|(_, missing)| missing.pop_front());
        let Some(page) = page else { return Ok(()) };
        let answer = self.subject.store.record_pages(&claim.lease, vec![good_page(page)]).await;
        Self::judge(&answer, &claim, newest, runs)?;
        if answer.is_ok() {
            self.known(&claim.job.id).recorded.insert(page);
        } else {
            self.nodes[node].claims.pop_front();
        }
        self.agrees(&claim.job.id).await
    }

    pub(super) async fn settle(&mut self, node: usize) -> Result<(), Broken> {
        let Some((claim, newest, runs)) = self.summary(node) else { return Ok(()) };
        let id = claim.job.id.clone();
        let answer = self.subject.store.settle(&claim.lease, SettleReason::WorkDone).await;
        let known = self.known(&id);
        let complete = u32::try_from(known.recorded.len()).unwrap_or(u32::MAX) == known.pages;
        if answer.is_ok() {
            ensure(known.settled.is_none(), "settled twice", &id)?;
            ensure(complete, "settled without all of its pages", &id)?;
        }
        Self::judge(&answer, &claim, newest, runs)?;
        ensure(!(runs && complete) || answer.is_ok(), "not settled although every page is there", &id)?;
        if answer.is_ok() {
            let known = self.known(&id);
            known.settled = Some(JobState::Completed);
            known.lease = None;
        }
        // With pages missing it is still the node's job.
        if !matches!(answer, Err(StoreError::Conflict(_))) {
            self.nodes[node].claims.pop_front();
        }
        self.agrees(&id).await
    }

    pub(super) async fn release(&mut self, node: usize) -> Result<(), Broken> {
        let Some((claim, newest, runs)) = self.summary(node) else { return Ok(()) };
        let back = Release { interruption: Interruption::Drained, reason: None, delay: Duration::ZERO };
        let answer = self.subject.store.release(&claim.lease, back).await;
        Self::judge(&answer, &claim, newest, runs)?;
        self.nodes[node].claims.pop_front();
        if answer.is_ok() {
            self.known(&claim.job.id).lease = None;
            let job = self.subject.store.job(&claim.job.id, None).await.map_err(|error| error.to_string())?;
            let queued = job.is_some_and(|job| matches!(job.state, JobState::Queued { .. }));
            ensure(queued, "handed back and not in the queue", &claim.job.id)?;
        }
        Ok(())
    }

    pub(super) async fn start_attempt(&mut self, node: usize) -> Result<(), Broken> {
        if self.nodes[node].sending.is_some() {
            return Ok(());
        }
        let (name, now, until) = (self.nodes[node].name.clone(), self.now(), self.in_a_hold());
        let found = self.subject.store.due(everything()).await.map_err(|error| error.to_string())?;
        // What a node once read may be old when it acts on it.
        let Some(due) = found.first() else { return Ok(()) };
        for _ in 0..2 {
            let start = self.subject.store.start_attempt(&due.job, due.version, &name, ENDLESS).await;
            if let AttemptStart::Started(attempt) = start.map_err(|error| error.to_string())? {
                let known = self.known(&due.job);
                let free = known.sending_until.is_none_or(|end: Timestamp| end <= now);
                ensure(free, "sent twice at the same time", &due.job)?;
                ensure(known.settled.is_some(), "sent before it was settled", &due.job)?;
                ensure(known.rests_until.is_none_or(|end| end <= now), "sent again at once", &due.job)?;
                known.sending_until = Some(until);
                known.rests_until = Some(now.saturating_add(TERMS.interruption_delay).unwrap_or(Timestamp::MAX));
                self.nodes[node].sending = Some((attempt, None));
            }
        }
        Ok(())
    }

    pub(super) fn post(&mut self, node: usize, taken: bool) -> Result<(), Broken> {
        if let Some((attempt, answer @ None)) = &mut self.nodes[node].sending {
            *answer = Some(taken);
            let job = attempt.job.clone();
            self.known(&job).taken |= taken;
        }
        Ok(())
    }

    pub(super) async fn finish_attempt(&mut self, node: usize) -> Result<(), Broken> {
        let Some((attempt, Some(taken))) = self.nodes[node].sending.clone() else { return Ok(()) };
        self.nodes[node].sending = None;
        let status = if taken { 200 } else { 500 };
        let outcome = AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() };
        let next = if taken { RetryDecision::Delivered } else { RetryDecision::RetryIn(Duration::from_secs(1)) };
        match self.subject.store.finish_attempt(&attempt, &outcome, next).await {
            Ok(_) => {
                let known = self.known(&attempt.job);
                (known.sending_until, known.rests_until) = (None, None);
            }
            Err(StoreError::LeaseLost) => {}
            Err(other) => return broken(other.to_string()),
        }
        Ok(())
    }
}
