//! Steps of nodes, and the results that the store may return.

use std::time::Duration;

use jiff::Timestamp;

use super::state::{RunState, Violation, ensure, violation};
use crate::domain::delivery::{AttemptOutcome, RetryDecision};
use crate::domain::job::{Interruption, JobState};
use crate::kinds::CRAWL;
use crate::ports::{AttemptStart, AttemptTerms, Claim, DueQuery, Release, SettleReason, StoreError};
use crate::testing::contract::{LEASE, TERMS};
use crate::testing::jobs::good_page;

/// No delivery of the model becomes exhausted.
const UNLIMITED: AttemptTerms = AttemptTerms { max_interruptions: 1000, ..TERMS };

pub fn all_due() -> DueQuery {
    DueQuery {
        horizon: Duration::ZERO,
        limit: 100,
        limit_per_receiver: 100,
        limit_per_principal: 100,
        excluded_principals: vec![],
        excluded_receivers: vec![],
        max_wait: Duration::from_secs(32),
    }
}

/// The first claim of a node.
struct Held {
    claim: Claim,
    /// Its lease has not been replaced by another one.
    current: bool,
    /// Its lease is current and has not expired.
    valid: bool,
}

impl Held {
    /// Checks the result of a write under the lease: a stale lease must fail, a valid one must not.
    fn check<T>(&self, result: &Result<T, StoreError>) -> Result<(), Violation> {
        let lost = matches!(result, Err(StoreError::LeaseLost));
        ensure(self.current || result.is_err(), "write under a stale lease", &self.claim.job.id)?;
        ensure(!self.valid || !lost, "valid lease was rejected", &self.claim.job.id)
    }
}

impl RunState {
    fn held(&mut self, node: usize) -> Option<Held> {
        let now = self.now();
        let (claim, _) = self.nodes[node].claims.front()?;
        let claim = claim.clone();
        let lease = self.expected(&claim.job.id).lease.clone();
        let current = lease.as_ref().is_some_and(|(lease, _)| *lease == claim.lease);
        let valid = current && lease.is_some_and(|(_, end)| end > now);
        Some(Held { claim, current, valid })
    }

    pub async fn claim(&mut self, node: usize) -> Result<(), Violation> {
        let (name, now, until) = (self.nodes[node].name.clone(), self.now(), self.lease_end());
        let claims = self.subject.store.claim(&name, CRAWL, 1, LEASE).await;
        let claims = claims.map_err(|error| error.to_string())?;
        self.expire_leases();
        for claim in claims {
            let id = claim.job.id.clone();
            let expected = self.expected(&id);
            ensure(expected.settled.is_none(), "claimed after its settlement", &id)?;
            ensure(claim.lease.token > expected.token, "claimed with an old token", &id)?;
            ensure(expected.lease.is_none(), "claimed while leased", &id)?;
            ensure(claim.job.crashes == expected.crashes, "claimed with a wrong number of crashes", &id)?;
            ensure(claim.job.attempts_spent == 0, "a crash or a drain cost an attempt", &id)?;
            let delayed = expected.crash_delay_until.is_some_and(|end| end > now);
            ensure(!delayed, "claimed before the end of the delay after a crash", &id)?;
            let repeated = claim.missing.iter().any(|page| expected.recorded.contains(page));
            ensure(!repeated, "a recorded page is missing in the claim", &id)?;
            expected.token = claim.lease.token;
            expected.lease = Some((claim.lease.clone(), until));
            let missing = claim.missing.clone().into();
            self.nodes[node].claims.push_back((claim, missing));
        }
        Ok(())
    }

    pub async fn renew(&mut self, node: usize) -> Result<(), Violation> {
        let Some(held) = self.held(node) else { return Ok(()) };
        let (lease, until) = (&held.claim.lease, self.lease_end());
        let stale = self.subject.store.renew(std::slice::from_ref(lease), LEASE).await;
        let renewed = stale.map_err(|error| error.to_string())?.is_empty();
        ensure(held.current || !renewed, "stale lease was renewed", &lease.job)?;
        ensure(!held.valid || renewed, "valid lease was not renewed", &lease.job)?;
        if renewed {
            self.expected(&lease.job).lease = Some((lease.clone(), until));
        } else {
            self.nodes[node].claims.pop_front();
        }
        Ok(())
    }

    pub async fn record(&mut self, node: usize) -> Result<(), Violation> {
        let Some(held) = self.held(node) else { return Ok(()) };
        let page = self.nodes[node].claims.front_mut().and_then(|(_, missing)| missing.pop_front());
        let Some(page) = page else { return Ok(()) };
        let result = self.subject.store.record_pages(&held.claim.lease, vec![good_page(page)]).await;
        held.check(&result)?;
        if result.is_ok() {
            self.expected(&held.claim.job.id).recorded.insert(page);
        } else {
            self.nodes[node].claims.pop_front();
        }
        self.check_job(&held.claim.job.id).await
    }

