//! [`DeliveryStore`] in memory: each method runs under one lock.

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::Job;
use crate::ports::{AttemptStart, AttemptTerms, DeliveryLog, DeliveryStore, DueQuery, ReplayFilter, StoreError};

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn due(&self, query: DueQuery) -> Result<Vec<DueDelivery>, StoreError> {
        let (state, now) = self.state();
        Ok(state.due(now, &query))
    }

    async fn start_attempt(
        &self,
        job: &JobId,
        version: u64,
        _: &NodeId,
        terms: AttemptTerms,
    ) -> Result<AttemptStart, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.start_attempt(now, job, version, terms))
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        outcome: &AttemptOutcome,
        decision: RetryDecision,
    ) -> Result<(DeliveryState, u64), StoreError> {
        let (mut state, now) = self.state();
        state.finish_attempt(now, attempt, outcome, decision)
    }

    async fn deliveries(&self, job: &JobId, principal: Option<&Principal>) -> Result<Option<DeliveryLog>, StoreError> {
        let mut state = self.state().0;
        let row = state.visible(job, principal).ok();
        Ok(row.map(|row| DeliveryLog { job: row.job.clone(), attempts: row.attempts.clone() }))
    }

    async fn replay(&self, job: &JobId, principal: Option<&Principal>) -> Result<Job, StoreError> {
        let (mut state, now) = self.state();
        state.replay(now, job, principal)
    }

    async fn replay_all(&self, filter: ReplayFilter) -> Result<u64, StoreError> {
        let (mut state, now) = self.state();
        Ok(state.replay_all(now, &filter))
    }
}