    pub async fn settle(&mut self, node: usize) -> Result<(), Violation> {
        let Some(held) = self.held(node) else { return Ok(()) };
        let id = held.claim.job.id.clone();
        let result = self.subject.store.settle(&held.claim.lease, SettleReason::WorkDone).await;
        let expected = self.expected(&id);
        let complete = u32::try_from(expected.recorded.len()).unwrap_or(u32::MAX) == expected.pages;
        if result.is_ok() {
            ensure(expected.settled.is_none(), "settled twice", &id)?;
            ensure(complete, "settled with missing pages", &id)?;
        }
        held.check(&result)?;
        ensure(!(held.valid && complete) || result.is_ok(), "complete job was not settled", &id)?;
        if result.is_ok() {
            let expected = self.expected(&id);
            expected.settled = Some(JobState::Completed);
            expected.lease = None;
        }
        // A job with missing pages remains claimed.
        if !matches!(result, Err(StoreError::Conflict(_))) {
            self.nodes[node].claims.pop_front();
        }
        self.check_job(&id).await
    }

    pub async fn release(&mut self, node: usize) -> Result<(), Violation> {
        let Some(held) = self.held(node) else { return Ok(()) };
        let id = held.claim.job.id.clone();
        let drained = Release { interruption: Interruption::Drained, reason: None, delay: Duration::ZERO };
        let result = self.subject.store.release(&held.claim.lease, drained).await;
        held.check(&result)?;
        self.nodes[node].claims.pop_front();
        if result.is_ok() {
            self.expected(&id).lease = None;
            let job = self.subject.store.job(&id, None).await.map_err(|error| error.to_string())?;
            let queued = job.is_some_and(|job| matches!(job.state, JobState::Queued { .. }));
            ensure(queued, "released but not queued", &id)?;
        }
        Ok(())
    }

    pub async fn start_attempt(&mut self, node: usize) -> Result<(), Violation> {
        if self.nodes[node].attempt.is_some() {
            return Ok(());
        }
        let (name, now, until) = (self.nodes[node].name.clone(), self.now(), self.lease_end());
        let found = self.subject.store.due(all_due()).await.map_err(|error| error.to_string())?;
        let Some(due) = found.first() else { return Ok(()) };
        // The second start uses an outdated version.
        for _ in 0..2 {
            let start = self.subject.store.start_attempt(&due.job, due.version, &name, UNLIMITED).await;
            if let AttemptStart::Started(attempt) = start.map_err(|error| error.to_string())? {
                let expected = self.expected(&due.job);
                let free = expected.attempt_until.is_none_or(|end| end <= now);
                ensure(free, "two concurrent attempts", &due.job)?;
                ensure(expected.settled.is_some(), "attempt before the settlement", &due.job)?;
                let delayed = expected.delayed_until.is_some_and(|end| end > now);
                ensure(!delayed, "interrupted attempt was repeated without a delay", &due.job)?;
                expected.attempt_until = Some(until);
                let delayed_until = now.saturating_add(TERMS.interruption_delay);
                expected.delayed_until = Some(delayed_until.unwrap_or(Timestamp::MAX));
                self.nodes[node].attempt = Some((attempt, None));
            }
        }
        Ok(())
    }

    pub fn post(&mut self, node: usize, accepted: bool) {
        if let Some((attempt, response @ None)) = &mut self.nodes[node].attempt {
            *response = Some(accepted);
            let job = attempt.job.clone();
            self.expected(&job).accepted |= accepted;
        }
    }

    pub async fn finish_attempt(&mut self, node: usize) -> Result<(), Violation> {
        let Some((attempt, Some(accepted))) = self.nodes[node].attempt.clone() else { return Ok(()) };
        self.nodes[node].attempt = None;
        let status = if accepted { 200 } else { 500 };
        let outcome = AttemptOutcome::Answered { status, retry_after: None, excerpt: String::new() };
        let decision = if accepted { RetryDecision::Delivered } else { RetryDecision::RetryIn(Duration::from_secs(1)) };
        match self.subject.store.finish_attempt(&attempt, &outcome, decision).await {
            Ok(_) => {
                let expected = self.expected(&attempt.job);
                (expected.attempt_until, expected.delayed_until) = (None, None);
            }
            Err(StoreError::LeaseLost) => {}
            Err(other) => return violation(other.to_string()),
        }
        Ok(())
    }
}
